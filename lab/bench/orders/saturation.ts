/**
 * `npm run bench:orders -- --saturation`: what becomes of orders when more come than the system carries. First how many
 * it completes when customers wait for their orders; then an open loop at shares of that, from below to far beyond.
 * Raw runs go to `lab/bench/results/orders-saturation.json`, of which docs/cost.md is made.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { Databases } from '@svyaz/observe/databases.ts'
import { demand } from '@svyaz/observe/http.ts'
import { administrator, Person } from '@svyaz/observe/person.ts'
import { programOf } from '@svyaz/observe/program.ts'
import { closedLoop, type Loaded, openLoop } from './loops.ts'
import { type SaturationRun, saturationFigures, saturationTable } from './saturation-table.ts'
import { openShop } from './shop.ts'
import { type SvyazStack, startSvyaz } from './svyaz-stack.ts'

const { values, refuse } = programOf({
  command: 'npm run bench:orders -- --saturation',
  about: 'What becomes of orders when more come than the system carries.',
  options: {
    saturation: {},
    shares: { takes: 'x,x,…', default: '0.5,1,1.5,2,4', about: 'of what is carried, offered in an open loop' },
    rounds: { takes: 'n', range: { min: 1, max: 100 }, default: 3, about: 'of all shares, up and down in turns' },
    seconds: { takes: 'n', range: { min: 4, max: 3_600 }, default: 20, about: 'of each load' },
    'warm-up': {
      takes: 'orders',
      range: { min: 0, max: 100_000 },
      default: 600,
      about: 'completed before anything is measured',
    },
    'under-way': {
      takes: 'orders',
      range: { min: 1, max: 1_000_000 },
      default: 200,
      about: 'ordersUnderWayMax, beyond which orders are refused',
    },
    out: {
      takes: 'file',
      default: join(import.meta.dirname, '..', 'results', 'orders-saturation.json'),
      about: 'the raw figures',
    },
  },
})
const plan = {
  shares: values.shares.split(',').map(Number),
  rounds: values.rounds,
  seconds: values.seconds,
  leadInSeconds: values.seconds / 4,
  warmUp: values['warm-up'],
  ordersUnderWayMax: values['under-way'],
  /** Enough that nothing rests, and below every limit. */
  carriedInFlight: 64,
}
if (!plan.shares.every((share) => share > 0 && share <= 10)) refuse(`--shares ${values.shares}: up to 10 each`)

const warmUpSecondsMax = 900
const offeredPerSecondMax = 500
const say = (line: string) => process.stderr.write(`${line}\n`)
const runs: SaturationRun[] = []

await using stack = await startSvyaz()
using shop = await openShop(stack, 'saturation-', 1)
await using databases = new Databases((service) => stack.system.databaseUrl(service))
await closedLoop(shop.place, 16, ({ seconds, completed }) => seconds > warmUpSecondsMax || completed >= plan.warmUp)
const carriedPerSecond = await carried()
say(`carried: ${carriedPerSecond.toFixed(1)} orders a second`)
await limitUnderWay(stack)
for (let round = 1; round <= plan.rounds; round += 1)
  for (const share of round % 2 === 1 ? plan.shares : plan.shares.toReversed()) await offer(share, round)
process.stdout.write(
  `${saturationTable(runs)}\n\n${machine()}\nraw: ${values.out}; npm run docs makes docs/cost.md of it\n`,
)

/** Orders completed a second by customers who wait for them. */
async function carried(): Promise<number> {
  const loaded = await closedLoop(shop.place, plan.carriedInFlight, ({ seconds }) => seconds >= plan.seconds)
  return saturationFigures(loaded, plan, new Map()).completedPerSecond
}

async function limitUnderWay({ ordersUrl }: SvyazStack): Promise<void> {
  const admin = await Person.signIn(ordersUrl, administrator)
  const properties = { ordersUnderWayMax: plan.ordersUnderWayMax }
  await demand(200, admin.ask('PUT', '/admin/orders/embedded', { body: { properties } }))
}

async function offer(share: number, round: number): Promise<void> {
  const load = loadavg()[0] ?? 0
  const perSecond = Math.min(share * carriedPerSecond, offeredPerSecondMax)
  const loaded = await openLoop(shop.place, perSecond, plan.seconds)
  const figures = saturationFigures(loaded, plan, await completions(loaded))
  runs.push({ share, round, ...figures, load })
  keep()
  const { acceptedPerSecond, completedPerSecond, postMs, completedMs } = figures
  say(
    `${share} of it, round ${round}: ${acceptedPerSecond.toFixed(1)} accepted/s, ${completedPerSecond.toFixed(1)} completed/s, POST ${postMs.map(Math.round).join(' / ')} ms, to completed ${completedMs.map(Math.round).join(' / ')} ms`,
  )
}

/** When the database had these orders completed, on the monotonic clock of the load. */
async function completions({ outcomes }: Loaded): Promise<Map<string, number>> {
  const ids = outcomes.flatMap(({ orderId }) => orderId ?? [])
  const rows = await databases.rows<{ id: string; at: string }>(
    'orders',
    `SELECT id, document #>> '{order,updatedAt}' AS at FROM orders WHERE id = ANY ($1::uuid[]) AND status = 'completed'`,
    [ids],
  )
  return new Map(rows.map(({ id, at }) => [id, Date.parse(at) - performance.timeOrigin]))
}

function keep(): void {
  const command = `npm run bench:orders -- ${process.argv.slice(2).join(' ')}`
  const result = { command, at: new Date().toISOString(), machine: machine(), plan, carriedPerSecond, runs }
  mkdirSync(dirname(values.out), { recursive: true })
  writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`)
}

function machine(): string {
  return `${availableParallelism()} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
}
