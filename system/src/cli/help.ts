/** Help, made from the table of commands. */
import type { Command } from './command.ts'
import { type Terminal, table } from './terminal.ts'

export function overview(commands: readonly Command[], terminal: Terminal): string {
  const rows = commands.map((command) => [
    `  ${terminal.paint('bold', command.name)} ${command.usage}`,
    command.summary,
  ])
  return [
    'svyaz runs a complete system of microservices on this machine.',
    '',
    ...table(rows),
    '',
    'The first steps:',
    ...table([
      ['  npx svyaz up', 'starts everything and says where to click'],
      ['  npx svyaz demo', 'sends orders through it and tells their stories'],
      ['  npx svyaz kill payments-1', 'kills a process; orders wait, then complete'],
    ]),
    '',
    '`svyaz <command> --help` says more and shows examples.',
    'Exit codes: 0 done · 1 failed · 2 the command line was wrong.',
    'SVYAZ_HOME: where data lives (default .svyaz in the checkout) · NO_COLOR · SVYAZ_DEBUG=1: stacks of errors.',
  ].join('\n')
}

export function commandHelp(command: Command, terminal: Terminal): string {
  const flags = Object.entries({ ...command.flags, help: { about: 'show this text', short: 'h' } })
  const flagRows = flags.map(([name, flag]) => [
    `  ${flag.short ? `-${flag.short}, ` : ''}--${name}${'value' in flag && flag.value ? ` ${flag.value}` : ''}`,
    flag.about,
  ])
  return [
    `${terminal.paint('bold', `svyaz ${command.name}`)} ${command.usage}`,
    '',
    command.about,
    '',
    ...table(flagRows),
    '',
    'Examples:',
    ...table(command.examples.map(([line, what]) => [`  npx svyaz ${line}`, terminal.paint('dim', what)])),
  ].join('\n')
}
