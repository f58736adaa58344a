/** Every command, one row each. Code is loaded when a command runs. Long because it is one list. */
import { experimentBounds, faultKinds, usualExperiment } from '@svyaz/contracts/fault-lab.ts'
import type { Command, Flag } from './command.ts'

const json: Flag = { type: 'boolean', about: 'print JSON for programs' }

const lines = { min: 0, max: 1_000_000 }
const seconds = { min: 0, max: 86_400 }
/** What is too far depends on the ports of the topology: the supervisor says so, the bootstrap for the usual one. */
const offset = { min: 0, max: 65_535 }

const bootstrap: Flag = {
  type: 'string',
  value: '<host:port,…>',
  about: 'a broker other than the running system’s: Apache Kafka, or amqp://… for RabbitMQ',
}

/** Commands that do one thing to instances differ in their words only. */
const onInstances = (
  name: 'kill' | 'restart' | 'stop' | 'start' | 'pause' | 'resume',
  summary: string,
  about: string,
  examples: Command['examples'],
  more: Readonly<Record<string, Flag>> = {},
): Command => ({
  name,
  summary,
  usage: '<instance|service> …',
  positionals: { min: 1, max: 64 },
  completes: ['instances'],
  flags: { ...more, json },
  about,
  examples,
  run: async (invocation) => (await import('./act.ts')).act(name, invocation),
})

export const commands: readonly Command[] = [
  {
    name: 'up',
    summary: 'start the whole system and stay with it',
    usage: '',
    positionals: { min: 0, max: 0 },
    flags: {
      detach: { type: 'boolean', short: 'd', about: 'return when it is ready; it keeps running in the background' },
      'ready-within': {
        type: 'string',
        value: '<s>',
        whole: { min: 1, max: 86_400 },
        about: 'with --detach: give up waiting after this many seconds (default 120); what was started keeps trying',
      },
      'port-offset': {
        type: 'string',
        value: '<n>',
        whole: offset,
        about: 'add n to every fixed port (8080, 8443, 8500, 8888, 9092, 4318, 54329, 8090, 8101–8103)',
      },
      host: { type: 'string', value: '<address>', about: 'address to listen on (default 127.0.0.1)' },
      'no-bundle': { type: 'boolean', about: 'run the .ts files directly: slower to start, no build' },
      only: { type: 'string', value: '<a,b>', about: 'start these processes only' },
      engines: {
        type: 'boolean',
        about: 'run against engines whose addresses are in the environment (docs/engines.md)',
      },
      edge: {
        type: 'boolean',
        about: 'also Caddy in front of the gateway, for HTTP/3 on 8444; it has to be installed (docs/http-versions.md)',
      },
      balancer: {
        type: 'boolean',
        about: 'also nginx or Angie in front of the gateways, on 8000; it has to be installed (docs/gateway.md)',
      },
      topology: {
        type: 'string',
        value: '<file>',
        about: 'a different list of processes (default system/topology.ts)',
      },
      json: { type: 'boolean', about: 'print each change as a line of JSON' },
    },
    about:
      'Starts all processes at once, each waits for what it needs, and lists them as they get ready; then prints the\naddresses and a few curl lines to try. Ctrl-C stops everything in order, a second one at once.',
    examples: [
      ['up', 'start and watch'],
      ['up --detach', 'start in the background; `npx svyaz down` stops it'],
      ['up --port-offset 1000', 'gateway on 9080, and so on'],
      ['up --only postgres,broker', 'these alone; exit code 2 when a name is wrong'],
    ],
    run: async (invocation) => (await import('./up.ts')).up(invocation),
  },
  {
    name: 'down',
    summary: 'stop the whole system in order',
    usage: '',
    positionals: { min: 0, max: 0 },
    flags: { json },
    about:
      'Asks the running supervisor to stop everything, and waits until it has. Having nothing to stop is not an error.',
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
    completes: ['processes'],
    flags: {
      follow: { type: 'boolean', short: 'f', about: 'keep printing new lines until Ctrl-C' },
      lines: {
        type: 'string',
        short: 'n',
        value: '<n>',
        whole: lines,
        about: 'how many past lines of each (default 20)',
      },
      json: { type: 'boolean', about: 'print the lines as they were written' },
    },
    about: 'Without a name: all of them, in time order. Works on a stopped system too.',
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
    'Sends SIGKILL: the process gets no chance to finish anything. The supervisor restarts it, and nothing that was\naccepted may be lost.',
    [
      ['kill payments-1', 'one of the two payment workers'],
      ['kill broker', 'all instances of a service'],
    ],
  ),
  onInstances(
    'restart',
    'stop in order and start again',
    'Stops with SIGTERM, starts again, and waits until it is ready.',
    [
      ['restart orders', 'after a change of its source: the new one runs'],
      ['restart payments-2', 'this instance alone'],
      ['restart gateway --one-by-one', 'never all at once: behind a balancer nobody notices'],
    ],
    {
      'one-by-one': {
        type: 'boolean',
        about: 'the next instance only when the one before is ready again and a balancer has had time to see it',
      },
    },
  ),
  onInstances('stop', 'stop in order and leave it stopped', 'Stops with SIGTERM. `svyaz start` brings it back.', [
    ['stop payments', 'orders go on and wait for payment'],
  ]),
  onInstances('start', 'start what was stopped', 'Starts what `svyaz stop` stopped, and waits until it is ready.', [
    ['start payments', 'what has waited goes on'],
  ]),
  onInstances(
    'pause',
    'freeze with SIGSTOP',
    'The process stays where it is, with all its connections open and silent, until `svyaz resume`.',
    [['pause payments-1', 'its leases expire, the other worker takes over']],
  ),
  onInstances('resume', 'continue what was paused', 'Continues a paused process with SIGCONT, where it stood.', [
    ['resume payments-1', 'it finds that its leases are gone, and repeats nothing'],
  ]),
  {
    name: 'scale',
    summary: 'run more or fewer instances of a service',
    usage: '<service>=<n> … | <service>=auto[:<least>-<most>]',
    positionals: { min: 1, max: 64 },
    completes: ['scales'],
    flags: { json },
    about:
      'Starts or stops instances and waits until they are ready or gone. The next `up` starts the usual numbers.\nWith `auto` the supervisor adds an instance when all have been busy (70 % of a core) for 5 s, and removes one when the\nothers would have less than 50 % for a minute; a number ends that. Linux only.',
    examples: [
      ['scale orders=2', 'a second instance; the gateway finds it by itself'],
      ['scale payments=0', 'none: orders go on and wait for payment'],
      ['scale gateway=2 notifications=2', 'several at once'],
      ['scale gateway=auto', 'between one and four, by load'],
      ['scale gateway=auto:2-6', 'with bounds of your own'],
    ],
    run: async (invocation) => (await import('./scale.ts')).scale(invocation),
  },
  {
    name: 'topics',
    summary: 'topics with size and lag of each group, or the records of one',
    usage: '[topic]',
    positionals: { min: 0, max: 1 },
    completes: ['topics'],
    flags: {
      follow: { type: 'boolean', short: 'f', about: 'keep printing new records until Ctrl-C' },
      lines: {
        type: 'string',
        short: 'n',
        value: '<n>',
        whole: lines,
        about: 'how many of the newest records first (default 10)',
      },
      key: {
        type: 'string',
        short: 'k',
        value: '<key>',
        about: 'only records with this key, e.g. an order’s id; with --write its key',
      },
      where: {
        type: 'string',
        value: '<path[=value]>',
        about: 'only records with this in their value: status=paid, items[*].productId=P-1001',
      },
      write: {
        type: 'string',
        value: '<type>',
        about: 'write an event of this type; its value is JSON on standard input',
      },
      bootstrap,
      json,
    },
    about:
      'Without a name: every topic with its partitions, records and bytes, and below it who reads it and how many records\nthat group has not finished (LAG). With a name: the newest records, the oldest of them first, as partition/offset,\ntime, type, key, trace and value. No group is joined, so nobody who reads the topic notices.\nOn RabbitMQ (SVYAZ_MESSAGES=rabbitmq and SVYAZ_RABBITMQ_URL, as `up --engines` was given them) what was handled is\ngone: --follow shows what is sent from now on, dead letters have a past, LAG is what waits in the queues.',
    examples: [
      ['topics', 'who reads what, and how far'],
      ['topics orders.events -n 20', 'the last twenty events of orders'],
      ['topics orders.events --follow', 'and every new one'],
      ['topics orders.events --where "items[*].productId=P-1001"', 'those with this in their value'],
      ['topics users.events --write user.unblocked --key <id> < event.json', 'an event, checked against its contract'],
      ['topics payments.tasks --json | jq .type', 'for programs: an object a line'],
      ['topics --bootstrap 127.0.0.1:9092', 'an Apache Kafka just as well'],
      ['topics --bootstrap amqp://user:secret@127.0.0.1:5672', 'and a RabbitMQ'],
    ],
    run: async (invocation) => (await import('./topics.ts')).topics(invocation),
  },
  {
    name: 'dlq',
    summary: 'dead letters: list, show, and send back to the consumer that failed',
    usage: 'list [topic] | show <topic>/<partition>/<offset> | replay <topic> (--all | --id <event id>)',
    positionals: { min: 1, max: 2 },
    completes: [['list', 'show', 'replay'], 'topics'],
    flags: {
      consumer: { type: 'string', value: '<name>', about: 'letters of this consumer only' },
      id: { type: 'string', value: '<id,…>', about: 'replay: the letters of these events, sent back before or not' },
      all: { type: 'boolean', about: 'replay: every letter that is outstanding' },
      'dry-run': { type: 'boolean', about: 'replay: say what would be sent, change nothing' },
      wait: {
        type: 'string',
        value: '<seconds>',
        whole: seconds,
        about: 'replay: how long to wait for the consumers (default 10)',
      },
      bootstrap,
      json,
    },
    about:
      'What a consumer gave up on is in <topic>.dlq with the error and the consumer’s name. A replay sends the record\nback into its topic with its own event id, addressed to that consumer: nobody else handles it, and its inbox takes it\nonce, however often it is sent. outstanding: not sent back · sent back: its consumer has not got to it · settled.\nOn RabbitMQ positions aren’t known: what was sent back stays so, and `waiting` is whatever did not fail again.\nExit code 1 when a letter was refused, or failed again.',
    examples: [
      ['dlq list', 'everything that any consumer gave up on'],
      ['dlq list orders.events --consumer delivery', 'of one consumer'],
      ['dlq show orders.events/2/0', 'one letter in full: error, headers, value'],
      ['dlq replay orders.events --all --dry-run', 'what would be sent, and what refused'],
      ['dlq replay orders.events --all', 'sends, waits for the consumers, says what happened to each'],
    ],
    run: async (invocation) => (await import('./dlq.ts')).dlq(invocation),
  },
  {
    name: 'db',
    summary: 'psql on a service’s database, or its connection string',
    usage: '[service] [-- <arguments of psql>]',
    positionals: { min: 0, max: 1 },
    completes: ['databases'],
    passesRest: true,
    flags: {
      command: { type: 'string', short: 'c', value: '<sql>', about: 'run this and print the answer; needs no psql' },
      url: { type: 'boolean', about: 'print the connection string and nothing else (it holds a password)' },
      json,
    },
    about:
      'You are the role of the service: its own tables, to read and to write, and no other database. On a stopped system\nPostgreSQL alone is started on the data for as long as you look. Without a service: the list of databases. Without psql\ninstalled it prints the connection string; SQL from standard input and -c work all the same.',
    examples: [
      ['db', 'which databases there are'],
      ['db orders', 'psql'],
      ["db orders -c \"select id, document->'order'->>'status' as status from orders limit 5\"", 'one answer'],
      ['db payments -c "select * from payments" --json | jq ".rows[]"', 'for programs'],
      ['db inventory -- --csv -c "table stock"', 'arguments of psql behind --'],
      ['db orders < report.sql', 'a file of SQL'],
    ],
    run: async (invocation) => (await import('./db.ts')).db(invocation),
  },
  {
    name: 'config',
    summary: 'settings that change without a restart',
    usage:
      'get [application] [key] | set <application> <key> <value> | unset <application> <key> | history <application>',
    positionals: { min: 1, max: 4 },
    completes: [['get', 'set', 'unset', 'history'], 'settings'],
    flags: {
      profile: { type: 'string', value: '<name>', about: 'default embedded; `default` holds for every profile' },
      comment: { type: 'string', value: '<text>', about: 'set: why; kept in the history' },
      user: {
        type: 'string',
        value: '<email>',
        about: 'sign in as this admin (password: SVYAZ_ADMIN_PASSWORD, or a prompt)',
      },
      gateway: { type: 'string', value: '<url>', about: 'a gateway other than the running system’s' },
      json,
    },
    about:
      'Asks the config service, through the gateway, as an administrator: the embedded profile’s own, unless --user or\nSVYAZ_ADMIN_TOKEN says otherwise. A value that breaks the service’s schema is refused with the reason. A change holds at\nonce; `set` waits until every running instance works with it.',
    examples: [
      ['config get', 'every setting of every service, and where its value comes from'],
      ['config get orders changeWindowMs', 'one value, for a script'],
      ['config set orders changeWindowMs 5000 --comment "to show a change"', 'orders can be changed for 5 s'],
      ['config unset orders changeWindowMs', 'back to the default'],
      ['config history orders', 'who set what, when'],
    ],
    run: async (invocation) => (await import('./settings.ts')).settings(invocation),
  },
  {
    name: 'doctor',
    summary: 'what is wrong with this machine or installation, and how to fix it',
    usage: '',
    positionals: { min: 0, max: 0 },
    flags: {
      'port-offset': {
        type: 'string',
        value: '<n>',
        whole: offset,
        about: 'judge the ports that `up --port-offset <n>` would take (default: of the system that runs, else 0)',
      },
      json,
    },
    about:
      'Works when nothing else does: it needs no running system and changes nothing. Looks at Node, platform, packages,\nports and who holds them, disk, permissions, stored data that is damaged or of other versions, what a crash left behind,\nmemory, limits, clock. Exit code 1 when something would keep the system from running; a warning does not.',
    examples: [
      ['doctor', 'each finding with why it matters and what to do'],
      ['doctor --json | jq \'.findings[] | select(.level != "ok")\'', 'for programs'],
    ],
    run: async (invocation) => (await import('./doctor.ts')).doctor(invocation),
  },
  {
    name: 'budget',
    summary: 'memory and CPU of each process against its budget',
    usage: '',
    positionals: { min: 0, max: 0 },
    flags: {
      seconds: { type: 'string', value: '<n>', whole: seconds, about: 'measure CPU over this long (default 2)' },
      idle: { type: 'boolean', about: 'first wait until the system is idle, a minute at most' },
      json,
    },
    about:
      'Memory is PSS: pages that processes share are divided among them. Exit code 1 when a process or the whole of an\nidle system is over its budget, or when the kernel does not say; of a system in use the figures are only shown.',
    examples: [
      ['budget', 'as it is now'],
      ['budget --idle', 'waits until nothing works, then measures: what the budgets are meant for'],
      ['budget --seconds 10 --json', 'a longer look at CPU, for programs'],
    ],
    run: async (invocation) => (await import('./budget.ts')).budget(invocation),
  },
  {
    name: 'levels',
    summary: 'service levels: what is promised, what is measured, what is left of the error budget',
    usage: '[level] …',
    positionals: { min: 0, max: 32 },
    flags: { json },
    about:
      'The telemetry judges by what it scraped; too few samples are "no data". Exit code 1 when a level is missed.',
    examples: [
      ['levels', 'all of them'],
      ['levels gateway-errors --json', 'one, with its series and how fast its budget goes, for programs'],
    ],
    run: async (invocation) => (await import('./levels.ts')).levels(invocation),
  },
  {
    name: 'faults',
    summary: 'break the running system by a plan, under orders of its own, and judge what was lost',
    usage: '',
    positionals: { min: 0, max: 0 },
    flags: {
      seed: {
        type: 'string',
        value: '<n>',
        whole: { min: 0, max: experimentBounds.seedMax },
        about: 'the same seed has the same plan (default: drawn, and said)',
      },
      seconds: {
        type: 'string',
        value: '<s>',
        whole: { min: experimentBounds.secondsMin, max: experimentBounds.secondsMax },
        about: `in which faults begin (default ${usualExperiment.seconds})`,
      },
      faults: {
        type: 'string',
        value: '<n>',
        whole: { min: 1, max: experimentBounds.faultsMax },
        about: `how many (default ${usualExperiment.faults})`,
      },
      kinds: {
        type: 'string',
        value: '<a,b>',
        about: `of ${faultKinds.join(', ')} (default all)`,
      },
      targets: {
        type: 'string',
        value: '<a,b>',
        about: `what they meet (default ${usualExperiment.targets.join(', ')})`,
      },
      edges: {
        type: 'string',
        value: '<a → b,…>',
        about: 'what delay, error and cut meet (default: to the processor, the mail server, the databases)',
      },
      rate: {
        type: 'string',
        value: '<n>',
        whole: { min: 1, max: experimentBounds.ordersPerSecondMax },
        about: `orders a second (default ${usualExperiment.ordersPerSecond})`,
      },
      json,
    },
    about:
      "The console's Fault lab at the terminal: users of its own order, faults come by plan, everything heals, and orders,\npayments, stock, events and mails are compared by the checker's invariants. Ctrl-C ends it early and judges what was\nseen; a second one mends what is broken and leaves. Not beside a proof (`verify`), nor beside another experiment.\nExit code 1 when something was lost, done twice or wrong, or didn't come to an end.",
    examples: [
      ['faults', 'five faults in half a minute'],
      ['faults --seed 7 --faults 12 --seconds 60', 'a plan that can be repeated'],
      ['faults --kinds kill --targets broker,orders', 'kill −9 of these alone'],
    ],
    run: async (invocation) => (await import('./faults.ts')).faults(invocation),
  },
  {
    name: 'demo',
    summary: 'send orders through the system and show their stories',
    usage: '',
    positionals: { min: 0, max: 0 },
    flags: { json },
    about:
      'Starts what is not running, registers a user, places orders, prints each story hop by hop, stops what it started.',
    examples: [
      ['demo', 'starts the system if need be, and stops it then'],
      ['demo --json', 'the stories as JSON, behind the text'],
    ],
    run: async (invocation) => (await import('./demo.ts')).demo(invocation),
  },
  {
    name: 'make-topics',
    summary: 'make every topic on a Kafka cluster',
    usage: '',
    positionals: { min: 0, max: 0 },
    flags: { json },
    about:
      'Makes what is missing on the cluster of SVYAZ_KAFKA_BROKERS, from the same list that the code reads, with\nSVYAZ_KAFKA_REPLICATION_FACTOR (3) copies and min.insync.replicas SVYAZ_KAFKA_MIN_INSYNC_REPLICAS (2). Exit code 1\nwhen a topic is there with other partitions or fewer copies. `up --engines` does the same first.',
    examples: [['make-topics', '']],
    run: async (invocation) => (await import('./make-topics.ts')).makeTopics(invocation),
  },
  {
    name: 'relay',
    summary: 'run one session of the relay loop and show its result',
    usage: '',
    positionals: { min: 0, max: 0 },
    flags: {
      'port-offset': {
        type: 'string',
        value: '<n>',
        whole: offset,
        about: 'add n to every fixed port, when it has to start the loop',
      },
      json,
    },
    about:
      'MC1 → WebSocket → MC2 → Kafka → MC3 → HTTP → MC1 → PostgreSQL, for as long and as many at once as config/relay.yaml\nsays. Starts what the loop needs and stops it again; uses the running system where there is one. Ctrl-C ends it early.',
    examples: [
      ['relay', 'one session by config/relay.yaml'],
      ['relay --json', 'its result for programs'],
    ],
    run: async (invocation) => (await import('./relay.ts')).relay(invocation),
  },
  {
    name: 'verify',
    summary: 'prove the assignment’s rows on the running system',
    usage: '[id …]',
    positionals: { min: 0, max: 64 },
    flags: {
      'port-offset': {
        type: 'string',
        value: '<n>',
        whole: offset,
        about: 'when it starts the system: add n to every fixed port, as in `up`',
      },
      bootstrap,
      profile: {
        type: 'string',
        value: '<name>',
        about: 'embedded (default), or engines: rows that need real engines, by suites that start those installed',
      },
      evidence: { type: 'string', value: '<file>', about: 'also write what was gathered, as JSON' },
      list: { type: 'boolean', about: 'prove nothing: list the rows, with --json what proves each and where' },
      lines: { type: 'boolean', about: 'for programs: each step and finding as it is there, a line of JSON each' },
      json,
    },
    about:
      'Starts the system when none runs here, and stops what it started. Each proof prints the commands and what came\nback. Some stop, kill or reconfigure a part and bring it back: not on a system that others are using.\nOn engines (`up --engines`) name the brokers with --bootstrap; a row whose proof needs an embedded part is NOT RUN.\n`--profile engines` starts RabbitMQ, Kafka, Prometheus, Zipkin, containers … as far as they are installed, one suite\nafter the other; what isn’t there is named.\nOne proof or experiment at a time on a system. Ctrl-C, or SIGTERM, brings back what is broken and reports the rest as\nNOT RUN; a second one ends at once.\nExit code 0: every row is a PASS; 1: one is a FAIL; 2: none failed, some were not run.',
    examples: [
      ['verify', 'all rows'],
      ['verify R4', 'all that begin with R4'],
      ['verify R1.5 R2.8', 'two rows'],
      ['verify R1.9 --profile engines', 'on a RabbitMQ and a Kafka of its own'],
      ['verify --port-offset 1000', 'while something else has the usual ports'],
      ['verify --json | jq \'.findings[] | select(.verdict == "FAIL")\'', 'every step of what failed'],
    ],
    run: async (invocation) => (await import('./verify.ts')).verify(invocation),
  },
  {
    name: 'trust',
    summary: 'have HTTPS on this machine trusted, or not any more',
    usage: '',
    positionals: { min: 0, max: 0 },
    flags: {
      undo: {
        type: 'boolean',
        about: 'delete the authority with its key, and show how to take it out of trust stores',
      },
      json,
    },
    about:
      'The first start makes an authority under SVYAZ_HOME and a certificate for https://localhost:8443 under it. This shows\nthe lines that have it trusted: by one command, by this machine, by a browser. It changes no trust store itself.',
    examples: [
      ['trust', 'where it is, and how to trust it'],
      ['trust --undo', 'the way back'],
    ],
    run: async (invocation) => (await import('./trust.ts')).trust(invocation),
  },
  {
    name: 'mcp',
    summary: 'what the console shows, for programs: a Model Context Protocol server',
    usage: '',
    positionals: { min: 0, max: 0 },
    flags: {
      'allow-changes': {
        type: 'boolean',
        about: 'also offer tools that change something: kill, scale, replay, a setting, a proof',
      },
    },
    about:
      'Speaks the protocol over standard input and output, for a program that starts it; it ends when that closes its input.\nTools for orders and their stories, traces, logs, topics, records, dead letters, metrics, service levels, settings and\nthe assignment. Answers are bounded and say what they left out. docs/mcp.md shows how to add it to a client.',
    examples: [
      ['mcp', 'look, change nothing'],
      ['mcp --allow-changes', 'tools marked destructive too'],
    ],
    run: async (invocation) => (await import('./mcp.ts')).mcp(invocation),
  },
  {
    name: 'completion',
    summary: 'print a completion script for your shell',
    usage: 'bash|zsh|fish',
    positionals: { min: 1, max: 1 },
    completes: [['bash', 'zsh', 'fish']],
    flags: {},
    about:
      'Put its output where your shell looks, or evaluate it. It knows commands, flags, services, instances, databases, topics.',
    examples: [
      ['completion bash > ~/.local/share/bash-completion/completions/svyaz', 'for `svyaz`, with it on your PATH'],
      ['completion zsh > ~/.zfunc/_svyaz', 'with ~/.zfunc in fpath, before compinit'],
      ['completion fish > ~/.config/fish/completions/svyaz.fish', ''],
    ],
    run: async (invocation) => (await import('./completion.ts')).completion(invocation, commands),
  },
]
