/**
 * `npm run bench:orders -- --growth`: does an order cost the same with more cores, more instances, more orders stored?
 * One system of its own a question, sixteen orders under way all the time. Raw runs go to
 * `lab/bench/results/orders-growth.json`, of which docs/cost.md is made.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { programOf } from '@svyaz/observe/program.ts'
import { type Axis, axes, type GrowthRun, growthTables } from './growth-table.ts'
import { closedLoop } from './loops.ts'
import { atRest, measured } from './measure.ts'
import { openShop, type Shop } from './shop.ts'
import { StoredOrders } from './stored.ts'
import { type SvyazStack, startSvyaz } from './svyaz-stack.ts'

const { values, refuse } = programOf({
  command: 'npm run bench:orders -- --growth',
  about: 'Whether an order costs the same when something grows: cores, instances, orders stored.',
  options: {
    growth: {},
    of: { takes: 'a,b', default: Object.keys(axes).join(','), about: 'what grows' },
    stored: {
      takes: 'n,n,…',
      default: '1000,100000,1000000',
      about: 'orders stored; these take about 8 GB of disk and 20 minutes',
    },
    rounds: {
      takes: 'n',
      range: { min: 1, max: 100 },
      default: 3,
      about: 'loads at each size; cores and instances in turns',
    },
    'warm-up': {
      takes: 'orders',
      range: { min: 0, max: 100_000 },
      default: 600,
      about: 'completed before anything is measured',
    },
    seconds: { takes: 'n', range: { min: 1, max: 3_600 }, default: 15, about: 'of each load' },
    out: {
      takes: 'file',
      default: join(import.meta.dirname, '..', 'results', 'orders-growth.json'),
      about: 'the raw figures',
    },
  },
})
const plan = {
  rounds: values.rounds,
  warmUp: values['warm-up'],
  seconds: values.seconds,
  inFlight: 16,
  restSeconds: 5,
  stored: values.stored.split(',').map(Number),
}
const asked = values.of.split(',') as Axis[]
const strangers = asked.filter((axis) => !Object.hasOwn(axes, axis))
if (strangers.length > 0) refuse(`--of: there is no ${strangers.join(', ')}; ${Object.keys(axes).join(', ')}`)
if (!plan.stored.every((n) => Number.isInteger(n) && n > 0 && n <= 10_000_000))
  refuse(`--stored ${values.stored}: whole numbers between 1 and 10,000,000, with commas between them`)

const warmUpSecondsMax = 900
const scaled = ['users', 'orders', 'inventory', 'payments', 'delivery', 'notifications'] as const
const say = (line: string) => process.stderr.write(`${line}\n`)
const runs: GrowthRun[] = []

if (asked.includes('cores')) await withSystem('cores', growCores)
if (asked.includes('instances')) await withSystem('instances', growInstances)
if (asked.includes('stored')) await withSystem('stored', growStored)
process.stdout.write(
  `${growthTables(runs)}\n\n${machine()}\nraw: ${values.out}; npm run docs makes docs/cost.md of it\n`,
)

type Load = (axis: Axis, at: number, round: number, remark: string) => Promise<void>

async function withSystem(label: string, grow: (stack: SvyazStack, load: Load) => Promise<void>): Promise<void> {
  await using stack = await startSvyaz()
  using shop = await openShop(stack, `${label}-`, 1)
  await warmUp(shop, plan.warmUp)
  await grow(stack, async (axis, at, round, remark) => {
    const load = loadavg()[0] ?? 0
    const rest = await atRest(stack, plan.restSeconds)
    const figures = await measured(stack, rest, plan.seconds, () =>
      closedLoop(shop.place, plan.inFlight, ({ seconds }) => seconds >= plan.seconds),
    )
    runs.push({ axis, at, round, remark, ...figures, load })
    keep()
    say(
      `${axis} ${at}, round ${round}: ${figures.completedPerSecond.toFixed(1)} completed/s, to completed ${figures.completedMs.join(' / ')} ms`,
    )
  })
}

async function warmUp({ place }: Shop, orders: number): Promise<void> {
  await closedLoop(place, plan.inFlight, ({ seconds, completed }) => {
    if (seconds > warmUpSecondsMax) throw new Error(`${completed} orders completed in ${warmUpSecondsMax} s`)
    return completed >= orders
  })
}

/** The system on some cores, the load on the last one where that leaves at least one; then on all, the load among them. */
async function growCores(stack: SvyazStack, load: Load): Promise<void> {
  const all = availableParallelism()
  if (!pin([process.pid], coreList(0, all))) {
    say('skipped: cores: there is no taskset here')
    return
  }
  const sizes = [...new Set([1, 2, all].filter((cores) => cores <= all))]
  for (let round = 1; round <= plan.rounds; round += 1)
    for (const cores of round % 2 === 1 ? sizes : sizes.toReversed()) {
      const elsewhere = cores < all
      // New processes of PostgreSQL have their parent's cores.
      pin(
        (stack.instances?.() ?? []).flatMap(({ pids }) => pids),
        coreList(0, cores),
      )
      pin([process.pid], elsewhere ? coreList(all - 1, all) : coreList(0, all))
      await load('cores', cores, round, elsewhere ? 'the load on another' : 'the load on the same')
    }
}

/** As taskset wants them; `to` is the one after the last. */
function coreList(from: number, to: number): string {
  return to - from === 1 ? `${from}` : `${from}-${to - 1}`
}

/** @returns whether it could be done; a process that has gone meanwhile doesn't matter */
function pin(pids: readonly number[], cores: string): boolean {
  return pids.every(
    (pid) => spawnSync('taskset', ['-acp', cores, String(pid)], { stdio: 'ignore' }).error === undefined,
  )
}

async function growInstances({ system }: SvyazStack, load: Load): Promise<void> {
  for (let round = 1; round <= plan.rounds; round += 1)
    for (const count of round % 2 === 1 ? [1, 2] : [2, 1]) {
      for (const service of scaled) await system.scale(service, count)
      await system.waitReady()
      await load('instances', count, round, scaled.join(', '))
    }
}

async function growStored({ system }: SvyazStack, load: Load): Promise<void> {
  await using stored = await StoredOrders.open((service) => system.databaseUrl(service), say)
  for (const wanted of plan.stored.toSorted((a, b) => a - b)) {
    await stored.fill(wanted)
    const { orders, bytes } = await stored.size()
    for (let round = 1; round <= plan.rounds; round += 1)
      await load('stored', wanted, round, `${orders.toLocaleString('en')} orders, ${(bytes / 2 ** 30).toFixed(2)} GiB`)
  }
}

function keep(): void {
  const command = `npm run bench:orders -- ${process.argv.slice(2).join(' ')}`
  const result = { command, at: new Date().toISOString(), machine: machine(), plan, runs }
  mkdirSync(dirname(values.out), { recursive: true })
  writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`)
}

function machine(): string {
  return `${availableParallelism()} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
}
