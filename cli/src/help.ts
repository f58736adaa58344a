/** Help, made from the table of commands. */
import type { Command } from './command.ts'
import { exitCodeMeanings } from './errors.ts'
import { type Terminal, table } from './terminal.ts'

/** Commands by what a person is about to do. Every command is in exactly one group; a test holds that. */
export const groups: readonly { readonly title: string; readonly names: readonly string[] }[] = [
  {
    title: 'Run it',
    names: ['up', 'down', 'demo', 'verify', 'relay', 'ps', 'logs', 'doctor', 'budget', 'levels', 'faults'],
  },
  { title: 'Break and mend it', names: ['kill', 'pause', 'resume', 'stop', 'start', 'restart', 'scale'] },
  { title: 'Look inside', names: ['topics', 'make-topics', 'dlq', 'db', 'config', 'mcp'] },
  { title: 'Your machine', names: ['trust', 'completion'] },
]

/** Variables that the CLI reads. */
export const variables: readonly (readonly [name: string, what: string])[] = [
  ['SVYAZ_HOME', 'where data lives (default .svyaz in the checkout)'],
  ['SVYAZ_ADMIN_TOKEN', 'access token for `config`, where the local admin is not there'],
  ['SVYAZ_ADMIN_PASSWORD', 'password for `config --user`'],
  ['SVYAZ_DEBUG=1', 'stacks of errors'],
  ['SVYAZ_CRASH_POINTS, SVYAZ_LOG_LEVEL', 'passed to every process that `up` starts'],
  ['SVYAZ_OTLP_URL, SVYAZ_ZIPKIN_URL', 'where spans go instead of, and besides, the system’s own telemetry'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'keys for the collector at SVYAZ_OTLP_URL: name=value,name=value, percent-encoded'],
  ['SVYAZ_TRACE_SAMPLE_RATIO', 'how many traces are kept, 0 to 1 (default 1)'],
  ['SVYAZ_REDIS_URL', 'Redis, through which several gateways share limits and kept answers'],
  ['SVYAZ_NGINX', 'path of nginx or Angie, for `up --balancer`'],
  ['SVYAZ_CADDY', 'path of Caddy, for `up --edge`'],
  ['SVYAZ_RELAY_CONFIG', 'another file than config/relay.yaml'],
  ['NO_COLOR', 'no colours'],
]

/** The text of `svyaz help`. */
export function overview(commands: readonly Command[], terminal: Terminal): string {
  const sections = groups.flatMap(({ title, names }) => [
    '',
    terminal.paint('bold', title),
    ...commands
      .filter((command) => names.includes(command.name))
      .sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
      .map((command) => `  ${terminal.paint('cyan', command.name.padEnd(11))} ${command.summary}`),
  ])
  return [
    'svyaz runs a complete system of microservices on this machine.',
    ...sections,
    '',
    terminal.paint('bold', 'The first steps'),
    ...table([
      ['  npx svyaz up', 'starts everything and says where to click'],
      ['  npx svyaz demo', 'sends orders through it and tells their stories'],
      ['  npx svyaz kill payments-1', 'kills a process; orders wait, then complete'],
      ['  npx svyaz topics orders.events -f', 'shows the events as they come'],
      ['  npx svyaz doctor', 'when something does not work: what is wrong, and how to fix it'],
    ]),
    '',
    '`svyaz <command> --help` says more and shows examples. Most take --json. `svyaz version` prints the version.',
    '',
    terminal.paint('bold', 'Exit codes'),
    ...exitCodeMeanings.map(([code, meaning]) => `  ${code}  ${meaning}`),
    '',
    terminal.paint('bold', 'Variables'),
    ...table(variables.map(([name, what]) => [`  ${name}`, what])),
  ].join('\n')
}

/** The text of `svyaz help <command>`. */
export function commandHelp(command: Command, terminal: Terminal): string {
  return [
    `${terminal.paint('bold', `svyaz ${command.name}`)} ${command.usage}`.trimEnd(),
    '',
    command.about,
    '',
    ...table(flagRows(command).map(([flag, about]) => [`  ${flag}`, about])),
    '',
    'Examples:',
    ...table(command.examples.map(([line, what]) => [`  npx svyaz ${line}`, terminal.paint('dim', what)])),
  ].join('\n')
}

/** `-n, --lines <n>` and what it does, for each flag, --help included. */
export function flagRows(command: Command): (readonly [flag: string, about: string])[] {
  const flags = Object.entries({ ...command.flags, help: { about: 'show this text', short: 'h' } })
  return flags.map(([name, flag]) => [
    `${flag.short ? `-${flag.short}, ` : ''}--${name}${'value' in flag && flag.value ? ` ${flag.value}` : ''}`,
    flag.about,
  ])
}
