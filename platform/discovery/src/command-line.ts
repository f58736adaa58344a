/** The flags of `svyaz-discovery`. Pure: every fault of a command line is named at once. */
import { type FlagTable, helpText, parseFlags, portFlag } from '@svyaz/stage/flags'

export interface CommandLine {
  readonly port: number
  readonly dataDirectory: string
  readonly host: string
  readonly allowedHosts: readonly string[]
  readonly nodeName: string | null
  readonly stopOnStdinEnd: boolean
}

export type Parsed =
  | { readonly kind: 'run'; readonly commandLine: CommandLine }
  | { readonly kind: 'help' }
  | { readonly kind: 'faults'; readonly faults: readonly string[] }

const flags = {
  port: portFlag('port to listen on; 0 takes a free one', 8500),
  'data-dir': { kind: 'text', about: 'where the registry is kept', default: '.svyaz/discovery' },
  host: { kind: 'text', about: 'address to listen on', default: '127.0.0.1' },
  'allowed-host': {
    kind: 'list',
    about: 'a further name under which callers may reach this server; may be repeated',
    default: [],
    each: { form: /^(?:[\w.-]+|\[[\da-f:.]+\])$/i, what: 'a name without port' },
  },
  'node-name': { kind: 'text', about: 'name of the node in every answer (the name of the machine)', default: null },
  'stop-on-stdin-end': {
    kind: 'switch',
    about: 'stop when standard input ends, as when the parent process is gone',
    default: false,
  },
  help: { kind: 'switch', about: 'this text', default: false },
} as const satisfies FlagTable

/** What `--help` prints. */
export const usage = `${helpText('svyaz-discovery', 'service discovery with the Consul HTTP API, on one node', flags)}
Exit codes: 0 stopped, 1 could not start or run, 2 wrong flags.
`

/** The options of the process, or every fault of its arguments, a sentence each. */
export function parseCommandLine(args: readonly string[]): Parsed {
  const { values, faults } = parseFlags(flags, args)
  if (values.help) return { kind: 'help' }
  if (faults.length > 0) return { kind: 'faults', faults }
  const { port, host } = values
  return {
    kind: 'run',
    commandLine: {
      port,
      dataDirectory: values['data-dir'],
      host,
      allowedHosts: values['allowed-host'],
      nodeName: values['node-name'],
      stopOnStdinEnd: values['stop-on-stdin-end'],
    },
  }
}
