/**
 * How long each process is missed after kill −9, as a user notices it: `npm run bench:recovery -- [--rounds 5]
 * [--only orders,broker] [--out <file>]`. A system of its own, otherwise quiet, one kill at a time, each process in turn;
 * before each it waits for a machine that is mostly idle, and notes how idle it was.
 *
 * Two times per kill, both from the signal on: until the supervisor sees the new process ready, and until something
 * succeeds that needs the process and was begun after the signal. What takes its time without a kill as well (an order
 * goes through five processes) is measured without one first, and shown beside it.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, type Ask, demand } from '@svyaz/observe/http.ts'
import { administrator, Person } from '@svyaz/observe/person.ts'
import { programOf } from '@svyaz/observe/program.ts'
import { until } from '@svyaz/observe/until.ts'
import { startSystem } from '@svyaz/system/testing'
import { topology } from '@svyaz/system/topology'
import pg from 'pg'

const { values } = programOf({
  command: 'npm run bench:recovery --',
  about: 'How long each process is missed after kill −9, as a user notices it, on a system of its own.',
  options: {
    rounds: { takes: 'n', range: { min: 1, max: 100 }, default: 5, about: 'each process is killed once in each' },
    only: { takes: 'a,b', about: 'processes whose names begin so, e.g. orders,broker' },
    out: { takes: 'file', about: 'the raw figures' },
  },
})
const attemptMs = 2_000
const patienceMs = 30_000
const lookEveryMs = 10
const idleEnough = 0.85
const idlePatienceMs = 10_000

const relaySettings = join(mkdtempSync(join(tmpdir(), 'svyaz-recovery-')), 'relay.yaml')
writeFileSync(relaySettings, 'intervalSeconds: 600\ninFlight: 1\n')
await using system = await startSystem({ readyTimeoutMs: 120_000, env: { SVYAZ_RELAY_CONFIG: relaySettings } })
const base = system.url('gateway')
const admin = await Person.signIn(base, administrator)
const configure = (application: string, properties: object): Promise<Answer> =>
  admin.ask('PUT', `/admin/${application}/embedded`, { body: { properties }, timeoutMs: attemptMs })
await demand(200, configure('gateway', { userRequestsPerMinute: 1_000_000, addressRequestsPerSecond: 100_000 }))
await demand(200, configure('delivery', { shipAfterMs: 0, deliverAfterMs: 0 }))
const user = await Person.register(base, 'ada')

const asUser = (method: string, path: string, options: Ask = {}): Promise<Answer> =>
  user.ask(method, path, { timeoutMs: attemptMs, ...options })

/** Repeats an attempt until it gives something; an attempt that fails in any way is repeated. */
const eventually = <T>(attempt: () => Promise<T | undefined | false>): Promise<T> =>
  until('the system to work again', attempt, { timeoutMs: patienceMs, everyMs: lookEveryMs })

let placed = 0
/** Cursor of the last frame that was read. */
let lastFrame = 0
const placeOrder = (): Promise<string> => {
  const key = `recovery-${process.pid}-${++placed}`
  const body = { items: [{ productId: 'P-1001', quantity: 1 }], payment: 'queue' }
  return eventually(async () => {
    const { status, body: order } = await asUser('POST', '/orders', { headers: { 'idempotency-key': key }, body })
    return status === 201 && (order.id as string)
  })
}

const reached = (statuses: readonly string[]) => async (orderId: string) => {
  await eventually(async () => statuses.includes((await asUser('GET', `/orders/${orderId}`)).body.status))
}
const reserved = ['processing', 'paid', 'shipped', 'completed']
const shipped = ['shipped', 'completed']
const orderReaches = (statuses: readonly string[]) => async () => reached(statuses)(await placeOrder())

interface Row {
  readonly target: string
  /** What a user does that needs the process. */
  readonly needs: string
  works(): Promise<unknown>
  /** Ends what `works` began, outside the time that is taken. */
  afterwards?(): Promise<unknown>
}

const chargedBy = new pg.Pool({ connectionString: system.databaseUrl('payments'), max: 1 })
chargedBy.on('error', () => undefined)
const moreOrdersEveryMs = 100
/** With two workers an order may be the other one's: one more is placed until one of them is this one's. */
const paidBy = (worker: string): Omit<Row, 'target'> => {
  let placing: Promise<string>[] = []
  return {
    needs: 'this worker has charged one of the orders placed since',
    works: async () => {
      const enough = new AbortController()
      const orders: string[] = []
      placing = []
      const flow = (async () => {
        while (!enough.signal.aborted) {
          const order = placeOrder()
          placing.push(order)
          void order.then((id) => orders.push(id))
          await delay(moreOrdersEveryMs, undefined, { signal: enough.signal }).catch(() => undefined)
        }
      })()
      await eventually(async () => {
        const { rowCount } = await chargedBy.query(
          `SELECT 1 FROM payments WHERE worker = $1 AND status = 'charged' AND order_id = ANY ($2) LIMIT 1`,
          [worker, orders],
        )
        return (rowCount ?? 0) > 0
      })
      enough.abort()
      await flow
    },
    afterwards: async () => {
      await Promise.all((await Promise.all(placing)).map(reached(['completed'])))
    },
  }
}

const services = topology.processes.filter(({ kind }) => kind === 'service')

const relayStatus = async (path: string): Promise<number> => {
  const answer = await fetch(`${system.url('mc1')}${path}`, { signal: AbortSignal.timeout(attemptMs) })
  await answer.arrayBuffer()
  return answer.status
}
const relayed = {
  needs: 'a relay session begins, and its first message is stored',
  works: async () => {
    await eventually(async () => (await relayStatus('/start/')) === 200)
    await eventually(async () => {
      const answer = await fetch(`${system.url('mc1')}/sessions`, { signal: AbortSignal.timeout(attemptMs) })
      const [latest] = (await answer.json()) as { status: string; stored: number }[]
      return latest?.status === 'running' && latest.stored > 0
    })
  },
  afterwards: () => eventually(async () => (await relayStatus('/stop/')) < 500),
}

const rows: readonly Row[] = [
  { target: 'gateway-1', needs: 'an order is read', works: async () => reached(['completed'])(oldOrder) },
  {
    target: 'users-1',
    needs: 'a user reads their own data',
    works: () => eventually(async () => (await asUser('GET', `/users/${user.id}`)).status === 200),
  },
  { target: 'orders-1', needs: 'an order is accepted', works: placeOrder },
  { target: 'inventory-1', needs: 'an order is accepted and its stock reserved', works: orderReaches(reserved) },
  { target: 'payments-1', ...paidBy('payments-1') },
  { target: 'payments-2', ...paidBy('payments-2') },
  { target: 'delivery-1', needs: 'an order is shipped', works: orderReaches(shipped) },
  {
    target: 'notifications-1',
    needs: 'the frame of a new order is there',
    works: async () => {
      const orderId = await placeOrder()
      await eventually(async () => {
        const { body: frames } = await asUser('GET', `/notifications?cursor=${lastFrame}`)
        lastFrame = frames.at(-1)?.cursor ?? lastFrame
        return frames.some((frame: { orderId?: string }) => frame.orderId === orderId)
      })
    },
  },
  {
    target: 'config-1',
    needs: 'a setting is changed',
    works: () =>
      eventually(async () => (await configure('delivery', { shipAfterMs: 0, deliverAfterMs: 0 })).status === 200),
  },
  { target: 'postgres-1', needs: 'an order is accepted and its stock reserved', works: orderReaches(reserved) },
  { target: 'broker-1', needs: 'an order is accepted and its stock reserved', works: orderReaches(reserved) },
  {
    target: 'discovery-1',
    needs: 'every instance is registered and passing',
    works: () =>
      eventually(async () => {
        const counts = await Promise.all(
          services.map(
            async ({ name }) => (await look('discovery', `/v1/health/service/${name}?passing=1`)).length as number,
          ),
        )
        return services.every(({ instances }, index) => counts[index] === instances)
      }),
  },
  {
    target: 'console-1',
    needs: 'its page opens',
    works: () => eventually(async () => (await fetch(`${system.url('console')}/`)).ok),
  },
  { target: 'mc1-1', ...relayed },
  { target: 'mc2-1', ...relayed },
  { target: 'mc3-1', ...relayed },
  {
    target: 'telemetry-1',
    needs: 'the trace of a request can be read',
    works: async () => {
      const sinceNano = BigInt(Date.now()) * 1_000_000n
      await eventually(async () => {
        await asUser('GET', `/orders/${oldOrder}`)
        const { traces } = await look('telemetry', '/traces?service=orders&limit=1', 'otlp')
        return traces.some((trace: { startTimeUnixNano: string }) => BigInt(trace.startTimeUnixNano) > sinceNano)
      })
    },
  },
]

// biome-ignore lint/suspicious/noExplicitAny: answers of other programs
async function look(process: string, path: string, port?: string): Promise<any> {
  const answer = await fetch(`${system.url(process, port)}${path}`, { signal: AbortSignal.timeout(attemptMs) })
  if (!answer.ok) throw new Error(`${answer.status}`)
  return answer.json()
}

const view = (name: string) => system.instances().find((instance) => instance.name === name)!
const readyAgain = async (name: string, notPid: number | undefined): Promise<void> => {
  await eventually(async () => view(name).status === 'ready' && view(name).pid !== notPid)
}
const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

/** Share of all processors that nothing used, over half a second. */
async function idleShare(): Promise<number> {
  const sum = () =>
    cpus().reduce(
      (total, { times }) => ({
        idle: total.idle + times.idle,
        all: total.all + times.idle + times.user + times.sys + times.nice + times.irq,
      }),
      { idle: 0, all: 0 },
    )
  const before = sum()
  await delay(500)
  const after = sum()
  return (after.idle - before.idle) / (after.all - before.all)
}

/** Waits for a mostly idle machine, for so long; the idlest that it saw last. */
async function quiet(): Promise<number> {
  const giveUpAt = performance.now() + idlePatienceMs
  for (;;) {
    const idle = await idleShare()
    if (idle >= idleEnough || performance.now() > giveUpAt) return idle
  }
}

const oldOrder = await placeOrder()
await reached(['completed'])(oldOrder)
const missing = topology.processes
  .filter(({ kind, name }) => kind !== 'outside' && !rows.some(({ target }) => target.startsWith(`${name}-`)))
  .map(({ name }) => name)
if (missing.length > 0) throw new Error(`no row for ${missing.join(', ')}`)
const chosen = rows.filter(({ target }) => values.only?.split(',').some((name) => target.startsWith(name)) ?? true)
interface Sample {
  readonly target: string
  readonly round: number
  /** Of the last minute, by the operating system; this bench is part of it. */
  readonly load: number
  /** Share of the processors that was idle just before. */
  readonly idle: number
  readonly withoutKillMs: number
  readonly readyMs: number
  readonly worksMs: number
}
const samples: Sample[] = []
for (let round = 1; round <= values.rounds; round++) {
  for (const { target, works, afterwards } of chosen) {
    await system.waitReady()
    await delay(1_500)
    const withoutKillMs = await timed(works)
    await afterwards?.()
    const idle = await quiet()
    const load = loadavg()[0] ?? 0
    const { pid } = view(target)
    await system.kill(target)
    const [readyMs, worksMs] = await Promise.all([timed(() => readyAgain(target, pid)), timed(works)])
    await afterwards?.()
    samples.push({ target, round, load, idle, withoutKillMs, readyMs, worksMs })
    const rounded = [readyMs, worksMs, withoutKillMs].map(Math.round)
    console.error(
      `${round} ${target}: ready ${rounded[0]} ms, works ${rounded[1]} ms, without a kill ${rounded[2]} ms; ${Math.round(idle * 100)} % idle before`,
    )
  }
}
rmSync(dirname(relaySettings), { recursive: true })
await chargedBy.end()

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
const told = (numbers: readonly number[]): string => {
  const seconds = numbers.map((ms) => ms / 1_000)
  return `${median(seconds).toFixed(2)} (${Math.min(...seconds).toFixed(2)}–${Math.max(...seconds).toFixed(2)})`
}
const percent = (shares: readonly number[]): string =>
  `${Math.round(median(shares) * 100)} % (${Math.round(Math.min(...shares) * 100)}–${Math.round(Math.max(...shares) * 100)})`
const machine = `${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`
console.log(`${values.rounds} rounds on ${machine}; seconds: median (least–most)\n`)
console.log('| killed | ready again | works again | without a kill | idle before | what "works" means |')
console.log('|---|---|---|---|---|---|')
for (const { target, needs } of chosen) {
  const own = samples.filter((sample) => sample.target === target)
  const columns = (['readyMs', 'worksMs', 'withoutKillMs'] as const).map((key) =>
    told(own.map((sample) => sample[key])),
  )
  console.log(`| \`${target}\` | ${columns.join(' | ')} | ${percent(own.map(({ idle }) => idle))} | ${needs} |`)
}
if (values.out !== undefined) {
  mkdirSync(dirname(values.out), { recursive: true })
  writeFileSync(values.out, `${JSON.stringify({ machine, at: new Date().toISOString(), samples }, undefined, 2)}\n`)
}
