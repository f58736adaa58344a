/** The payment worker: leases what is due, asks the processor outside any transaction, records the definite answer. */
import { type PollLoop, pollLoop, together } from '@svyaz/kit'
import { limits } from './config.ts'
import { backOffMs } from './domain.ts'
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

/** @param settled is told the order whose payment has a definite result now */
export const paymentWorker = (
  context: PaymentsContext,
  processor: Processor,
  settled: (orderId: string) => void,
): PollLoop => {
  const handled = context.metrics.counter('svyaz_payment_calls_total', 'Calls to the payment processor', [
    'call',
    'outcome',
  ])
  let inFlight = 0
  /** Results that come while some are being written are written together. */
  const recordResult = together<DefiniteResult, Recorded>(limits.inFlightMax, (results) =>
    recordResults(context, results),
  )

  const work = async (lease: Lease): Promise<void> => {
    context.crashPoint('payments.after-lease')
    try {
      const result = await processor(lease)
      context.crashPoint('payments.after-charge')
      const recorded = await recordResult({ lease, result })
      const held = recorded !== 'lost'
      handled.inc({ call: lease.call, outcome: held ? result.type : 'lease lost' })
      if (recorded === 'due again') loop.wake()
      if (held) {
        context.crashPoint('payments.after-record')
        settled(lease.payment.orderId)
      } else
        context.log.warn(
          { orderId: lease.payment.orderId, fencingToken: lease.fencingToken },
          'the lease was lost: the result is refused',
        )
    } catch (error) {
      const { retryFirstMs, retryMaxMs } = context.settings.current()
      const delayMs = backOffMs(lease.attempts, retryFirstMs, retryMaxMs, context.random())
      handled.inc({ call: lease.call, outcome: 'unclear' })
      context.log.warn(
        {
          orderId: lease.payment.orderId,
          call: lease.call,
          error: String(error),
          cause: String((error as Error).cause),
          delayMs,
        },
        'no definite answer: the call will be repeated under the same key',
      )
      if (await retryLater(context, lease, delayMs)) {
        // It has to know when this one is due.
        loop.wake()
        return
      }
      context.log.warn(
        { orderId: lease.payment.orderId, fencingToken: lease.fencingToken },
        'the lease was lost: whoever has it now repeats the call',
      )
    }
  }

  const loop: PollLoop = pollLoop({
    name: 'payment-worker',
    everyMs: limits.workEveryMs,
    clock: context.clock,
    async once() {
      // Whoever is done wakes a worker that was full.
      if (inFlight >= limits.inFlightMax) return 0
      // One cheap look before a transaction: a worker is woken more often than there is work for it.
      const dueInMs = await nextDueInMs(context)
      if (dueInMs === undefined || dueInMs > 0) return { done: 0, dueInMs }
      const leases = await takeLeases(context, limits.inFlightMax - inFlight)
      for (const lease of leases) {
        inFlight++
        const attributes = { 'order.id': lease.payment.orderId, attempt: lease.attempts }
        void context.tracer
          .span(`${lease.call} payment`, { parent: lease.traceparent, attributes }, () => work(lease))
          // The lease runs out by itself; the payment is taken again then.
          .catch((error: unknown) => context.log.error({ error: String(error) }, 'a payment could not be recorded'))
          .finally(() => {
            // Only a worker that was full has left something where it was.
            if (inFlight-- >= limits.inFlightMax) loop.wake()
          })
      }
      return leases.length
    },
  })
  return loop
}
