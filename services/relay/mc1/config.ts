/** `config/relay.yaml` → validated values; and the settings that the config service may change, with these as defaults. */
import { existsSync, readFileSync } from 'node:fs'
import { relayLimits } from '@svyaz/contracts/events/relay.ts'
import { load } from 'js-yaml'
import { z } from 'zod'

const fields = {
  intervalSeconds: z.number().positive().max(relayLimits.intervalSecondsMax),
  inFlight: z.int().min(1).max(relayLimits.inFlightMax),
  payloadBytes: z.int().min(0).max(relayLimits.payloadBytesMax),
  messagesPerSecond: z.int().min(0).max(1_000),
}
const file = z.strictObject(fields).partial()

const defaults = { intervalSeconds: 10, inFlight: 1, payloadBytes: 0, messagesPerSecond: 0 }
export type RelayValues = typeof defaults

/** What MC1 keeps in memory to send again: messages under way times their size. */
const unconfirmedBytesMax = 128 * 1024 * 1024

/** MC1's settings with these defaults. */
export const settingsWith = (values: RelayValues) =>
  z
    .object({
      /** How long a session lasts. */
      intervalSeconds: fields.intervalSeconds.default(values.intervalSeconds),
      /** Messages under way at once; 1 = strictly one cycle after another. */
      inFlight: fields.inFlight.default(values.inFlight),
      /** Padding beside each message, on every hop. */
      payloadBytes: fields.payloadBytes.default(values.payloadBytes),
      /** An even pace; 0 = as many as `inFlight` lets. */
      messagesPerSecond: fields.messagesPerSecond.default(values.messagesPerSecond),
      /** Whose pages, beside MC1's own, may start and stop: the console's server asks without an Origin. */
      controlOrigins: z
        .array(z.url({ protocol: /^https?$/ }))
        .max(50)
        .default(['http://127.0.0.1:8090', 'http://localhost:8090']),
    })
    .refine(({ inFlight, payloadBytes }) => inFlight * payloadBytes <= unconfirmedBytesMax, {
      path: ['payloadBytes'],
      message: `inFlight times payloadBytes is above ${unconfirmedBytesMax}`,
    })
export const settings = settingsWith(defaults)
export type Settings = z.output<typeof settings>

/** The values of a configuration file, or every fault of it, each as a sentence with the field's name. */
export const parseRelayFile = (text: string): { values: RelayValues } | { faults: string[] } => {
  let raw: unknown
  try {
    raw = load(text) ?? {}
  } catch (error) {
    return { faults: [`not YAML: ${(error as Error).message.split('\n')[0]}`] }
  }
  const parsed = file.safeParse(raw)
  if (!parsed.success) return { faults: parsed.error.issues.flatMap((issue) => sentences(issue, raw)) }
  const values = { ...defaults, ...parsed.data } as RelayValues
  const whole = settings.safeParse(values)
  if (!whole.success) return { faults: whole.error.issues.flatMap((issue) => sentences(issue, values)) }
  return { values }
}

const sentences = (issue: z.core.$ZodIssue, raw: unknown): string[] => {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${key}: there is no such setting; there are ${Object.keys(fields).join(', ')}`)
  const name = String(issue.path[0] ?? '')
  if (name === '') return ['not a list of settings']
  return [`${name}: ${issue.message} (it is ${JSON.stringify((raw as Record<string, unknown>)[name])})`]
}

/**
 * Reads the file. One that can't be read is a fault like any other; but where nobody named one and there is none, as in
 * a container, the defaults hold.
 */
export const readRelayFile = (path: string): { values: RelayValues } | { faults: string[] } => {
  if (path.endsWith(usualPath) && !existsSync(path)) return { values: defaults }
  try {
    return parseRelayFile(readFileSync(path, 'utf8'))
  } catch (error) {
    return { faults: [`can't be read: ${(error as Error).message}`] }
  }
}

/** Where the file is: SVYAZ_RELAY_CONFIG, else `config/relay.yaml` in the folder that the process runs in. */
export const relayFilePath = (environment: Readonly<Record<string, string | undefined>>): string =>
  environment.SVYAZ_RELAY_CONFIG ?? usualPath

const usualPath = 'config/relay.yaml'

export const limits = {
  /** Between tries to reach MC2: doubling, with jitter. */
  reconnectMsMin: 20,
  reconnectMsMax: 1_000,
  connectTimeoutMs: 2_000,
  /** A socket that answers no ping for so long is given up. */
  pingEveryMs: 2_000,
  /** `GET /stop/` waits so long for the last messages before it answers what there is. */
  stopWaitMs: 10_000,
  /** Latest messages whose hops make the picture of a running session. */
  hopsKept: 2_048,
} as const
