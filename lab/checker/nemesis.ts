/**
 * The nemesis: faults as data, injected one after another while enough orders are in flight, each proving that it fired.
 * Payment processor and mail server are the outside world: they misbehave, and are never killed.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { within } from '@svyaz/observe/until.ts'
import type { System } from '@svyaz/system/testing'
import { topology } from '@svyaz/system/topology'
import { breakEdge, type EdgeFault } from './edge-faults.ts'
import type { FaultFact } from './evidence.ts'
import type { History } from './history.ts'

export type Fault =
  /** kill −9. */
  | { readonly kind: 'kill'; readonly target: string }
  /** The instance restarts and kills itself when it passes the point for the `pass`-th time. */
  | { readonly kind: 'crash'; readonly target: string; readonly point: string; readonly pass: number }
  /** SIGSTOP, then SIGCONT. With `leased`, not before the worker holds a payment's lease. */
  | { readonly kind: 'pause'; readonly target: string; readonly forMs: number; readonly leased?: true }
  /** SIGTERM, and started again. */
  | { readonly kind: 'restart'; readonly target: string }
  | { readonly kind: 'stop'; readonly target: string; readonly forMs: number }
  /** The service runs in so many instances for a while, then in one again. */
  | { readonly kind: 'scale'; readonly target: string; readonly instances: number; readonly forMs: number }
  | EdgeFault
  | { readonly kind: 'poison'; readonly target: string; readonly type: string; readonly id: string }

/** Every instance of the topology is killed, whatever joins it; the outside world is not ours to kill. */
const killed = topology.processes
  .filter(({ kind }) => kind !== 'outside')
  .flatMap(({ name, instances }) => Array.from({ length: instances }, (_, index) => `${name}-${index + 1}`))

/** Each place between two steps, in a process that passes it. The pass falls into the middle of the traffic. */
const crashes: readonly [point: string, target: string, pass: number][] = [
  ['outbox.after-commit', 'orders-1', 7],
  ['outbox.after-commit', 'inventory-1', 5],
  ['outbox.after-send', 'orders-1', 3],
  ['outbox.after-send', 'inventory-1', 3],
  ['outbox.after-send', 'delivery-1', 3],
  ['consumer.before-handler', 'inventory-1', 9],
  ['consumer.before-handler', 'payments-2', 5],
  ['consumer.after-effect', 'orders-1', 12],
  ['consumer.after-effect', 'notifications-1', 9],
  ['consumer.after-effect', 'payments-1', 5],
  ['payments.after-lease', 'payments-1', 3],
  ['payments.after-charge', 'payments-2', 3],
  ['payments.after-record', 'payments-1', 3],
  ['orders.after-create', 'orders-1', 4],
  ['orders.before-process-payment', 'orders-1', 3],
  ['orders.after-process-payment', 'orders-1', 3],
  ['inventory.after-reserve', 'inventory-1', 4],
  ['delivery.after-ship', 'delivery-1', 3],
  ['notifications.after-mail', 'notifications-1', 3],
  ['notifications.after-frame', 'notifications-1', 8],
]

/** Longer than every lease and session: 10 s payments, 6 s consumer groups. */
const beyondLeaseMs = 13_000

export const faultGroups = {
  kills: killed.map((target): Fault => ({ kind: 'kill', target })),
  crashes: crashes.map(([point, target, pass]): Fault => ({ kind: 'crash', point, target, pass })),
  pauses: [
    { kind: 'pause', target: 'payments-1', forMs: beyondLeaseMs, leased: true },
    { kind: 'pause', target: 'orders-1', forMs: beyondLeaseMs },
  ],
  scales: [
    { kind: 'scale', target: 'orders', instances: 2, forMs: 5_000 },
    { kind: 'scale', target: 'gateway', instances: 2, forMs: 5_000 },
    { kind: 'scale', target: 'notifications', instances: 2, forMs: 5_000 },
  ],
  restarts: [
    { kind: 'restart', target: 'config-1' },
    { kind: 'restart', target: 'discovery-1' },
    { kind: 'stop', target: 'discovery-1', forMs: 5_000 },
    { kind: 'stop', target: 'config-1', forMs: 5_000 },
    { kind: 'restart', target: 'orders-1' },
    { kind: 'restart', target: 'notifications-1' },
  ],
  outages: [
    { kind: 'stop', target: 'broker-1', forMs: 10_000 },
    { kind: 'stop', target: 'payments', forMs: 8_000 },
    { kind: 'stop', target: 'postgres-1', forMs: 5_000 },
  ],
  processor: [
    {
      kind: 'processor',
      target: 'payment-processor',
      fault: { mode: 'error500', probability: 0.7, when: 'after' },
      forMs: 6_000,
    },
    { kind: 'processor', target: 'payment-processor', fault: { mode: 'error500', when: 'before' }, forMs: 6_000 },
    { kind: 'processor', target: 'payment-processor', fault: { mode: 'hang', probability: 0.7 }, forMs: 6_000 },
    { kind: 'processor', target: 'payment-processor', fault: { mode: 'unavailable' }, forMs: 6_000 },
  ],
  poison: [
    { kind: 'poison', target: 'payments.tasks', type: 'payment.charge', id: 'poison-task' },
    { kind: 'poison', target: 'orders.events', type: 'order.paid', id: 'poison-event' },
  ],
} as const satisfies Record<string, readonly Fault[]>

export type FaultGroup = keyof typeof faultGroups

/** A fault as it is written in histories: `crash at outbox.after-send:2`. */
export const nameOf = (fault: Fault): string => {
  switch (fault.kind) {
    case 'crash':
      return `crash at ${fault.point}:${fault.pass}`
    case 'mails':
      return `mails ${fault.fault.mode}`
    case 'processor':
      return `processor ${fault.fault.mode}${fault.fault.when ? ` ${fault.fault.when}` : ''}`
    case 'pause':
      return fault.leased ? 'pause beyond its lease' : 'pause'
    case 'poison':
      return `poison ${fault.type}`
    default:
      return fault.kind
  }
}

/** What is needed of a system to break it. */
export type Steered = Pick<
  System,
  | 'url'
  | 'databaseUrl'
  | 'kill'
  | 'pause'
  | 'resume'
  | 'restart'
  | 'stop'
  | 'start'
  | 'scale'
  | 'startNextWith'
  | 'listen'
> & { instances(): readonly SteeredInstance[] }

/** What is looked at of an instance. */
export type SteeredInstance = Pick<
  ReturnType<System['instances']>[number],
  'name' | 'service' | 'status' | 'pid' | 'lastExit'
>

export interface Surroundings {
  readonly system: Steered
  readonly history: History
  ordersInFlight(): Promise<number>
  /** Whether an instance of payments holds a lease now. */
  holdsLease(instance: string): Promise<boolean>
  poison(topic: string, type: string, id: string): Promise<unknown>
  /** Fewer orders in flight make a fault idle: it is waited for, and the fault counts as not fired without it. */
  readonly inFlightMin: number
  /** What breaks something is done through this, which may refuse it; absent where nobody mends from aside. */
  readonly begin?: <T>(act: () => Promise<T>) => Promise<T>
  /** Faults last no longer once it aborts, and nothing is waited for. */
  readonly stopping?: AbortSignal
}

/** As long as a fault lasts, or until no fault is wanted any more. */
const last = ({ stopping }: Surroundings, ms: number): Promise<void> =>
  delay(ms, undefined, stopping === undefined ? {} : { signal: stopping }).catch(() => undefined)

const inFlightPatienceMs = 30_000
const recoveryPatienceMs = 60_000
const crashPatienceMs = 45_000

/**
 * Tried until it is paused, or no fault is wanted any more. False when its lease was over before the pause began, which is
 * then taken back.
 */
async function pauseHolding(
  { target, leased }: Fault & { kind: 'pause' },
  { system, holdsLease, stopping }: Surroundings,
): Promise<boolean | 'given up'> {
  if (stopping?.aborted) return 'given up'
  if (leased && !(await holdsLease(target))) return false
  await system.pause(target)
  if (!leased || (await holdsLease(target))) return true
  await system.resume(target)
  return false
}

const whyNotPaused = ({ leased }: Fault & { kind: 'pause' }): string =>
  leased ? 'it never held a lease' : 'it could not be paused'

/** Injects one fault and waits until its target is itself again. */
export async function inject(fault: Fault, around: Surroundings): Promise<FaultFact> {
  const { history, inFlightMin } = around
  const name = nameOf(fault)
  const { target } = fault
  let ordersInFlight = 0
  const busy = await within(async () => {
    if (around.stopping?.aborted) return true
    ordersInFlight = await around.ordersInFlight()
    return ordersInFlight >= inFlightMin
  }, inFlightPatienceMs)
  history.write({ process: 'nemesis', type: 'invoke', f: name, key: target, request: { ordersInFlight } })
  const startedAt = performance.now()
  let fact: FaultFact
  try {
    const { fired, recoveryMs, note } = await carryOut(fault, around, startedAt)
    fact = {
      name,
      target,
      ordersInFlight,
      fired: fired && busy === true,
      ...(recoveryMs === undefined ? {} : { recoveryMs: Math.round(recoveryMs) }),
      ...(busy ? (note === undefined ? {} : { note }) : { note: 'there were too few orders in flight' }),
    }
  } catch (error) {
    fact = { name, target, ordersInFlight, fired: false, note: String(error) }
  }
  history.write({ process: 'nemesis', type: fact.fired ? 'ok' : 'info', f: name, key: target, response: fact })
  return fact
}

interface Outcome {
  fired: boolean
  recoveryMs?: number | undefined
  note?: string
}

async function carryOut(fault: Fault, around: Surroundings, startedAt: number): Promise<Outcome> {
  const { system, begin = (act) => act() } = around
  const { target } = fault
  switch (fault.kind) {
    case 'kill': {
      const before = view(system, target).pid
      await begin(() => system.kill(target))
      const recoveryMs = await readyAgain(system, target, before, startedAt)
      return { fired: before !== undefined && view(system, target).pid !== before, recoveryMs }
    }
    case 'crash':
      return crash(fault, system)
    case 'pause': {
      const paused = await begin(() => within(() => pauseHolding(fault, around), inFlightPatienceMs, 20))
      if (paused !== true)
        return { fired: false, note: paused === undefined ? whyNotPaused(fault) : 'it was not begun: faults are over' }
      await last(around, fault.forMs)
      await system.resume(target)
      return { fired: true, recoveryMs: await readyAgain(system, target, undefined, performance.now()) }
    }
    case 'restart': {
      const before = view(system, target).pid
      // It comes back by itself: whoever mends need not wait for it.
      await begin(async () => undefined)
      await system.restart(target)
      const recoveryMs = await readyAgain(system, target, before, startedAt)
      const { signal } = view(system, target).lastExit ?? { signal: null }
      return {
        fired: view(system, target).pid !== before,
        recoveryMs,
        ...(signal === 'SIGKILL' ? { note: 'it did not stop in time and was killed' } : {}),
      }
    }
    case 'stop': {
      await begin(() => system.stop(target))
      await last(around, fault.forMs)
      const again = performance.now()
      await system.start(target)
      return { fired: true, recoveryMs: await readyAgain(system, target, undefined, again) }
    }
    case 'scale': {
      await system.scale(target, fault.instances)
      const isReady = () => view(system, `${target}-${fault.instances}`).status === 'ready'
      const fired = (await within(isReady, recoveryPatienceMs, 20)) === true
      const recoveryMs = performance.now() - startedAt
      await delay(fault.forMs)
      await system.scale(target, 1)
      return { fired, recoveryMs }
    }
    case 'poison':
      await begin(() => around.poison(target, fault.type, fault.id))
      return { fired: true }
    default:
      return breakEdge(fault, system, { begin, last: (ms) => last(around, ms) })
  }
}

/** Restarts the instance with the point armed, and waits for its death by it. */
async function crash(fault: Fault & { kind: 'crash' }, system: Steered): Promise<Outcome> {
  const { target, point, pass } = fault
  const before = view(system, target).pid
  const pids: number[] = []
  const diedOfIt = Promise.withResolvers<number>()
  const unlisten = system.listen((event) => {
    if (event.type !== 'instance' || event.instance.name !== target) return
    const { pid, status, lastExit } = event.instance
    if (pid !== undefined && pid !== before && pids.at(-1) !== pid) pids.push(pid)
    if (status === 'backing-off' && pids.length === 1 && lastExit?.signal === 'SIGKILL')
      diedOfIt.resolve(performance.now())
  })
  try {
    system.startNextWith(target, { SVYAZ_CRASH_POINTS: `${point}:${pass}` })
    await system.restart(target)
    const enough = new AbortController()
    const diedAt = await Promise.race([
      diedOfIt.promise,
      delay(crashPatienceMs, undefined, { signal: enough.signal }).catch(() => undefined),
    ])
    enough.abort()
    if (diedAt === undefined) return { fired: false, note: 'the point was never passed' }
    return { fired: true, recoveryMs: await readyAgain(system, target, pids[0], diedAt) }
  } finally {
    unlisten()
  }
}

const view = (system: Steered, name: string) => {
  const found = system.instances().find((instance) => instance.name === name)
  if (!found) throw new Error(`there is no instance ${name}`)
  return found
}

/** Milliseconds from `since` until every instance of the target is ready under another pid; undefined when it never is. */
async function readyAgain(
  system: Steered,
  target: string,
  notPid: number | undefined,
  since: number,
): Promise<number | undefined> {
  const members = () => system.instances().filter(({ name, service }) => name === target || service === target)
  const ready = await within(
    () => members().every(({ status, pid }) => status === 'ready' && pid !== notPid),
    recoveryPatienceMs,
    20,
  )
  return ready ? performance.now() - since : undefined
}
