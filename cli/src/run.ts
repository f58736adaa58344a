/** From a command line to an exit code. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Command } from './command.ts'
import { commands } from './commands.ts'
import type { CliConfig } from './config.ts'
import { otherCheckout } from './control-client.ts'
import { CliError, exitCodes, UsageError } from './errors.ts'
import { commandHelp, overview } from './help.ts'
import { nearest } from './nearest.ts'
import { openTerminal, type Terminal } from './terminal.ts'
import { readWhole } from './whole-number.ts'

/**
 * Runs the command line.
 * @param argv without node and script
 * @returns the exit code
 */
export async function runCli(
  argv: readonly string[],
  config: CliConfig,
  terminal: Terminal = openTerminal(process.stdout, process.stderr, config),
): Promise<number> {
  try {
    const [name, ...rest] = argv
    if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
      const topic = rest[0] ? find(rest[0]) : undefined
      terminal.print(topic ? commandHelp(topic, terminal) : overview(commands, terminal))
      return exitCodes.ok
    }
    if (name === 'version' || name === '--version' || name === '-v') {
      terminal.print(versionOf(config.root))
      return exitCodes.ok
    }
    const command = find(name)
    const { values, positionals, behind } = parse(command, rest)
    if (values.help) {
      terminal.print(commandHelp(command, terminal))
      return exitCodes.ok
    }
    const other = otherCheckout(config)
    if (other !== undefined && command.name !== 'up') terminal.complain(`svyaz: ${other}`)
    return await command.run({ positionals, flags: values, rest: behind, config, terminal })
  } catch (error) {
    if (config.debug && error instanceof Error) terminal.complain(error.stack ?? String(error))
    else terminal.complain(`svyaz: ${error instanceof Error ? error.message : String(error)}`)
    if (!(error instanceof CliError) && !isExpected(error) && !config.debug) {
      terminal.complain('This is a fault in svyaz itself; SVYAZ_DEBUG=1 shows where.')
    }
    return error instanceof CliError ? error.exitCode : exitCodes.failed
  }
}

/** The checkout's, from its package.json. */
function versionOf(root: string): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version
}

function find(name: string): Command {
  const command = commands.find((candidate) => candidate.name === name)
  if (command) return command
  const guess = nearest(name, [...commands.map((candidate) => candidate.name), 'help', 'version'])
  const hint = guess ? `did you mean \`svyaz ${guess}\`?` : '`svyaz --help` lists the commands'
  throw new UsageError(`there is no command "${name}"; ${hint}`)
}

function parse(command: Command, argv: readonly string[]) {
  const end = command.passesRest ? argv.indexOf('--') : -1
  const own = end < 0 ? argv : argv.slice(0, end)
  try {
    const parsed = parseArgs({
      args: withNegativeNumbers(own, command),
      options: { ...command.flags, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    })
    const values = parsed.values as Record<string, string | boolean | undefined>
    for (const [name, { whole }] of Object.entries(command.flags)) {
      const value = values[name]
      if (whole && typeof value === 'string') readWhole(`--${name}`, value, whole)
    }
    const { min, max } = command.positionals
    const { length } = parsed.positionals
    if (!values.help && (length < min || length > max)) {
      throw new UsageError(`svyaz ${command.name} is used like this: svyaz ${command.name} ${command.usage}`.trimEnd())
    }
    return {
      values,
      positionals: parsed.positionals,
      behind: end < 0 ? [] : argv.slice(end + 1),
    }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${explain(error as Error, command)} (\`svyaz ${command.name} --help\` lists what it takes)`)
  }
}

/** `-n -1` is a number that is refused, not a flag `-1` behind a flag without its value. */
function withNegativeNumbers(args: readonly string[], command: Command): string[] {
  const wantValue = new Set(
    Object.entries(command.flags).flatMap(([name, { type, short }]) =>
      type === 'string' ? [`--${name}`, ...(short ? [`-${short}`] : [])] : [],
    ),
  )
  return args.flatMap((arg, at) => {
    if (wantValue.has(args[at - 1] ?? '') && /^-\d/.test(arg)) return []
    const next = args[at + 1] ?? ''
    return wantValue.has(arg) && /^-\d/.test(next) ? [`${longName(arg, command)}=${next}`] : [arg]
  })
}

const longName = (flag: string, command: Command): string =>
  flag.startsWith('--') ? flag : `--${Object.entries(command.flags).find(([, { short }]) => flag === `-${short}`)?.[0]}`

/** The parser's faults in our own words, and the flag that was probably meant. */
function explain(error: Error, command: Command): string {
  const [, long, short] = /'(?:-\w, )?(?:--([^\s'=]+)|(-[^\s']+))/.exec(error.message) ?? []
  const flag = long === undefined ? (short ?? '') : `--${long}`
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ERR_PARSE_ARGS_UNKNOWN_OPTION': {
      const guess = long && nearest(long, [...Object.keys(command.flags), 'help'])
      return `\`svyaz ${command.name}\` has no flag ${flag}${guess ? `; did you mean --${guess}?` : ''}`
    }
    case 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE': {
      const value = long === undefined ? undefined : command.flags[long]?.value
      return value === undefined
        ? `${flag} takes no value`
        : `${flag} needs its value, ${flag} ${value} (one that begins with a dash: ${flag}=-…)`
    }
    default:
      return error.message
  }
}

/** Errors that already are sentences for people. */
function isExpected(error: unknown): boolean {
  return error instanceof Error && ['SupervisorError', 'PostgresError'].includes(error.name)
}
