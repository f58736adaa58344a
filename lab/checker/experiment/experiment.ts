/**
 * An experiment on a system that runs already: users of its own order, faults come by plan, everything heals, and the
 * invariants are judged over the experiment's own orders. Nobody's settings are changed.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ExperimentAsked, ExperimentSaid, FaultOutcome, PlannedFault } from '@svyaz/contracts/fault-lab.ts'
import { Databases } from '@svyaz/observe/databases.ts'
import { MailTap, readLedger, setFault } from '@svyaz/observe/ledger.ts'
import { administrator, Person } from '@svyaz/observe/person.ts'
import type { Snapshot } from '@svyaz/observe/snapshot.ts'
import { TopicReader, Topics } from '@svyaz/observe/topics.ts'
import { within } from '@svyaz/observe/until.ts'
import { beginExamination } from '@svyaz/system/supervisor/examination.ts'
import { topology } from '@svyaz/system/topology'
import { attemptsOf } from '../attempts.ts'
import { logRecords } from '../evidence.ts'
import { createHistory, type History } from '../history.ts'
import { Load } from '../load.ts'
import { inject } from '../nemesis.ts'
import { createRandom } from '../random.ts'
import type { Attached } from './attached.ts'
import { faultOf, planOf } from './plan.ts'
import { ownPart, scorecardOf } from './scorecard.ts'
import { Mending } from './sequence.ts'

/** Beyond these the gateway's limit of a hundred requests a minute would be met. */
const usersOfExperiment = 8
const warmMs = 3_000
const readyMs = 60_000
const restMs = 90_000
const standstillMs = 20_000
/** A fault that meets no order says little; a quiet system is broken all the same. */
const inFlightMin = 1

interface Taps extends AsyncDisposable {
  readonly system: Attached
  readonly databases: Databases
  readonly topics: Topics
  readonly log: TopicReader
  readonly mails: MailTap
  readonly history: History
}

/**
 * Carries one out and says how it goes; the last that is said is the scorecard.
 *
 * @param stopping no further fault begins when it aborts; what is broken heals, and what was seen is judged
 * @throws SupervisorError while a proof or another experiment examines the system
 */
export async function experiment(
  asked: ExperimentAsked,
  system: Attached,
  say: (said: ExperimentSaid) => void,
  stopping: AbortSignal,
): Promise<void> {
  const what = { kind: 'experiment', of: String(asked.seed) } as const
  using own = beginExamination(system.home, what, () => new Date().toISOString())
  stopping.addEventListener('abort', () => own.stopping(), { once: true })
  await carryOut(asked, system, say, stopping)
}

async function carryOut(
  asked: ExperimentAsked,
  system: Attached,
  say: (said: ExperimentSaid) => void,
  stopping: AbortSignal,
): Promise<void> {
  const plan = planOf(asked, topology)
  say({ type: 'plan', faults: plan })
  say({ type: 'phase', phase: 'preparing' })
  await using taps = await open(system)
  const base = system.url('gateway')
  const runName = `lab-${asked.seed}-${Date.now()}`
  const admin = await Person.signIn(base, administrator)
  const users: Person[] = []
  for (let number = 1; number <= usersOfExperiment; number++) users.push(await Person.register(base, `lab-${number}`))
  const stock = await taps.databases.stock()
  const names = stock.toSorted((a, b) => b.available - a.available).map(({ productId }) => productId)
  const load = new Load({
    base,
    users,
    admin,
    ordersPerSecond: asked.ordersPerSecond,
    products: names.slice(0, 20),
    scarceProducts: names.slice(-2),
    history: taps.history,
    random: createRandom(asked.seed).fork(),
    runName,
  })
  const outcomes: (FaultOutcome | undefined)[] = plan.map(() => undefined)
  const telling = setInterval(() => say({ type: 'counts', counts: countsOf(load) }), 1_000)
  try {
    load.start()
    say({ type: 'phase', phase: 'warm' })
    await delay(warmMs, undefined, { signal: stopping }).catch(() => undefined)
    say({ type: 'phase', phase: 'faults' })
    const note = (index: number, outcome: FaultOutcome) => {
      outcomes[index] = outcome
      say({ type: 'fault', index, outcome })
    }
    await breakByPlan(plan, taps, { stopping, runName, note })
    say({ type: 'phase', phase: 'healing' })
    await heal(system, plan)
    await load.stop()
  } finally {
    clearInterval(telling)
    await load.stop()
  }
  say({ type: 'counts', counts: countsOf(load) })
  say({ type: 'phase', phase: 'resting' })
  const ids = new Set(users.map(({ id }) => id))
  const rested = await comeToRest(taps.databases, ids)
  say({ type: 'phase', phase: 'judging' })
  const { own, effects } = await collect(taps, ids, new Map(users.map((user) => [user.name, user.id])))
  const rest = rested === undefined ? {} : { restMs: rested }
  say({ type: 'scorecard', scorecard: scorecardOf({ own, effects, counts: countsOf(load), outcomes, ...rest }) })
  say({ type: 'phase', phase: 'over' })
}

/**
 * Whatever its faults may have left paused, stopped or failing is itself again; what somebody else stopped stays so. A
 * fault that is on its way is waited for, and none begins from here on.
 */
export function heal(system: Attached, plan: readonly PlannedFault[]): Promise<void> {
  return system.sequence.mend(() => mend(system, plan))
}

async function mend(system: Attached, plan: readonly PlannedFault[]): Promise<void> {
  const broken = new Set(plan.map(({ target }) => target))
  // What was done to databases ended with the session that did it.
  for (const outside of ['payment-processor', 'mail-sink'])
    await setFault(system.url(outside), { mode: 'ok' }).catch(() => undefined)
  const own = () => system.instances().filter(({ name }) => broken.has(name))
  await within(
    async () => {
      await system.look()
      for (const { name, status } of own()) {
        if (status === 'paused') await system.resume(name).catch(() => undefined)
        if (status === 'stopped') await system.start(name).catch(() => undefined)
      }
      return own().every(({ status }) => status === 'ready')
    },
    readyMs,
    200,
  )
}

async function open(system: Attached): Promise<Taps> {
  const file = join(system.home, 'fault-lab.ndjson')
  rmSync(file, { force: true })
  const databases = new Databases(system.databaseUrl)
  const topics = new Topics([new URL(system.url('broker', 'kafka')).host], 'fault-lab')
  const log = await TopicReader.fromNow(topics)
  const mails = new MailTap(system.url('mail-sink'))
  const history = createHistory(file)
  return {
    system,
    databases,
    topics,
    log,
    mails,
    history,
    async [Symbol.asyncDispose]() {
      await Promise.allSettled([
        history.close(),
        mails[Symbol.asyncDispose](),
        log[Symbol.asyncDispose](),
        databases[Symbol.asyncDispose](),
      ])
    },
  }
}

/** Orders, not answers: who asks twice under one key has one. */
const countsOf = ({ orders, counts: { refused, unanswered } }: Load) => ({ accepted: orders.size, refused, unanswered })

async function breakByPlan(
  plan: readonly PlannedFault[],
  { system, databases, topics, history }: Taps,
  run: {
    readonly stopping: AbortSignal
    readonly runName: string
    readonly note: (index: number, outcome: FaultOutcome) => void
  },
): Promise<void> {
  const startedAt = performance.now()
  const around = {
    system,
    history,
    inFlightMin,
    ordersInFlight: () => databases.ordersInFlight(),
    holdsLease: async () => false,
    begin: <T>(act: () => Promise<T>): Promise<T> =>
      run.stopping.aborted ? Promise.reject(new Mending()) : system.sequence.begin(act),
    stopping: run.stopping,
    poison: (topic: string, type: string, id: string) =>
      topics.write({ topic, type, id, key: '00000000-0000-4000-8000-000000000000', source: '/fault-lab', data: {} }),
  }
  for (const [index, planned] of plan.entries()) {
    const waitMs = Math.max(0, planned.atMs - (performance.now() - startedAt))
    await delay(waitMs, undefined, { signal: run.stopping }).catch(() => undefined)
    if (run.stopping.aborted) return
    run.note(index, { state: 'under way' })
    const fact = await inject(faultOf(planned, `${run.runName}-${index}`), around)
    const { fired, ordersInFlight, recoveryMs, note } = fact
    run.note(index, {
      state: 'over',
      fired,
      ordersInFlight,
      ...(recoveryMs === undefined ? {} : { recoveryMs }),
      ...(note === undefined ? {} : { note }),
    })
  }
}

/** How long it took until none of these users' orders had anything left to be done; undefined when something stands still. */
async function comeToRest(databases: Databases, users: ReadonlySet<string>): Promise<number | undefined> {
  const startedAt = performance.now()
  let moved = { what: '', at: startedAt }
  const ended = await within(
    async () => {
      const own = await databases.rows<{ id: string }>('orders', 'SELECT id FROM orders WHERE user_id = ANY($1)', [
        [...users],
      ])
      const ids = new Set(own.map(({ id }) => id))
      const left = (await databases.unfinished()).filter((text) => {
        const about = /(?:order|payment of|reservation of) ([0-9a-f-]{36})/.exec(text)?.[1]
        return about === undefined || ids.has(about)
      })
      if (left.length === 0) return 'quiet'
      const what = left.toSorted().join()
      if (what !== moved.what) moved = { what, at: performance.now() }
      return performance.now() - moved.at > standstillMs ? 'stuck' : undefined
    },
    restMs,
    500,
  )
  return ended === 'quiet' ? Math.round(performance.now() - startedAt) : undefined
}

/** What is seen of these users' orders, from every side. */
async function collect(taps: Taps, users: ReadonlySet<string>, userIds: ReadonlyMap<string, string>) {
  const { system, databases, log, mails, history } = taps
  await within(async () => (await log.unread()).length === 0, readyMs, 300)
  const state = await databases.endState()
  const ownIds = new Set(state.orders.filter(({ userId }) => users.has(userId)).map(({ id }) => id))
  const records = log.records.flatMap(logRecords).filter(({ data }) => ownIds.has(data?.orderId))
  const events = records.filter(({ topic }) => topic === 'orders.events')
  const whole: Snapshot = {
    attempts: attemptsOf(history.entries, userIds),
    orders: state.orders,
    events: events.map(({ partition, offset, eventId, type, data: { orderId, version, status } }) => ({
      partition,
      offset,
      eventId,
      type,
      orderId,
      version,
      status,
    })),
    payments: state.payments,
    ledger: await readLedger(system.url('payment-processor')),
    stock: state.stock,
    reservations: state.reservations,
    initialStock: {},
    restocks: [],
    mails: state.mails,
    mailsReceived: await mails.read(),
    feeds: [],
  }
  return {
    own: ownPart(whole, users, new Set(records.map(({ eventId }) => eventId))),
    effects: {
      log: records,
      frames: state.frames.filter(({ userId }) => users.has(userId)),
      orders: state.orderRecords.filter(({ orderId }) => ownIds.has(orderId)),
    },
  }
}
