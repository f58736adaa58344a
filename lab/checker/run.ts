/**
 * One run: warm-up → faults under load → heal → stop the load → quiesce → collect. What it saw is written to a folder and
 * handed to the judge (run-invariants.ts), which knows nothing of the system.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Tokens } from '@svyaz/contracts/http/users.ts'
import { Databases, type EndState } from '@svyaz/observe/databases.ts'
import { ask, demand } from '@svyaz/observe/http.ts'
import { MailTap, readLedger, setFault } from '@svyaz/observe/ledger.ts'
import { administrator, Person } from '@svyaz/observe/person.ts'
import type { LedgerFact, Snapshot } from '@svyaz/observe/snapshot.ts'
import { until, within } from '@svyaz/observe/until.ts'
import { type System, startSystem } from '@svyaz/system/testing'
import { type Topology, type TopologyProcess, topology } from '@svyaz/system/topology'
import { attemptsOf, restocksOf } from './attempts.ts'
import { type Carrier, type ForeignCarrier, kafkaCarrier } from './carrier.ts'
import { type Evidence, type FaultFact, type LogRecord, logRecords } from './evidence.ts'
import { createHistory, type History } from './history.ts'
import { Load } from './load.ts'
import { type Fault, inject, type Steered } from './nemesis.ts'
import type { Random } from './random.ts'
import { countLogs, keepLogs } from './tap-logs.ts'
import { Feeds, Sampler, watchedUsers } from './watchers.ts'

export interface RunOptions {
  readonly seed: number
  readonly random: Random
  readonly faults: readonly Fault[]
  /** No further fault begins after so long; default: all are injected. */
  readonly faultsForMs?: number
  /** Load before the first fault and after the last one. */
  readonly calmMs: number
  /** Between two faults: from the recovery of one to the next or, with `overlapping`, from one to the next. */
  readonly pauseMs: number
  /** The next fault does not wait until the target of the last one is itself again. */
  readonly overlapping?: true
  readonly ordersPerSecond: number
  readonly users: number
  readonly inFlightMin: number
  /** After the load: how long nothing at all may move before what is left counts as stuck. A slow machine is not a fault. */
  readonly standstillMs: number
  /** How long coming to rest may take even so. */
  readonly quiesceMs: number
  /** Where history and evidence go. */
  readonly out: string
  /** The load goes on for so long at least, whatever the faults take. */
  readonly loadMs?: number
  /** Default true; a long run has more evidence than one file is good for. */
  readonly evidenceFile?: boolean
  /** Looks on while there is load. */
  observe?(system: System): Disposable
  /** A rule that these services break from their start on; every other one keeps it. */
  readonly sabotage?: { readonly rule: string; readonly services: ReadonlySet<string> }
  /** What carries the events, where that isn't the embedded broker; whoever gives it ends it. */
  readonly foreign?: ForeignCarrier
  say(line: string): void
}

/** Frames that sockets took are noted within a second (services/notifications/src/taken-frames.ts). */
const notedWithinMs = 2_000

/** One run of the checker: load with faults, then what was seen, from every side. Writes its files to `out`. */
export async function run(options: RunOptions): Promise<Evidence> {
  mkdirSync(options.out, { recursive: true })
  const startedAt = performance.now()
  const say = (text: string) =>
    options.say(`${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(6)} s  ${text}`)
  await using system = await startSystem({
    readyTimeoutMs: 120_000,
    topology: sabotaged(options.sabotage),
    ...(options.foreign ? { engines: options.foreign.engines } : {}),
  })
  say(`${system.instances().length} processes are ready in ${system.home}`)
  const base = system.url('gateway')
  await using databases = new Databases(system.databaseUrl)
  await using carrying = carrierOf(options, system, say)
  const log = carrying.carrier
  await using mails = new MailTap(system.url('mail-sink'))
  const history = createHistory(join(options.out, 'history.ndjson'))
  const admin = await signInForLong(base, profileOf(options))
  const users = await prepare(base, admin, options, say)
  const initialStock = Object.fromEntries((await databases.stock()).map((row) => [row.productId, row.stocked]))
  await using feeds = new Feeds(base, users)
  const sampler = new Sampler(databases)
  const load = new Load({
    base,
    users,
    admin,
    ordersPerSecond: options.ordersPerSecond,
    ...choose(initialStock),
    history,
    random: options.random.fork(),
    runName: `s${options.seed}`,
  })
  const facts: FaultFact[] = []
  const taps = { system, steered: carrying.steered, databases, log, feeds }
  try {
    await underFaults(options, { ...taps, history }, { users, load, facts, say })
  } finally {
    await load.stop()
    await sampler.stop()
  }
  say(`load stopped: ${JSON.stringify(load.counts)}`)
  const stuck = await comeToRest(options, taps, say)
  keepLogs(system, join(options.out, 'logs'))
  const evidence = await collect({
    options,
    ...taps,
    mails,
    history,
    users,
    admin,
    facts,
    stuck,
    load,
    sampler,
    initialStock,
  })
  await history.close()
  if (options.evidenceFile ?? true) writeFileSync(join(options.out, 'evidence.json'), JSON.stringify(evidence))
  return evidence
}

/** What carries the events, and the system as the nemesis sees it; ended with the run where it is our own. */
function carrierOf({ foreign, seed }: RunOptions, system: System, say: (line: string) => void) {
  const carrier = foreign?.carrier ?? kafkaCarrier(new URL(system.url('broker', 'kafka')).host, `checker-s${seed}`)
  return {
    carrier,
    steered: foreign?.steer(system, say) ?? system,
    async [Symbol.asyncDispose]() {
      if (!foreign) await carrier[Symbol.asyncDispose]()
    },
  }
}

function sabotaged(sabotage: RunOptions['sabotage']): Topology {
  if (!sabotage) return topology
  const broken = (process: TopologyProcess): TopologyProcess => ({
    ...process,
    variables: { ...process.variables, SVYAZ_SABOTAGE: sabotage.rule },
  })
  return {
    ...topology,
    processes: topology.processes.map((process) => (sabotage.services.has(process.name) ? broken(process) : process)),
  }
}

interface Loaded {
  readonly users: readonly Person[]
  readonly load: Load
  readonly facts: FaultFact[]
  readonly say: (text: string) => void
}

/** The load from its first order until the system has had some calm after the last fault. */
async function underFaults(
  options: RunOptions,
  taps: Taps & { history: History },
  { users, load, facts, say }: Loaded,
): Promise<void> {
  const { system } = taps
  using _looking = options.observe?.(system)
  load.start()
  const enough = delay(options.loadMs ?? 0)
  await delay(options.calmMs)
  say(`warm: ${JSON.stringify(load.counts)}`)
  // Among the faults, and nobody whose WebSocket is watched: it closes with the block.
  const blocking = delay(options.calmMs).then(() => {
    for (const user of users.slice(watchedUsers).slice(-2)) load.block(user)
  })
  await applyFaults(options, taps, facts, say)
  await Promise.all([blocking, enough])
  say('healing')
  await setFault(system.url('payment-processor'), { mode: 'ok' })
  // What does not come back is named among what is stuck.
  await system.waitReady(60_000).catch((error: Error) => say(error.message))
  await delay(options.calmMs)
}

interface Taps {
  system: System
  /** As the nemesis sees it. */
  steered: Steered
  databases: Databases
  log: Carrier
  feeds: Feeds
}

const tokenSeconds = 86_400

/** Changes settings of a service while it runs, as an administrator does, in the profile that the services ask for. */
export const configure = (admin: Person, application: string, properties: object, profile = 'embedded') =>
  demand(200, admin.ask('PUT', `/admin/${application}/${profile}`, { body: { properties } }))

const profileOf = ({ foreign }: RunOptions): string => (foreign ? 'engines' : 'embedded')

/** The administrator, after the lifetime of tokens was set so that none ends within a run, however long it is. */
export async function signInForLong(base: string, profile?: string): Promise<Person> {
  await configure(await Person.signIn(base, administrator), 'users', { accessTokenSeconds: tokenSeconds }, profile)
  return until(
    'users to take its new lifetime of tokens',
    async () => {
      const { email, password } = administrator
      const { status, body } = await ask<Tokens>('POST', `${base}/auth/login`, { body: { email, password } })
      return status === 200 && body.expiresIn === tokenSeconds && new Person(base, administrator, body)
    },
    { timeoutMs: 30_000 },
  )
}

async function prepare(
  base: string,
  admin: Person,
  options: RunOptions,
  say: (text: string) => void,
): Promise<Person[]> {
  const profile = profileOf(options)
  const limits = { userRequestsPerMinute: 1_000_000, addressRequestsPerSecond: 100_000 }
  await configure(admin, 'gateway', limits, profile)
  // Parcels take their time, so that a modest rate has enough orders under way for a kill to meet some.
  await configure(admin, 'delivery', { shipAfterMs: 2_000, deliverAfterMs: 2_500 }, profile)
  const users: Person[] = []
  for (let index = 1; index <= options.users; index++) users.push(await Person.register(base, `user-${index}`))
  say(`${users.length} users are registered`)
  return users
}

/** Plentiful products for the load, and the few pieces that two will want at once. */
function choose(stock: Readonly<Record<string, number>>): { products: string[]; scarceProducts: string[] } {
  const byStock = Object.entries(stock).sort(([, a], [, b]) => b - a)
  const names = byStock.map(([name]) => name)
  return { products: names.slice(0, 40), scarceProducts: names.slice(-2) }
}

async function applyFaults(
  options: RunOptions,
  { steered, databases, log, history, feeds }: Taps & { history: History },
  facts: FaultFact[],
  say: (text: string) => void,
): Promise<void> {
  const startedAt = performance.now()
  const injectOne = async (fault: Fault): Promise<void> => {
    const fact = await inject(fault, {
      system: steered,
      history,
      inFlightMin: options.inFlightMin,
      ordersInFlight: () => databases.ordersInFlight(),
      holdsLease: async (instance) =>
        (
          await databases.rows(
            'payments',
            `SELECT 1 FROM payments WHERE worker = $1 AND method = 'pm_slow' AND lease_until > now() + interval '8 seconds' LIMIT 1`,
            [instance],
          )
        ).length > 0,
      poison: (topic, type, id) =>
        log.write({
          topic,
          type,
          id: `${id}-${options.seed}`,
          key: '00000000-0000-4000-8000-000000000000',
          source: '/checker',
          data: { this: 'breaks its contract' },
        }),
    })
    facts.push(fact)
    const back = fact.recoveryMs === undefined ? '' : `, back after ${fact.recoveryMs} ms`
    say(
      `${fact.fired ? 'fault' : 'NOT FIRED'}: ${fact.name} of ${fact.target}, ${fact.ordersInFlight} in flight${back}${fact.note ? ` (${fact.note})` : ''}`,
    )
    feeds.cutOne(options.random.number())
  }
  const injected: Promise<void>[] = []
  for (const fault of options.faults) {
    if (performance.now() - startedAt > (options.faultsForMs ?? Number.POSITIVE_INFINITY)) break
    injected.push(injectOne(fault))
    if (!options.overlapping) await injected.at(-1)
    await delay(options.pauseMs)
  }
  await Promise.all(injected)
}

/** Waits until nothing is left to be done, for as long as anything moves; returns what still waits when nothing does. */
async function comeToRest(
  { quiesceMs, standstillMs }: RunOptions,
  { system, databases, log, feeds }: Taps,
  say: (text: string) => void,
): Promise<string[]> {
  const startedAt = performance.now()
  let left: string[] = ['nothing could be read']
  let moved = { what: '', at: startedAt }
  let quietSince: number | undefined
  /** Undefined: not at rest yet. */
  const look = async (): Promise<'quiet' | undefined> => {
    left = await databases.unfinished()
    const behind = (await log.commits()).filter(({ committed, end }) => Math.max(committed, 0) < end)
    left.push(
      ...behind.map(
        ({ group, topic, partition, committed, end }) =>
          `${group} is at ${committed} of ${end} in ${topic}/${partition}`,
      ),
    )
    if (left.length > 0) return undefined
    // Handling the last record may have made new work.
    left = [...(await databases.unfinished()), ...(await feeds.behind(databases))]
    if (left.length > 0) return undefined
    quietSince ??= performance.now()
    return performance.now() - quietSince > notedWithinMs ? 'quiet' : undefined
  }
  const ended = await within(
    async () => {
      const quiet = await look()
      if (quiet) return quiet
      if (left.length > 0) quietSince = undefined
      const what = left.toSorted().join('\n')
      if (what !== moved.what) moved = { what, at: performance.now() }
      return performance.now() - moved.at > standstillMs ? 'stuck' : undefined
    },
    quiesceMs,
    500,
  )
  const quiet = ended === 'quiet'
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  if (quiet) {
    say(`at rest after ${seconds} s`)
    return []
  }
  say(`NOT at rest after ${seconds} s: ${left.length} things wait`)
  const told = await Promise.all(
    left.slice(0, 20).map(async (text) => {
      const orderId = /(?:order|payment of|reservation of) ([0-9a-f-]{36})/.exec(text)?.[1]
      return orderId === undefined ? text : `${text}\n${await databases.storyOf(orderId).catch(String)}`
    }),
  )
  const dead = system.instances().filter((instance) => instance.status !== 'ready')
  return [
    ...told,
    ...left.slice(20),
    ...dead.map(({ name, status }) => `${name} is ${status}: ${system.logs(name, 3).join(' | ')}`),
  ]
}

interface Collected extends Taps {
  mails: MailTap
  options: RunOptions
  history: History
  users: readonly Person[]
  admin: Person
  facts: readonly FaultFact[]
  stuck: readonly string[]
  load: Load
  sampler: Sampler
  initialStock: Readonly<Record<string, number>>
}

async function collect(run: Collected): Promise<Evidence> {
  const { options, system, databases, log, mails, history, feeds, facts, stuck, load, sampler } = run
  await readWhole(log)
  // A second reading from offset 0 shows whether any place changed its value.
  await log.readAgain()
  // In this order, for a run that did not come to rest is judged too: what is committed now is a lower bound of what
  // the inboxes hold a moment later, and a frame that a socket has now is in the feed a moment later.
  const commits = await log.commits()
  const seen = feeds.seen()
  const state = await databases.endState()
  const mailsReceived = await mails.read()
  const unread = await readWhole(log)
  const records = log.records.flatMap(logRecords)
  const ledger = await readLedger(system.url('payment-processor'))
  const recordIds = records
    .filter((record) => !record.topic.endsWith('.dlq'))
    .map((record) => `${record.topic} ${record.eventId}`)
  return {
    seed: options.seed,
    history: history.entries,
    faults: facts,
    stuck,
    snapshot: snapshotOf(run, { state, records, seen, mailsReceived, ledger }),
    stockDuringRun: sampler.stock,
    log: records,
    changedPlaces: log.changedPlaces,
    unread,
    outbox: state.outbox,
    inbox: state.inbox,
    orders: state.orderRecords,
    commits,
    frames: state.frames,
    mailEventIds: state.mails.map((mail) => mail.eventId),
    poison: options.faults
      .slice(0, facts.length)
      .flatMap((fault) => (fault.kind === 'poison' ? [`${fault.id}-${options.seed}`] : [])),
    load: load.fact,
    counters: {
      ...countLogs(system),
      mailsTwice: mailsReceived.length - new Set(mailsReceived).size,
      idempotentReplays: load.counts.replayed,
      recordsTwice: recordIds.length - new Set(recordIds).size,
    },
  }
}

interface Seen {
  readonly state: EndState
  readonly records: readonly LogRecord[]
  readonly seen: ReturnType<Feeds['seen']>
  readonly mailsReceived: readonly string[]
  readonly ledger: readonly LedgerFact[]
}

/** The end state, as it is judged. Pure. */
function snapshotOf({ history, users, admin, initialStock, stuck }: Collected, found: Seen): Snapshot {
  const { state, records, seen, mailsReceived, ledger } = found
  const userIds = new Map([...users, admin].map((user) => [user.name, user.id]))
  const events = records.filter((record) => record.topic === 'orders.events' && record.data?.orderId !== undefined)
  const { orders, payments, stock, reservations, mails, lastCursors } = state
  return {
    attempts: attemptsOf(history.entries, userIds),
    orders,
    events: events.map(({ partition, offset, eventId, type, data: { orderId, version, status } }) => ({
      partition,
      offset,
      eventId,
      type,
      orderId,
      version,
      status,
    })),
    payments,
    ledger,
    stock,
    reservations,
    initialStock,
    restocks: restocksOf(history.entries),
    mails,
    mailsReceived,
    // A run that did not come to rest has frames on their way: what came is then all that was due.
    feeds: seen.map((feed) => ({
      ...feed,
      last: stuck.length > 0 ? (feed.cursors.at(-1) ?? 0) : (lastCursors.get(feed.userId) ?? 0),
    })),
  }
}

/** Waits until the log is read to its end, for as long as the reading goes on; returns what it did not get. */
async function readWhole(log: Carrier): Promise<string[]> {
  let unread = ['nothing could be read']
  let moved = { what: '', at: performance.now() }
  await within(
    async () => {
      unread = await log.unread()
      const what = unread.join('\n')
      if (what !== moved.what) moved = { what, at: performance.now() }
      return unread.length === 0 || performance.now() - moved.at > readingStillMs
    },
    readingMs,
    300,
  )
  return unread
}

const readingStillMs = 20_000
const readingMs = 600_000
