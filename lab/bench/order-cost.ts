/**
 * What an order costs: processor time of each process per order under a steady load, from POST to the last frame and
 * mail. `npm run bench:orders -- [--rate 10] [--seconds 20] [--env NAME=value]…`; a whole system of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createHistory } from '@svyaz/checker/history.ts'
import { Load } from '@svyaz/checker/load.ts'
import { createRandom } from '@svyaz/checker/random.ts'
import { Databases } from '@svyaz/observe/databases.ts'
import { Feed } from '@svyaz/observe/feed.ts'
import { demand } from '@svyaz/observe/http.ts'
import { administrator, Person } from '@svyaz/observe/person.ts'
import { programOf } from '@svyaz/observe/program.ts'
import { within } from '@svyaz/observe/until.ts'
import { startSystem } from '@svyaz/system/testing'
import { usageOfTree } from '@svyaz/system/usage'

const { values } = programOf({
  command: 'npm run bench:orders --',
  about: 'What an order costs: processor time of each process per order under a steady load, on a system of its own.',
  options: {
    rate: { takes: 'n', range: { min: 0.1, max: 1_000, fraction: true }, default: 10, about: 'orders a second' },
    seconds: { takes: 'n', range: { min: 1, max: 3_600 }, default: 20, about: 'how long' },
    users: { takes: 'n', range: { min: 1, max: 1_000 }, default: 40, about: 'who place them' },
    env: { takes: 'NAME=value', many: true, about: 'for every process' },
  },
  more: `  npm run bench:orders -- --counts --help   what an order consists of
  npm run bench:orders -- --growth --help   whether it stays the same when something grows
  npm run bench:orders -- --peers --help    the same orders through ours and the usual stack`,
})
const ordersPerSecond = values.rate
const folder = mkdtempSync(join(tmpdir(), 'svyaz-order-cost-'))
const env = Object.fromEntries(values.env.map((pair) => pair.split(/=(.*)/s).slice(0, 2) as [string, string]))
await using system = await startSystem({ readyTimeoutMs: 120_000, env })
await using databases = new Databases(system.databaseUrl)
const base = system.url('gateway')
const admin = await Person.signIn(base, administrator)
const liftLimits = { userRequestsPerMinute: 1_000_000, addressRequestsPerSecond: 100_000 }
await demand(200, admin.ask('PUT', '/admin/gateway/embedded', { body: { properties: liftLimits } }))
const users: Person[] = []
for (let index = 1; index <= values.users; index++) users.push(await Person.register(base, `user-${index}`))
const products = (await databases.stock()).toSorted((a, b) => b.stocked - a.stocked).map((row) => row.productId)
const feeds = users.slice(0, 10).map((user) => new Feed(base, user).keepOpen())
await delay(3_000)

const cpuOf = () =>
  new Map(
    system.instances().flatMap(({ name, pid }) => (pid === undefined ? [] : [[name, usageOfTree(pid).cpuMs] as const])),
  )
/** Sums of a counter by instance and one label, from every instance's metrics. */
const counted = async (metric: string, label: string) => {
  const sums = new Map<string, number>()
  for (const { name, ports } of system.instances()) {
    if (ports.management === undefined) continue
    const text = await (await fetch(`http://127.0.0.1:${ports.management}/metrics`)).text()
    for (const [, labels = '', value] of text.matchAll(new RegExp(`^${metric}\\{(.*)\\} (\\S+)$`, 'gm'))) {
      const key = `${name} ${new RegExp(`${label}="([^"]*)"`).exec(labels)?.[1]}`
      sums.set(key, (sums.get(key) ?? 0) + Number(value))
    }
  }
  return sums
}
const counters = {
  statements: ['svyaz_database_statement_seconds_count', 'operation'],
  handled: ['svyaz_messages_handled_total', 'type'],
  produced: ['svyaz_produce_seconds_count', 'topic'],
} as const
const countAll = async () =>
  new Map(
    await Promise.all(
      Object.entries(counters).map(async ([what, [metric, label]]) => [what, await counted(metric, label)] as const),
    ),
  )
const countsBefore = await countAll()
const memoryMb = () =>
  system.instances().reduce((sum, { pid }) => sum + (pid === undefined ? 0 : (usageOfTree(pid).pssBytes ?? 0)), 0) /
  1024 ** 2
const memoryBefore = memoryMb()
const history = createHistory(join(folder, 'history.ndjson'))
const load = new Load({
  base,
  users,
  admin,
  ordersPerSecond,
  products: products.slice(0, 40),
  scarceProducts: products.slice(-2),
  history,
  random: createRandom(1),
  runName: 'cost',
})
const loadBefore = loadavg()[0] ?? 0
const before = cpuOf()
const ownBefore = process.cpuUsage()
const startedAt = performance.now()
load.start()
const inFlight: number[] = []
while (performance.now() - startedAt < values.seconds * 1_000) {
  await delay(1_000)
  inFlight.push(await databases.ordersInFlight())
}
await load.stop()
const stoppedAt = performance.now()
const quiet = await within(async () => (await databases.unfinished()).length === 0, 120_000, 200)
const after = cpuOf()
const own = process.cpuUsage(ownBefore)

const orders = load.counts.accepted - load.counts.replayed
const answers = history.entries.filter((entry) => entry.f === 'createOrder' && entry.type === 'ok')
const asked = new Map<string, number>()
for (const { f, type, key, tMono } of history.entries)
  if (f === 'createOrder' && type === 'invoke' && !asked.has(key)) asked.set(key, tMono)
const tookMs = answers.map((entry) => entry.tMono - asked.get(entry.key)!).toSorted((a, b) => a - b)
const at = (share: number) => tookMs[Math.floor((tookMs.length - 1) * share)] ?? Number.NaN

console.log(
  `asked for ${ordersPerSecond} orders a second on ${cpus().length} cores, load before ${loadBefore.toFixed(1)}`,
)
console.log(`${JSON.stringify(load.counts)}; 201 after p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms`)
console.log(`memory (PSS) before ${memoryBefore.toFixed(0)} MB, after ${memoryMb().toFixed(0)} MB`)
console.log(`in flight each second: ${inFlight.join(' ')}`)
console.log(
  `${quiet ? 'at rest' : 'NOT at rest'} ${((performance.now() - stoppedAt) / 1_000).toFixed(1)} s after the load`,
)
let total = 0
for (const [name, cpuMs] of after) {
  const perOrder = (cpuMs - (before.get(name) ?? 0)) / orders
  total += perOrder
  console.log(`  ${name.padEnd(20)} ${perOrder.toFixed(1).padStart(6)} ms an order`)
}
console.log(`  ${'all of them'.padEnd(20)} ${total.toFixed(1).padStart(6)} ms an order`)
console.log(
  `  ${'this load and taps'.padEnd(20)} ${((own.user + own.system) / 1_000 / orders).toFixed(1).padStart(6)} ms an order`,
)
for (const [what, sums] of await countAll()) {
  const lines = [...sums].map(
    ([key, value]) => [key, (value - (countsBefore.get(what)?.get(key) ?? 0)) / orders] as const,
  )
  console.log(`${what} an order:`)
  for (const [key, value] of lines)
    if (value >= 0.05) console.log(`  ${key.padEnd(44)} ${value.toFixed(2).padStart(6)}`)
}
await Promise.all(feeds.map((feed) => feed[Symbol.asyncDispose]()))
await history.close()
rmSync(folder, { recursive: true, force: true })
