/** The payment worker: leases what is due, asks the processor outside any transaction, records the definite answer. */
import { type PollLoop, pollLoop, type Round, together } from '@svyaz/kit'
import { limits } from './config.ts'
import { backOffMs, type Result } from './domain.ts'
import type { Processor } from './processor.ts'
import {
  type DefiniteResult,
  type Lease,
  nextDueInMs,
  type PaymentsContext,
  type Recorded,
  recordResults,
  retryLater,
  takeLeases,
} from './storage.ts'

/** Works off the payments that are due, a limited number at a time. */
export class PaymentWorker {
  readonly loop: PollLoop
  readonly #context: PaymentsContext
  readonly #processor: Processor['ask']
  readonly #settled: (orderId: string) => void
  readonly #handled: ReturnType<PaymentsContext['metrics']['counter']>
  /** Results that come while some are being written are written together. */
  readonly #record: (result: DefiniteResult) => Promise<Recorded>
  #inFlight = 0

  /** @param settled is told the order whose payment has a definite result now */
  constructor(context: PaymentsContext, processor: Processor['ask'], settled: (orderId: string) => void) {
    this.#context = context
    this.#processor = processor
    this.#settled = settled
    this.#handled = context.metrics.counter('svyaz_payment_calls_total', 'Calls to the payment processor', [
      'call',
      'outcome',
    ])
    this.#record = together(limits.inFlightMax, (results) => recordResults(context, results))
    this.loop = pollLoop({
      name: 'payment-worker',
      everyMs: limits.workEveryMs,
      clock: context.clock,
      once: () => this.#takeDue(),
    })
  }

  async #takeDue(): Promise<number | Round> {
    // Whoever is done wakes a worker that was full.
    if (this.#inFlight >= limits.inFlightMax) return 0
    const wanted = limits.inFlightMax - this.#inFlight
    const leases = await takeLeases(this.#context, wanted)
    for (const lease of leases) this.#begin(lease)
    // Fewer than wanted is all that was due.
    if (leases.length === wanted) return leases.length
    return roundAfter(leases.length, await nextDueInMs(this.#context))
  }

  /** Not waited for: the next payments are looked for meanwhile. */
  #begin(lease: Lease): void {
    const { log, tracer } = this.#context
    const attributes = { 'order.id': lease.payment.orderId, attempt: lease.attempts }
    this.#inFlight++
    void tracer
      .span(`${lease.call} payment`, { parent: lease.traceparent, attributes }, () => this.#work(lease))
      // The lease runs out by itself; the payment is taken again then.
      .catch((error: unknown) => log.error({ error: String(error) }, 'a payment could not be recorded'))
      .finally(() => {
        // Only a worker that was full has left something where it was.
        if (this.#inFlight-- >= limits.inFlightMax) this.loop.wake()
      })
  }

  async #work(lease: Lease): Promise<void> {
    this.#context.crashPoint('payments.after-lease')
    try {
      const result = await this.#processor(lease)
      this.#context.crashPoint('payments.after-charge')
      this.#conclude(lease, result, await this.#record({ lease, result }))
    } catch (error) {
      await this.#putOff(lease, error as Error)
    }
  }

  #conclude(lease: Lease, result: Result, recorded: Recorded): void {
    const { call, fencingToken, payment } = lease
    const held = recorded !== 'lost'
    this.#handled.inc({ call, outcome: held ? result.type : 'lease lost' })
    if (recorded === 'due again') this.loop.wake()
    if (held) {
      this.#context.crashPoint('payments.after-record')
      this.#settled(payment.orderId)
    } else
      this.#context.log.warn({ orderId: payment.orderId, fencingToken }, 'the lease was lost: the result is refused')
  }

  /** The processor, or the database behind its answer, gave nothing definite. */
  async #putOff(lease: Lease, error: Error): Promise<void> {
    const { log, random, settings } = this.#context
    const { call, fencingToken } = lease
    const { orderId } = lease.payment
    const { retryFirstMs, retryMaxMs } = settings.current()
    const delayMs = backOffMs(lease.attempts, retryFirstMs, retryMaxMs, random())
    this.#handled.inc({ call, outcome: 'unclear' })
    log.warn(
      { orderId, call, error: String(error), cause: String(error.cause), delayMs },
      'no definite answer: the call will be repeated under the same key',
    )
    // The loop has to know when this one is due.
    if (await retryLater(this.#context, lease, delayMs)) this.loop.wake()
    else log.warn({ orderId, fencingToken }, 'the lease was lost: whoever has it now repeats the call')
  }
}

/**
 * When to look for due payments again. Pure.
 *
 * @param taken how many the last look found
 * @param dueInMs until the next one is due; 0 or less: one is due that the look didn't get; undefined: none is stored
 */
export function roundAfter(taken: number, dueInMs: number | undefined): Round {
  if (dueInMs === undefined || dueInMs > 0) return { done: 0, dueInMs }
  // It became due meanwhile; or its row is held for a moment, by somebody who may give it back.
  return taken > 0 ? { done: taken, dueInMs: 0 } : { done: 0, dueInMs: limits.heldAgainMs }
}
