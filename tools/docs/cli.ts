/** The command line, from the table that the program itself reads. */
import { commands } from '../../cli/src/commands.ts'
import { exitCodeMeanings } from '../../cli/src/errors.ts'
import { flagRows, groups, variables } from '../../cli/src/help.ts'
import { code, table } from './regions.ts'

/** The commands by group, with their flags. */
export function cliCommands(): string {
  return groups
    .flatMap(({ title, names }) => [
      `## ${title}`,
      '',
      ...names.flatMap((name) => {
        const command = commands.find((candidate) => candidate.name === name)
        if (!command) throw new Error(`help names a command that is not there: ${name}`)
        const width = Math.max(...command.examples.map(([line]) => line.length))
        return [
          `### ${name}`,
          '',
          `${code(`svyaz ${name} ${command.usage}`.trimEnd())}: ${command.summary}.`,
          '',
          inProse(command.about),
          '',
          table(
            ['flag', 'what'],
            flagRows(command).map(([flag, about]) => [code(flag), inProse(about)]),
          ),
          '',
          '```sh',
          ...command.examples.map(([line, what]) =>
            `npx svyaz ${what === '' ? line : `${line.padEnd(width)}  # ${what}`}`.trimEnd(),
          ),
          '```',
          '',
        ]
      }),
    ])
    .join('\n')
    .trimEnd()
}

/** What the exit codes mean. */
export const cliExitCodes = (): string =>
  table(
    ['code', 'means'],
    exitCodeMeanings.map(([number, meaning]) => [String(number), meaning]),
  )

/** The environment variables that the command reads. */
export const cliVariables = (): string =>
  table(
    ['variable', 'what'],
    variables.map(([name, what]) => [code(name), what]),
  )

/** One line, with what is in angle brackets kept from looking like HTML. */
const inProse = (text: string): string => text.replaceAll('\n', ' ').replace(/<[^>]+>/g, (form) => code(form))
