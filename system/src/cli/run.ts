/** From a command line to an exit code. */
import { parseArgs } from 'node:util'
import type { Command } from './command.ts'
import { commands } from './commands.ts'
import type { CliConfig } from './config.ts'
import { otherCheckout } from './control-client.ts'
import { CliError, exitCodes, UsageError } from './errors.ts'
import { commandHelp, overview } from './help.ts'
import { nearest } from './nearest.ts'
import { openTerminal } from './terminal.ts'

/**
 * Runs the command line.
 * @param argv without node and script
 * @returns the exit code
 */
export async function runCli(argv: readonly string[], config: CliConfig): Promise<number> {
  const terminal = openTerminal(process.stdout, process.stderr, config)
  try {
    const [name, ...rest] = argv
    if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
      const topic = rest[0] ? find(rest[0]) : undefined
      terminal.print(topic ? commandHelp(topic, terminal) : overview(commands, terminal))
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

function find(name: string): Command {
  const command = commands.find((candidate) => candidate.name === name)
  if (command) return command
  const guess = nearest(
    name,
    commands.map((candidate) => candidate.name),
  )
  const hint = guess ? `did you mean \`svyaz ${guess}\`?` : '`svyaz --help` lists the commands'
  throw new UsageError(`there is no command "${name}"; ${hint}`)
}

function parse(command: Command, argv: readonly string[]) {
  const end = command.passesRest ? argv.indexOf('--') : -1
  const own = end < 0 ? argv : argv.slice(0, end)
  try {
    const parsed = parseArgs({
      args: [...own],
      options: { ...command.flags, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    })
    const { min, max } = command.positionals
    const { length } = parsed.positionals
    if (!parsed.values.help && (length < min || length > max)) {
      throw new UsageError(`svyaz ${command.name} is used like this: svyaz ${command.name} ${command.usage}`.trimEnd())
    }
    return {
      values: parsed.values as Record<string, string | boolean | undefined>,
      positionals: parsed.positionals,
      behind: end < 0 ? [] : argv.slice(end + 1),
    }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${explain(error as Error, command)}; \`svyaz ${command.name} --help\` lists what it takes`)
  }
}

/** The parser's first sentence, and the flag that was probably meant. */
function explain(error: Error, command: Command): string {
  const [sentence = ''] = error.message.split('. ')
  const unknown = /Unknown option '--([^']+)'/.exec(sentence)?.[1]
  const guess = unknown && nearest(unknown, Object.keys(command.flags))
  return guess ? `${sentence}, did you mean --${guess}?` : sentence
}

/** Errors that already are sentences for people. */
function isExpected(error: unknown): boolean {
  return error instanceof Error && ['SupervisorError', 'PostgresError'].includes(error.name)
}
