/**
 * `npm run bench:orders -- --peers`: the same orders through ours and through the stack that most teams would write,
 * by one load program. One stack runs at a time; each round restarts every one, warms it up, looks at it at rest and
 * puts both loads on it. Raw runs go to `lab/bench/results/orders.json`, of which docs/peers.md is made. About an hour on two idle cores; --short takes at most 8 minutes.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { programOf } from '@svyaz/observe/program.ts'
import { withoutKafka } from '../kafka.ts'
import { closedLoop, type Loaded, openLoop } from './loops.ts'
import { atRest, measured } from './measure.ts'
import { installPeer } from './peer-install.ts'
import { startPeer } from './peer-stack.ts'
import { openShop } from './shop.ts'
import type { Stack } from './stack.ts'
import { startSvyaz } from './svyaz-stack.ts'
import { type LoopName, type Run, restLine, type StackId, stackIds, table } from './table.ts'

const { values, refuse } = programOf({
  command: 'npm run bench:orders -- --peers',
  about: 'The same orders through ours and the usual stack, in turns.',
  options: {
    peers: {},
    short: { about: 'three stacks, few orders: at most 8 minutes, figures that say little' },
    rounds: { takes: 'n', range: { min: 1, max: 100 }, about: '5 when left out' },
    'warm-up': {
      takes: 'orders',
      range: { min: 0, max: 100_000 },
      about: 'completed before anything is measured; 1000 when left out',
    },
    seconds: { takes: 'n', range: { min: 1, max: 3_600 }, about: 'of each load; 30 when left out' },
    'in-flight': { takes: 'n', range: { min: 1, max: 1_000 }, default: 16, about: 'customers of the closed loop' },
    rate: {
      takes: 'n',
      range: { min: 0.1, max: 1_000, fraction: true },
      default: 6,
      about: 'orders a second of the open loop: what every stack carries',
    },
    rest: { takes: 'seconds', range: { min: 0, max: 600 }, about: 'for the processor time at rest; 10 when left out' },
    only: { takes: 'a,b', about: `of ${stackIds.join(', ')}` },
    kafka: { takes: 'host:port', about: 'a Kafka that runs already, whose processor time is then left out' },
    out: {
      takes: 'file',
      about: 'lab/bench/results/orders.json when left out; with --short a file of the temporary folder',
    },
  },
})
const out =
  values.out ??
  (values.short ? join(tmpdir(), 'svyaz-bench-orders.json') : join(import.meta.dirname, '..', 'results', 'orders.json'))
const defaults = values.short
  ? { rounds: 2, warmUp: 150, seconds: 10, rest: 5, only: ['svyaz', 'peer-traced', 'peer'] }
  : { rounds: 5, warmUp: 1_000, seconds: 30, rest: 10, only: stackIds }
const plan = {
  rounds: values.rounds ?? defaults.rounds,
  warmUp: values['warm-up'] ?? defaults.warmUp,
  seconds: values.seconds ?? defaults.seconds,
  inFlight: values['in-flight'],
  rate: values.rate,
  restSeconds: values.rest ?? defaults.rest,
}
const wanted = (values.only?.split(',') ?? defaults.only) as StackId[]
const strangers = wanted.filter((id) => !stackIds.includes(id))
if (strangers.length > 0) refuse(`--only: there is no stack ${strangers.join(', ')}; ${stackIds.join(', ')}`)

/** A stack that has not warmed up by then is broken, or the machine is. */
const warmUpSecondsMax = 900

const startOf: Record<StackId, () => Promise<Stack>> = {
  svyaz: startSvyaz,
  'peer-traced': () => startPeer({ traced: true, synced: false, kafka: values.kafka }),
  peer: () => startPeer({ traced: false, synced: false, kafka: values.kafka }),
  'peer-traced-synced': () => startPeer({ traced: true, synced: true, kafka: values.kafka }),
  'peer-synced': () => startPeer({ traced: false, synced: true, kafka: values.kafka }),
}

const say = (line: string) => process.stderr.write(`${line}\n`)
const chosen = await possible(wanted)
const runs: Run[] = []
for (let round = 1; round <= plan.rounds; round += 1)
  // Whoever comes first in one round comes last in the next.
  for (const id of round % 2 === 1 ? chosen : chosen.toReversed()) {
    runs.push(...(await turn(id, round)))
    // After every turn: an hour's work must not be lost with its last minute.
    keep()
  }
for (const loop of ['closed', 'open'] as const) process.stdout.write(`${loop} loop\n${table(runs, loop)}\n\n`)
process.stdout.write(
  `at rest: ${restLine(runs)} of a core\n${machine()}\nraw: ${out}; npm run docs makes docs/peers.md of lab/bench/results/orders.json\n`,
)

/** Without Kafka the peers are skipped, in so many words. */
async function possible(ids: readonly StackId[]): Promise<StackId[]> {
  const peers = ids.filter((id) => id !== 'svyaz')
  if (peers.length === 0) return [...ids]
  const reason = values.kafka === undefined && withoutKafka()
  if (reason) {
    say(`skipped: ${peers.join(', ')}: ${reason}, or name one that runs with --kafka host:port`)
    return ids.filter((id) => id === 'svyaz')
  }
  await installPeer(say)
  // One Kafka that runs already is either synced or not: nobody here can tell.
  return values.kafka === undefined ? [...ids] : ids.filter((id) => !id.endsWith('-synced'))
}

/** One stack from its start to its end: warm-up, rest, both loads. */
async function turn(id: StackId, round: number): Promise<Run[]> {
  const load = loadavg()[0] ?? 0
  await using stack = await startOf[id]()
  using shop = await openShop(stack, `${round}-`, round)
  const { place } = shop
  const warm = await closedLoop(place, plan.inFlight, ({ seconds, completed }) => {
    if (seconds > warmUpSecondsMax) throw new Error(`${id} completed ${completed} orders in ${warmUpSecondsMax} s`)
    return completed >= plan.warmUp
  })
  say(
    `${round} ${id}: warmed up by ${warm.outcomes.length} orders in ${((performance.now() - warm.startedAtMs) / 1_000).toFixed(0)} s`,
  )
  const rest = await atRest(stack, plan.restSeconds)
  const loops: Record<LoopName, () => Promise<Loaded>> = {
    closed: () => closedLoop(place, plan.inFlight, ({ seconds }) => seconds >= plan.seconds),
    open: () => openLoop(place, plan.rate, plan.seconds),
  }
  const order: LoopName[] = round % 2 === 1 ? ['closed', 'open'] : ['open', 'closed']
  const done: Run[] = []
  for (const loop of order) {
    const figures = await measured(stack, rest, plan.seconds, loops[loop])
    done.push({ stack: id, loop, round, ...figures, load })
    say(
      `${round} ${id} ${loop}: ${figures.completedPerSecond.toFixed(1)} completed/s, to completed ${figures.completedMs.join(' / ')} ms, refused ${figures.refused} ${JSON.stringify(figures.refusedBy)}, unfinished ${figures.unfinished}`,
    )
  }
  return done
}

function keep(): void {
  const command = `npm run bench:orders -- ${process.argv.slice(2).join(' ')}`
  const result = { command, at: new Date().toISOString(), machine: machine(), plan, runs }
  mkdirSync(dirname(out), { recursive: true })
  writeFileSync(out, `${JSON.stringify(result, null, 2)}\n`)
}

function machine(): string {
  return `${availableParallelism()} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
}
