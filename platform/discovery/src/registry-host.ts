/** Runs the pure registry: gives it events and time, carries out its effects, wakes who waits for an index. */
import type { Clock } from './clock.ts'
import type { Limits } from './limits.ts'
import type { Log } from './log.ts'
import { nextDeadlineMs, step } from './registry.ts'
import type { Effect, Event } from './registry-event.ts'
import type { Reply } from './reply.ts'
import type { CheckRow, Row, State } from './state.ts'

/** Time is looked at no more rarely than this, so that a pause of the whole process is noticed. */
const heartbeatMs = 1000

interface ParkedQuery {
  readonly indexOf: (state: State) => number
  readonly above: number
  readonly wake: () => void
}

export interface HostPorts {
  readonly clock: Clock
  readonly limits: Limits
  readonly log: Log
  readonly store: (index: number, rows: readonly Row[]) => void
  readonly probe: (check: CheckRow) => void
  readonly stopProbe: (checkId: string) => void
}

export class RegistryHost implements Disposable {
  #state: State
  readonly #ports: HostPorts
  readonly #parked = new Set<ParkedQuery>()
  #cancelTimer: () => void = () => undefined
  #stopped = false

  constructor(restored: State, ports: HostPorts) {
    this.#state = restored
    this.#ports = ports
  }

  get state(): State {
    return this.#state
  }

  get parkedQueries(): number {
    return this.#parked.size
  }

  /** Steps the registry once and carries out the effects. What must be on disk is handed to `store`, not awaited. */
  apply(event: Event): Reply {
    const before = this.#state.index
    const { state, effects, reply } = step(this.#state, event, this.#ports.clock.nowMs(), this.#ports.limits)
    this.#state = state
    for (const effect of effects) this.#carryOut(effect)
    if (state.index !== before) {
      for (const query of [...this.#parked]) if (query.indexOf(state) > query.above) query.wake()
    }
    // A report only moves a deadline away, so the timer that stands is early enough.
    if (event.type !== 'report' && event.type !== 'put key' && event.type !== 'delete keys') this.#arm()
    return reply
  }

  /**
   * Waits until `indexOf(state)` is above `above`, `waitMs` have passed, `signal` aborts or the host stops.
   *
   * @returns false, at once, when too many queries wait already
   */
  async waitFor(
    indexOf: (state: State) => number,
    above: number,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (this.#stopped || signal.aborted) return true
    if (this.#parked.size >= this.#ports.limits.parkedQueriesMax) return false
    const { promise, resolve } = Promise.withResolvers<void>()
    const query: ParkedQuery = { indexOf, above, wake: resolve }
    const cancel = this.#ports.clock.after(waitMs, resolve)
    const aborted = () => resolve()
    signal.addEventListener('abort', aborted, { once: true })
    this.#parked.add(query)
    try {
      await promise
    } finally {
      this.#parked.delete(query)
      signal.removeEventListener('abort', aborted)
      cancel()
    }
    return true
  }

  /** Lets every waiting query answer and stops the clock. */
  [Symbol.dispose](): void {
    this.#stopped = true
    this.#cancelTimer()
    for (const query of [...this.#parked]) query.wake()
  }

  #carryOut(effect: Effect): void {
    const { store, probe, stopProbe, log } = this.#ports
    if (effect.kind === 'store') store(effect.index, effect.rows)
    else if (effect.kind === 'probe') probe(effect.check)
    else if (effect.kind === 'stop probe') stopProbe(effect.checkId)
    else log.info(effect.message, effect.fields)
  }

  #arm(): void {
    this.#cancelTimer()
    if (this.#stopped) return
    const { clock } = this.#ports
    const dueMs = Math.min(nextDeadlineMs(this.#state) ?? Number.POSITIVE_INFINITY, clock.nowMs() + heartbeatMs)
    this.#cancelTimer = clock.after(dueMs - clock.nowMs(), () => this.#timePassed(dueMs))
  }

  #timePassed(dueMs: number): void {
    if (this.#stopped) return
    const lateMs = this.#ports.clock.nowMs() - dueMs
    if (lateMs > this.#ports.limits.stallMs) {
      this.#ports.log.warn('stood still; every time to live is extended by as much', { stalledMs: Math.round(lateMs) })
      this.apply({ type: 'stalled', stalledMs: lateMs })
    }
    this.apply({ type: 'tick' })
  }
}
