/** From a command line to an exit code. */
import { parseArgs } from 'node:util'
import type { Command } from './command.ts'
import { commands } from './commands.ts'
import type { CliConfig } from './config.ts'
import { CliError, exitCodes, UsageError } from './errors.ts'
import { commandHelp, overview } from './help.ts'
import { nearest } from './nearest.ts'
import { openTerminal } from './terminal.ts'

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
    const { values, positionals } = parse(command, rest)
    if (values.help) {
      terminal.print(commandHelp(command, terminal))
      return exitCodes.ok
    }
    return await command.run({ positionals, flags: values, config, terminal })
  } catch (error) {
    if (config.debug && error instanceof Error) terminal.complain(error.stack ?? String(error))
    else terminal.complain(`svyaz: ${error instanceof Error ? error.message : String(error)}`)
    if (!(error instanceof CliError) && !isExpected(error) && !config.debug) {
      terminal.complain('This is a fault in svyaz itself; SVYAZ_DEBUG=1 shows where.')
    }
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed
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
  try {
    const parsed = parseArgs({
      args: [...argv],
      options: { ...command.flags, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    })
    const { min, max } = command.positionals
    const { length } = parsed.positionals
    if (!parsed.values.help && (length < min || length > max)) {
      throw new UsageError(`svyaz ${command.name} is used like this: svyaz ${command.name} ${command.usage}`)
    }
    return parsed as { values: Record<string, string | boolean | undefined>; positionals: string[] }
  } catch (error) {
    if (error instanceof UsageError) throw error
    const [sentence] = (error as Error).message.split('. ')
    throw new UsageError(`${sentence}; \`svyaz ${command.name} --help\` lists what it takes`)
  }
}

/** Errors that already are sentences for people. */
function isExpected(error: unknown): boolean {
  return error instanceof Error && ['SupervisorError', 'PostgresError'].includes(error.name)
}
