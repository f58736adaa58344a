/**
 * How calls to other services fail: one policy table, and per dependency a breaker, a retry budget and the retry loop.
 * The only layer that retries (reliability rule 11); the decisions are in breaker.ts.
 *
 * Read in this order: resilience.ts, breaker.ts (its decisions), deadline.ts; where the other end is:
 * discovery-client.ts, known-instances.ts (what is believed), signed-registration.ts and trusted-instances.ts (whom),
 * balancer.ts (who gets a call), own-registration.ts (ourselves), consul-http.ts (the wire).
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

/** One per (protocol, service); `name` labels its metrics and log lines. */
export const createDependency = (
  core: Pick<Core, 'clock' | 'log' | 'metrics' | 'random'>,
  name: string,
  policy: CallPolicy = callPolicy,
): Dependency => {
  let state: BreakerState = closedBreaker
  let saved = policy.budget.savedMax
  const labels = { dependency: name }
  const gauge = core.metrics.gauge('breaker_state', '0 closed, 1 half-open, 2 open', ['dependency'])
  const turns = core.metrics.counter('breaker_transitions_total', 'Times a breaker changed', ['dependency', 'to'])
  const retries = core.metrics.counter('call_retries_total', 'Calls that were repeated', ['dependency'])
  const starved = core.metrics.counter('call_retries_refused_total', 'Retries the budget refused', ['dependency'])
  gauge.set(0, labels)

  const enter = (next: BreakerState) => {
    if (next.kind !== state.kind) {
      gauge.set(stateNumber[next.kind], labels)
      turns.inc({ ...labels, to: next.kind })
      core.log[next.kind === 'open' ? 'warn' : 'info']({ dependency: name, breaker: next.kind }, 'breaker changed')
    }
    state = next
  }

  const permit = (): ((outcome: Outcome) => void) => {
    const asked = admitCall(state, core.clock.monotonic(), policy.breaker)
    enter(asked.state)
    const { admission } = asked
    if (admission === 'refused')
      throw new Failure('unavailable', `${name} has been failing; it is left alone for a moment`, {
        retryAfterSeconds: Math.ceil(policy.breaker.openMs / 1000),
      })
    let told = false
    return (outcome) => {
      if (told) return
      told = true
      enter(afterCall(state, admission, outcome, core.clock.monotonic(), policy.breaker))
    }
  }

  const outcomeOf = (error: unknown, signal: AbortSignal | undefined): Outcome => {
    if (signal?.aborted || (error instanceof Unreached && !error.tried)) return 'ignored'
    return isOutage(error) ? 'failed' : 'ok'
  }

  const mayRepeat = (error: unknown, plan: CallPlan, attemptNumber: number): boolean =>
    attemptNumber < policy.attemptsMax &&
    plan.signal?.aborted !== true &&
    error instanceof Failure &&
    (error instanceof Unreached || (plan.repeatable && isOutage(error) && error.code !== 'deadline_exceeded'))

  return {
    permit,
    async run(plan, attempt) {
      saved = earnRetry(saved, policy.budget)
      for (let attemptNumber = 1; ; attemptNumber++) {
        const tell = permit()
        try {
          const result = await attempt(attemptNumber)
          tell('ok')
          return result
        } catch (error) {
          tell(outcomeOf(error, plan.signal))
          if (!mayRepeat(error, plan, attemptNumber)) throw error
          const delayMs = fullJitterMs(attemptNumber, core.random(), policy)
          if (plan.deadlineAt !== undefined && core.clock.monotonic() + delayMs >= plan.deadlineAt) throw error
          const left = spendRetry(saved)
          if (left === undefined) {
            starved.inc(labels)
            throw error
          }
          saved = left
          retries.inc(labels)
          await core.clock.delay(delayMs, plan.signal)
        }
      }
    },
  }
}
