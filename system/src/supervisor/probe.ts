/** Asks an instance whether it is ready, as its topology row says. */
import { Agent, get } from 'node:http'
import { connect } from 'node:net'
import type { Probe } from '../../topology.ts'
import type { InstancePorts } from './ports.ts'

/** One connection an instance is enough, and a probe must not keep the supervisor alive. */
const agent = new Agent({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 })
const timeoutMs = 2_000

/** Of a reason; a longer body isn't one. */
const reasonBytesMax = 4_096

export interface Probed {
  readonly ready: boolean
  /** What the instance says about its state, ready or not: one line for people. */
  readonly reason?: string
}

/** Whether the instance says that it is ready; any fault is a no. Never rejects. */
export async function probeInstance(probe: Probe, host: string, ports: InstancePorts): Promise<Probed> {
  if (probe.kind === 'started') return { ready: true }
  const port = ports[probe.port]
  if (port === undefined) return { ready: false }
  return probe.kind === 'http' ? answersOk(host, port, probe.path) : { ready: await accepts(host, port) }
}

function answersOk(host: string, port: number, path: string): Promise<Probed> {
  return new Promise((resolve) => {
    const request = get({ host, port, path, agent, timeout: timeoutMs }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        if (body.length < reasonBytesMax) body += chunk
      })
      response.once('end', () => resolve({ ready: response.statusCode === 200, ...reasonIn(body) }))
      response.once('error', () => resolve({ ready: false }))
    })
    request.once('timeout', () => request.destroy(new Error('timeout')))
    request.once('error', () => resolve({ ready: false }))
  })
}

/** The member `reason` of a health answer, or the list `reasons` of a kit service, on one line. */
export function reasonIn(body: string): { readonly reason?: string } {
  try {
    const { reasons, reason = listed(reasons) } = JSON.parse(body) as { reason?: unknown; reasons?: unknown }
    return typeof reason === 'string' && reason !== '' ? { reason: oneLine(reason) } : {}
  } catch {
    return {}
  }
}

/** Text of a process for a terminal: no control characters, not too long. */
export function oneLine(text: string): string {
  return text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 300)
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const settle = (ready: boolean) => {
      socket.destroy()
      resolve(ready)
    }
    socket.once('connect', () => settle(true))
    socket.once('timeout', () => settle(false))
    socket.once('error', () => settle(false))
  })
}

const listed = (reasons: unknown): string =>
  Array.isArray(reasons) ? reasons.filter((each) => typeof each === 'string').join('; ') : ''
