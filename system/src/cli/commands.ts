/** Every command, one row each. Code is loaded when a command runs. */
import type { Command, Flag } from './command.ts'

const json: Flag = { type: 'boolean', about: 'print JSON for programs' }

/** Commands that do one thing to instances differ in their words only. */
const onInstances = (
  name: 'kill' | 'restart' | 'stop' | 'start' | 'pause' | 'resume',
  summary: string,
  about: string,
  examples: Command['examples'],
): Command => ({
  name,
  summary,
  usage: '<instance|service> …',
  positionals: { min: 1, max: 64 },
  completes: 'instances',
  flags: { json },
  about,
  examples,
  run: async (invocation) => (await import('./act.ts')).act(name, invocation),
})

export const commands: readonly Command[] = [
  {
    name: 'up',
    summary: 'start the whole system and stay with it',
    usage: '[flags]',
    positionals: { min: 0, max: 0 },
    flags: {
      detach: { type: 'boolean', short: 'd', about: 'return when it is ready; it runs on in the background' },
      'port-offset': {
        type: 'string',
        value: '<n>',
        about: 'add n to every fixed port (8080, 8500, 8888, 9092, 4318, 54329)',
      },
      host: { type: 'string', value: '<address>', about: 'address to listen on (default 127.0.0.1)' },
      'no-bundle': { type: 'boolean', about: 'run the .ts files themselves: slower to start, no build between' },
      only: { type: 'string', value: '<a,b>', about: 'start these processes only' },
      topology: { type: 'string', value: '<file>', about: 'another list of processes (default system/topology.ts)' },
      json: { type: 'boolean', about: 'print each change as a line of JSON' },
    },
    about:
      'Starts all processes at once, each waits for what it needs, and lists them as they get ready; then prints the\naddresses and a few curl lines to try. Ctrl-C stops everything in order, a second one at once.',
    examples: [
      ['up', 'start and watch'],
      ['up --detach', 'start in the background; `npx svyaz down` stops it'],
      ['up --port-offset 1000', 'gateway on 9080, and so on'],
    ],
    run: async (invocation) => (await import('./up.ts')).up(invocation),
  },
  {
    name: 'down',
    summary: 'stop the whole system in order',
    usage: '',
    positionals: { min: 0, max: 0 },
    flags: { json },
    about: 'Asks the running supervisor to stop everything, and waits until it has. Nothing to stop is no failure.',
    examples: [['down', 'stop what `up` started']],
    run: async (invocation) => (await import('./down.ts')).down(invocation),
  },
  {
    name: 'ps',
    summary: 'list processes: state, pid, ports, uptime, restarts, memory',
    usage: '',
    positionals: { min: 0, max: 0 },
    flags: { json },
    about: 'Memory is PSS: what a process holds alone and its share of what it holds with others.',
    examples: [
      ['ps', 'a table'],
      ['ps --json | jq \'.instances[] | select(.status != "ready")\'', 'what is not ready'],
    ],
    run: async (invocation) => (await import('./ps.ts')).ps(invocation),
  },
  {
    name: 'logs',
    summary: 'show what services write',
    usage: '[instance|service] …',
    positionals: { min: 0, max: 64 },
    completes: 'instances',
    flags: {
      follow: { type: 'boolean', short: 'f', about: 'go on with new lines until Ctrl-C' },
      lines: { type: 'string', short: 'n', value: '<n>', about: 'how many lines of the past of each (default 20)' },
      json: { type: 'boolean', about: 'the lines as they were written' },
    },
    about: 'Without a name: all of them, in the order of time. Works on a stopped system too.',
    examples: [
      ['logs orders', 'the last lines of all instances of orders'],
      ['logs orders payments-1 -f', 'and what comes'],
      ['logs --json | jq \'select(.level == "error")\'', 'errors of everything'],
    ],
    run: async (invocation) => (await import('./logs.ts')).logs(invocation),
  },
  onInstances(
    'kill',
    'kill −9; the supervisor starts it again',
    'Sends SIGKILL: the process gets no chance to finish anything. The supervisor starts it anew, and nothing that was\naccepted may be lost.',
    [
      ['kill payments-1', 'one of the two payment workers'],
      ['kill broker', 'all instances of a service'],
    ],
  ),
  onInstances(
    'restart',
    'stop in order and start again',
    'Stops with SIGTERM, starts again, and waits until it is ready.',
    [['restart orders', '']],
  ),
  onInstances('stop', 'stop in order and leave it stopped', 'Stops with SIGTERM. `svyaz start` brings it back.', [
    ['stop payments', 'orders go on and wait for payment'],
  ]),
  onInstances('start', 'start what was stopped', 'Starts and waits until it is ready.', [['start payments', '']]),
  onInstances(
    'pause',
    'freeze with SIGSTOP',
    'The process stays where it is, with all its connections open and silent, until `svyaz resume`.',
    [['pause payments-1', 'its leases expire, the other worker takes over']],
  ),
  onInstances('resume', 'continue what was paused', 'Continues the process with SIGCONT.', [['resume payments-1', '']]),
  {
    name: 'scale',
    summary: 'run more or fewer instances of a service',
    usage: '<service>=<n> …',
    positionals: { min: 1, max: 64 },
    completes: 'services',
    flags: { json },
    about: 'Starts or stops instances and waits until they are ready or gone. The next `up` starts the usual numbers.',
    examples: [
      ['scale orders=2', ''],
      ['scale gateway=2 notifications=2', 'several at once'],
    ],
    run: async (invocation) => (await import('./scale.ts')).scale(invocation),
  },
  {
    name: 'budget',
    summary: 'memory and CPU of each process against its budget',
    usage: '',
    positionals: { min: 0, max: 0 },
    flags: { seconds: { type: 'string', value: '<n>', about: 'measure CPU over this long (default 2)' }, json },
    about: 'Exit code 1 when a process or the whole is over its budget, or when the kernel does not tell.',
    examples: [['budget', '']],
    run: async (invocation) => (await import('./budget.ts')).budget(invocation),
  },
  {
    name: 'demo',
    summary: 'send orders through the system and tell their stories',
    usage: '',
    positionals: { min: 0, max: 0 },
    flags: { json },
    about:
      'Starts what is not running, registers a user, places orders, prints each story hop by hop, stops what it started.',
    examples: [['demo', '']],
    run: async (invocation) => (await import('./demo.ts')).demo(invocation),
  },
  {
    name: 'completion',
    summary: 'print a completion script for your shell',
    usage: 'bash|zsh',
    positionals: { min: 1, max: 1 },
    completes: ['bash', 'zsh'],
    flags: {},
    about: 'Put its output where your shell looks, or evaluate it.',
    examples: [
      ['completion bash > ~/.local/share/bash-completion/completions/svyaz', 'for `svyaz`, with it on your PATH'],
      ['completion zsh > ~/.zfunc/_svyaz', ''],
    ],
    run: async (invocation) => (await import('./completion.ts')).completion(invocation, commands),
  },
]
