/** The flags of the command. Pure: text in, settings or every fault out. */
import { type FlagTable, helpText as helpOf, parseFlags, portFlag } from '@svyaz/stage/flags'

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

const off = (about: string) => ({ kind: 'switch', about, default: false }) as const

const flags = {
  port: portFlag('port for Kafka clients; 0 takes a free one', 9092),
  host: { kind: 'text', about: 'address to listen on', default: '127.0.0.1' },
  'data-dir': { kind: 'text', about: 'where the data is kept', default: './svyaz-broker-data' },
  'advertised-host': { kind: 'text', about: 'host that clients are told to connect to', default: null },
  'advertised-port': {
    kind: 'integer',
    about: 'port that clients are told to connect to',
    default: null,
    min: 1,
    max: 65_535,
  },
  'management-port': {
    kind: 'integer',
    about: 'HTTP port for health, metrics and info; 0 takes a free one (none without this flag)',
    default: null,
    min: 0,
    max: 65_535,
  },
  partitions: {
    kind: 'integer',
    about: 'partitions of a topic made without a number',
    default: 6,
    min: 1,
    max: 1_000,
  },
  'no-auto-create': off('do not make a topic when a client asks for it'),
  'accept-loss': off('give up what is damaged in --data-dir, print what was lost, and end'),
  'stop-on-stdin-end': off('end when standard input ends'),
  verbose: off('log debug lines too'),
  help: off('show this text'),
  version: off('show the version'),
} as const satisfies FlagTable

/** What `--help` prints: each flag with its meaning. */
export function helpText(): string {
  const about = 'a durable single-node broker that speaks the Kafka wire protocol'
  return `${helpOf('svyaz-broker', about, flags)}
Ends in good order on SIGTERM and SIGINT. Exit codes: 0 ended, 1 could not start or failed, 2 wrong flags.
`
}

/** `args` without the program. Names every fault, not only the first. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { values, faults } = parseFlags(flags, args)
  if (values.help) return { kind: 'help' }
  if (values.version) return { kind: 'version' }
  if (faults.length > 0) return { kind: 'wrong', faults }
  const { host, port, partitions, verbose } = values
  return {
    kind: 'run',
    settings: {
      host,
      port,
      dataDirectory: values['data-dir'],
      advertisedHost: values['advertised-host'],
      advertisedPort: values['advertised-port'],
      managementPort: values['management-port'],
      partitions,
      autoCreateTopics: !values['no-auto-create'],
      acceptLoss: values['accept-loss'],
      stopOnStdinEnd: values['stop-on-stdin-end'],
      verbose,
    },
  }
}
