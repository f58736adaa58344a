/** The flags of `svyaz-discovery`. Pure: every fault of a command line is named at once. */
import { parseArgs } from 'node:util'

export interface CommandLine {
  readonly port: number
  readonly dataDirectory: string
  readonly host: string
  readonly allowedHosts: readonly string[]
  readonly nodeName: string | null
  readonly stopOnStdinEnd: boolean
}

export const usage = `svyaz-discovery: service discovery with the Consul HTTP API, on one node

  --port N               port to listen on (8500; 0 takes a free one)
  --data-dir PATH        where the registry is kept (.svyaz/discovery)
  --host ADDRESS         address to listen on (127.0.0.1)
  --allowed-host NAME    a further name under which callers may reach this server; may be repeated
  --node-name NAME       name of the node in every answer (the machine's name)
  --stop-on-stdin-end    stop when standard input ends, as when the parent process is gone
  --help                 this text

Exit codes: 0 stopped, 1 could not start or run, 2 wrong flags.
`

export type Parsed =
  | { readonly kind: 'run'; readonly commandLine: CommandLine }
  | { readonly kind: 'help' }
  | { readonly kind: 'faults'; readonly faults: readonly string[] }

const flags = {
  port: { type: 'string' },
  'data-dir': { type: 'string' },
  host: { type: 'string' },
  'allowed-host': { type: 'string', multiple: true },
  'node-name': { type: 'string' },
  'stop-on-stdin-end': { type: 'boolean' },
  help: { type: 'boolean' },
} as const

/** The options of the process, or every fault of its arguments, a sentence each. */
export function parseCommandLine(args: readonly string[]): Parsed {
  const { tokens } = parseArgs({ args: [...args], options: flags, strict: false, allowPositionals: true, tokens: true })
  const faults: string[] = []
  const texts = new Map<string, string[]>()
  const switches = new Set<string>()
  for (const token of tokens) {
    if (token.kind === 'positional') faults.push(`unexpected argument "${token.value}"`)
    if (token.kind !== 'option') continue
    const flag = Object.hasOwn(flags, token.name) ? flags[token.name as keyof typeof flags] : undefined
    if (flag === undefined) faults.push(`unknown flag ${token.rawName}`)
    else if (flag.type === 'boolean') {
      if (token.value === undefined) switches.add(token.name)
      else faults.push(`${token.rawName} takes no value`)
    } else if (token.value === undefined || token.value === '') faults.push(`${token.rawName} needs a value`)
    else texts.set(token.name, [...(texts.get(token.name) ?? []), token.value])
  }
  for (const [name, values] of texts) {
    if (values.length > 1 && !('multiple' in flags[name as keyof typeof flags])) faults.push(`--${name} is given twice`)
  }
  const portText = texts.get('port')?.[0] ?? '8500'
  const port = Number(portText)
  if (!/^\d+$/.test(portText) || port > 65_535) faults.push(`--port must be 0 to 65535, not "${portText}"`)
  const allowedHosts = texts.get('allowed-host') ?? []
  for (const name of allowedHosts) {
    if (!/^(?:[\w.-]+|\[[\da-f:.]+\])$/i.test(name))
      faults.push(`--allowed-host must be a name without port, not "${name}"`)
  }
  if (switches.has('help')) return { kind: 'help' }
  if (faults.length > 0) return { kind: 'faults', faults }
  return {
    kind: 'run',
    commandLine: {
      port,
      dataDirectory: texts.get('data-dir')?.[0] ?? '.svyaz/discovery',
      host: texts.get('host')?.[0] ?? '127.0.0.1',
      allowedHosts,
      nodeName: texts.get('node-name')?.[0] ?? null,
      stopOnStdinEnd: switches.has('stop-on-stdin-end'),
    },
  }
}
