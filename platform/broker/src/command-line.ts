/** The flags of the command. Pure: text in, settings or every fault out. */
import { parseArgs } from 'node:util'

export interface CommandSettings {
  readonly host: string
  readonly port: number
  readonly dataDirectory: string
  readonly advertisedHost: string | null
  readonly advertisedPort: number | null
  readonly managementPort: number | null
  readonly partitions: number
  readonly autoCreateTopics: boolean
  readonly acceptLoss: boolean
  readonly stopOnStdinEnd: boolean
  readonly verbose: boolean
}

export type CommandLine =
  | { readonly kind: 'run'; readonly settings: CommandSettings }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'wrong'; readonly faults: readonly string[] }

interface Flag {
  readonly type: 'string' | 'boolean'
  /** What follows the flag in the help text. */
  readonly value?: string
  readonly about: string
}

const flags = {
  port: { type: 'string', value: 'NUMBER', about: 'port for Kafka clients; 0 takes a free one (default 9092)' },
  host: { type: 'string', value: 'ADDRESS', about: 'address to listen on (default 127.0.0.1)' },
  'data-dir': { type: 'string', value: 'PATH', about: 'where the data is kept (default ./svyaz-broker-data)' },
  'advertised-host': { type: 'string', value: 'NAME', about: 'host that clients are told to connect to' },
  'advertised-port': { type: 'string', value: 'NUMBER', about: 'port that clients are told to connect to' },
  'management-port': {
    type: 'string',
    value: 'NUMBER',
    about: 'HTTP port for health, metrics and info; 0: a free one',
  },
  partitions: { type: 'string', value: 'NUMBER', about: 'partitions of a topic made without a number (default 6)' },
  'no-auto-create': { type: 'boolean', about: 'do not make a topic when a client asks for it' },
  'accept-loss': { type: 'boolean', about: 'give up what is damaged in --data-dir, print what was lost, and end' },
  'stop-on-stdin-end': { type: 'boolean', about: 'end when standard input ends' },
  verbose: { type: 'boolean', about: 'log debug lines too' },
  help: { type: 'boolean', about: 'show this text' },
  version: { type: 'boolean', about: 'show the version' },
} as const satisfies Record<string, Flag>

type FlagName = keyof typeof flags

/** What `--help` prints: each flag with its meaning. */
export function helpText(): string {
  const lines = Object.entries<Flag>(flags).map(
    ([name, { value, about }]) => `  ${`--${name}${value ? ` ${value}` : ''}`.padEnd(26)} ${about}`,
  )
  return [
    'svyaz-broker: a durable single-node broker that speaks the Kafka wire protocol',
    '',
    'Usage: svyaz-broker [flags]',
    '',
    ...lines,
    '',
    'Ends in good order on SIGTERM and SIGINT. Exit codes: 0 ended, 1 could not start or failed, 2 wrong flags.',
    '',
  ].join('\n')
}

/** `args` without the program. Names every fault, not only the first. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { tokens } = parseArgs({ args: [...args], options: flags, strict: false, tokens: true })
  const faults: string[] = []
  const given = new Map<FlagName, string | true>()
  for (const token of tokens) {
    if (token.kind === 'positional') faults.push(`unexpected "${token.value}"`)
    if (token.kind !== 'option') continue
    if (!Object.hasOwn(flags, token.name)) {
      faults.push(`unknown flag ${token.rawName}`)
      continue
    }
    const name = token.name as FlagName
    const wantsValue = flags[name].type === 'string'
    // A following flag is taken for the value by the parser, and never meant as one.
    const isMissing = !token.value || (token.inlineValue === false && token.value.startsWith('--'))
    if (wantsValue && isMissing) faults.push(`--${name} needs a value`)
    else if (!wantsValue && token.value !== undefined) faults.push(`--${name} takes no value`)
    else given.set(name, token.value ?? true)
  }
  if (given.has('help')) return { kind: 'help' }
  if (given.has('version')) return { kind: 'version' }

  const text = (name: FlagName): string | null => {
    const value = given.get(name)
    return typeof value === 'string' ? value : null
  }
  const number = (name: FlagName, least: number, most: number): number | null => {
    const value = text(name)
    if (value === null) return null
    const parsed = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
    if (parsed >= least && parsed <= most) return parsed
    faults.push(`--${name} must be a whole number from ${least} to ${most}, not "${value}"`)
    return null
  }
  const settings: CommandSettings = {
    host: text('host') ?? '127.0.0.1',
    port: number('port', 0, 65_535) ?? 9092,
    dataDirectory: text('data-dir') ?? './svyaz-broker-data',
    advertisedHost: text('advertised-host'),
    advertisedPort: number('advertised-port', 1, 65_535),
    managementPort: number('management-port', 0, 65_535),
    partitions: number('partitions', 1, 1_000) ?? 6,
    autoCreateTopics: !given.has('no-auto-create'),
    acceptLoss: given.has('accept-loss'),
    stopOnStdinEnd: given.has('stop-on-stdin-end'),
    verbose: given.has('verbose'),
  }
  return faults.length > 0 ? { kind: 'wrong', faults } : { kind: 'run', settings }
}
