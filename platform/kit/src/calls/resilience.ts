/**
 * How calls to other services fail: one policy table, and per dependency a breaker, a retry budget and the retry loop.
 * The only layer that retries (reliability rule 11); the decisions are in breaker.ts.
 *
 * Read in this order: resilience.ts, breaker.ts (its decisions), deadline.ts; where the other end is:
 * discovery-client.ts, watched-service.ts (how one is followed), known-instances.ts (what is believed), kept-addresses.ts
 * (the copy on disk), signed-registration.ts and trusted-instances.ts (whom), balancer.ts (who gets a call),
 * own-registration.ts (ourselves), consul-http.ts (the wire); registrations.ts (whom, for who looks from outside); kept-http.ts
 * (to the world outside).
 */
import type { ErrorCode } from '@svyaz/contracts/errors.ts'
import type { FailureOptions } from '../api.ts'
import type { Core } from '../core.ts'
import { Failure } from '../failure.ts'
import type { BalancerPolicy } from './balancer.ts'
import {
  admitCall,
  afterCall,
  type BreakerPolicy,
  type BreakerState,
  type BudgetPolicy,
  closedBreaker,
  earnRetry,
  fullJitterMs,
  type Outcome,
  spendRetry,
} from './breaker.ts'

export interface CallPolicy {
  timeoutMs: number
  attemptsMax: number
  retryBaseMs: number
  retryDelayMsMax: number
  budget: BudgetPolicy
  breaker: BreakerPolicy
  balancer: BalancerPolicy
  connectionsMax: number
  connectTimeoutMs: number
  keepAliveMs: number
  replyBytesMax: number
}

/** Every number of outgoing calls, in one place. */
export const callPolicy: CallPolicy = {
  /** When the caller names none. */
  timeoutMs: 2_000,
  /** The first try included. */
  attemptsMax: 3,
  retryBaseMs: 50,
  retryDelayMsMax: 1_000,
  budget: { perCall: 0.1, savedMax: 10 },
  breaker: {
    callsJudgedMax: 20,
    callsJudgedMin: 10,
    failedRatioMax: 0.5,
    openMs: 250,
    // Calls go through several services, and the breaker of each waits for the one behind it: with 15 s an instance
    // that was back after 3 s was found up to half a minute later. One probe in two seconds is no load to speak of.
    openMsMax: 2_000,
    probesAtOnce: 1,
    probesNeeded: 2,
  },
  balancer: { failuresToEject: 3, ejectMs: 1_000, ejectMsMax: 30_000 },
  /** Per instance. */
  connectionsMax: 32,
  connectTimeoutMs: 1_000,
  keepAliveMs: 30_000,
  replyBytesMax: 16 * 1024 * 1024,
}

/** Codes that blame the dependency: they count for its breaker, and the same call may do better elsewhere. */
const outages: ReadonlySet<ErrorCode> = new Set(['unavailable', 'bad_gateway', 'internal', 'deadline_exceeded'])
/** Whether an error says that the other side is away or broken, rather than that it refused. Breakers count these. */
export const isOutage = (error: unknown): boolean => !(error instanceof Failure) || outages.has(error.code)

/** No byte of the request was taken: repeating is safe for every call. */
export class Unreached extends Failure {
  /** False when nobody was there to be tried: no fault of the dependency's instances. */
  readonly tried: boolean
  constructor(detail: string, options: FailureOptions & { tried: boolean }) {
    super('unavailable', detail, options)
    this.tried = options.tried
  }
}

export interface CallPlan {
  /** Safe to repeat: by its method, or because it carries an Idempotency-Key. */
  repeatable: boolean
  /** Monotonic ms. */
  deadlineAt: number | undefined
  signal?: AbortSignal
}

export interface Dependency {
  /** Runs `attempt` behind the breaker, again where the plan, the budget and the deadline allow. Throws Failure. */
  run<T>(plan: CallPlan, attempt: (attemptNumber: number) => Promise<T>): Promise<T>
  /** For what is not repeated (streams): a permission; say once how it went. Throws Failure when the breaker is open. */
  permit(): (outcome: Outcome) => void
}

const stateNumber = { closed: 0, 'half-open': 1, open: 2 } as const

type DependencyCore = Pick<Core, 'clock' | 'log' | 'metrics' | 'random'>

/** One per (protocol, service); `name` labels its metrics and log lines. */
export const createDependency = (core: DependencyCore, name: string, policy: CallPolicy = callPolicy): Dependency =>
  new CalledService(core, name, policy)

class CalledService implements Dependency {
  readonly #core: DependencyCore
  readonly #name: string
  readonly #policy: CallPolicy
  readonly #metrics
  #state: BreakerState = closedBreaker
  #saved: number

  constructor(core: DependencyCore, name: string, policy: CallPolicy) {
    this.#core = core
    this.#name = name
    this.#policy = policy
    this.#saved = policy.budget.savedMax
    const { metrics } = core
    this.#metrics = {
      state: metrics.gauge('breaker_state', '0 closed, 1 half-open, 2 open', ['dependency']),
      turns: metrics.counter('breaker_transitions_total', 'Times a breaker changed', ['dependency', 'to']),
      retries: metrics.counter('call_retries_total', 'Calls that were repeated', ['dependency']),
      starved: metrics.counter('call_retries_refused_total', 'Retries the budget refused', ['dependency']),
    }
    this.#metrics.state.set(0, { dependency: name })
  }

  permit(): (outcome: Outcome) => void {
    const { breaker } = this.#policy
    const asked = admitCall(this.#state, this.#core.clock.monotonic(), breaker)
    this.#enter(asked.state)
    const { admission } = asked
    if (admission === 'refused')
      throw new Failure('unavailable', `${this.#name} has been failing; it is left alone for a moment`, {
        retryAfterSeconds: Math.ceil(breaker.openMs / 1000),
      })
    let told = false
    return (outcome) => {
      if (told) return
      told = true
      this.#enter(afterCall(this.#state, admission, outcome, this.#core.clock.monotonic(), breaker))
    }
  }

  async run<T>(plan: CallPlan, attempt: (attemptNumber: number) => Promise<T>): Promise<T> {
    this.#saved = earnRetry(this.#saved, this.#policy.budget)
    for (let attemptNumber = 1; ; attemptNumber++) {
      const tell = this.permit()
      try {
        const result = await attempt(attemptNumber)
        tell('ok')
        return result
      } catch (error) {
        tell(outcomeOf(error, plan.signal))
        const delayMs = this.#delayBeforeNext(error, plan, attemptNumber)
        if (delayMs === undefined) throw error
        await this.#core.clock.delay(delayMs, plan.signal)
      }
    }
  }

  /** How long to wait before the call is repeated, ms; undefined when it may not be. Spends from the budget. */
  #delayBeforeNext(error: unknown, plan: CallPlan, attemptNumber: number): number | undefined {
    const { clock, random } = this.#core
    if (attemptNumber >= this.#policy.attemptsMax || !mayRepeat(error, plan)) return undefined
    const delayMs = fullJitterMs(attemptNumber, random(), this.#policy)
    if (plan.deadlineAt !== undefined && clock.monotonic() + delayMs >= plan.deadlineAt) return undefined
    const left = spendRetry(this.#saved)
    const labels = { dependency: this.#name }
    if (left === undefined) {
      this.#metrics.starved.inc(labels)
      return undefined
    }
    this.#saved = left
    this.#metrics.retries.inc(labels)
    return delayMs
  }

  #enter(next: BreakerState): void {
    const dependency = this.#name
    if (next.kind !== this.#state.kind) {
      this.#metrics.state.set(stateNumber[next.kind], { dependency })
      this.#metrics.turns.inc({ dependency, to: next.kind })
      this.#core.log[next.kind === 'open' ? 'warn' : 'info']({ dependency, breaker: next.kind }, 'breaker changed')
    }
    this.#state = next
  }
}

const outcomeOf = (error: unknown, signal: AbortSignal | undefined): Outcome => {
  if (signal?.aborted || (error instanceof Unreached && !error.tried)) return 'ignored'
  return isOutage(error) ? 'failed' : 'ok'
}

const mayRepeat = (error: unknown, plan: CallPlan): boolean =>
  plan.signal?.aborted !== true &&
  error instanceof Failure &&
  (error instanceof Unreached || (plan.repeatable && isOutage(error) && error.code !== 'deadline_exceeded'))
