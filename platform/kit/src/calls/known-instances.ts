/** What is known about where a service runs, and how long it is believed (reliability rule 12). Pure; monotonic ms. */
import type { Instance } from '../api.ts'
import { signatureName } from './signed-registration.ts'

/** An instance as discovery, or the copy on disk, has it. */
export interface Found {
  readonly instance: Instance
  readonly signed: string | undefined
}

/** How long the last good set is served when discovery is away or says that nobody is there. */
export const believedMs = 5 * 60_000

export interface Known {
  /** The last set that was not empty. */
  lastGood: readonly Instance[]
  /** When it stopped being what discovery says; undefined while it is. */
  doubtedSince: number | undefined
}

export const nothingKnown: Known = { lastGood: [], doubtedSince: undefined }

/** Discovery answered: a set that has instances is taken, an empty one only doubts the last. */
export const afterAnswer = (known: Known, instances: readonly Instance[], now: number): Known =>
  instances.length > 0
    ? { lastGood: instances, doubtedSince: undefined }
    : { lastGood: known.lastGood, doubtedSince: known.doubtedSince ?? now }

/** Discovery did not answer. */
export const afterSilence = (known: Known, now: number): Known => ({
  lastGood: known.lastGood,
  doubtedSince: known.doubtedSince ?? now,
})

export type Trust = 'current' | 'last-good' | 'expired' | 'nothing'

/**
 * How much the known instances are worth.
 * @param now ms on the monotonic clock
 */
export const trustIn = (known: Known, now: number): Trust => {
  if (known.lastGood.length === 0) return 'nothing'
  if (known.doubtedSince === undefined) return 'current'
  return now - known.doubtedSince <= believedMs ? 'last-good' : 'expired'
}

/** The instances to call now. */
export const believed = (known: Known, now: number): readonly Instance[] => {
  const trust = trustIn(known, now)
  return trust === 'current' || trust === 'last-good' ? known.lastGood : []
}

/** One entry of `/v1/health/service/<name>`, nothing of it verified; undefined when it names no place. */
export const foundIn = (entry: unknown): Found | undefined => {
  const { Service: service, Node: node } = entry as {
    Service?: { ID?: string; Address?: string; Port?: number; Meta?: Record<string, string> | null }
    Node?: { Address?: string }
  }
  const host = service?.Address || node?.Address
  if (service?.ID === undefined || !host) return undefined
  const ports: Record<string, number> = {}
  for (const [name, value] of Object.entries(service.Meta ?? {})) {
    const port = /^\d{1,5}$/.test(value) ? Number(value) : 0
    if (portNames.has(name) && isPort(port)) ports[name] = port
  }
  const signed = service.Meta?.[signatureName]
  // What any Consul client registers is enough: one port, and nothing said of it, speaks HTTP. Ours sign what they have.
  const { Port: own = 0 } = service
  if (signed === undefined && ports.http === undefined && isPort(own)) ports.http = own
  return { instance: { id: service.ID, host, ports }, signed: typeof signed === 'string' ? signed : undefined }
}

/** TCP's ports are 16 bits wide. */
const isPort = (value: number): boolean => Number.isInteger(value) && value > 0 && value < 2 ** 16

/** Names of ports in a registration's `Meta`. */
export const portNames: ReadonlySet<string> = new Set(['http', 'grpc', 'management'])
