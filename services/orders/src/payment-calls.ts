/**
 * ProcessPayment for orders paid "now", beside the consumers: a call may take seconds, and must not hold up the events of
 * other orders in its partition. Whoever moved the order to `calling` calls at once; the poll finds those whose instance
 * was killed before the answer. Two calls for one order do no harm: the charge is keyed by the order, and the saga takes
 * the first answer.
 */
import { PaymentOutcome, PaymentServiceService } from '@svyaz/contracts/proto/generated/payments.ts'
import { type Context, type PollLoop, pollLoop } from '@svyaz/kit'
import { limits, type Settings } from './config.ts'
import type { Order } from './domain.ts'
import type { Orders } from './orders.ts'
import type { SagaInput } from './saga.ts'
import type { OrderStore } from './storage.ts'

type EdgeContext = Omit<Context<Settings>, 'database'>

export interface PaymentCalls {
  /** Calls for this order now, unless it is being called for or too many are under way: then the poll comes to it. */
  due(order: Order): void
  worker: PollLoop
}

/** Calls ProcessPayment for orders that are to be paid now, also those that a crash left waiting. */
export const createPaymentCalls = (
  context: EdgeContext,
  store: Pick<OrderStore, 'awaitingPaymentCall'>,
  apply: Orders['apply'],
): PaymentCalls => {
  const underWay = new Set<string>()
  let passedOver = false

  const call = async (order: Order): Promise<void> => {
    try {
      context.crashPoint('orders.before-process-payment')
      await apply(order.id, undefined, await processPayment(context, order))
    } catch (error) {
      // The order stays where it is; the poll calls again.
      context.log.warn({ orderId: order.id, error: String(error) }, 'the answer of ProcessPayment could not be stored')
    } finally {
      underWay.delete(order.id)
      if (passedOver) worker.wake()
    }
  }

  const due = (order: Order): void => {
    if (underWay.has(order.id)) return
    passedOver = underWay.size >= limits.paymentCallsAtOnce
    if (passedOver) return
    underWay.add(order.id)
    void call(order)
  }

  const worker = pollLoop({
    name: 'payment-calls',
    everyMs: limits.paymentCallsEveryMs,
    clock: context.clock,
    async once() {
      for (const order of await store.awaitingPaymentCall(limits.paymentCallsAtOnce * 2)) due(order)
      return 0
    },
  })
  return { due, worker }
}

/**
 * A definite refusal is a decline; anything else — away, too slow, or accepted for later — leaves the order unpaid and
 * lets the saga queue the charge under the same key (R4.1).
 */
const processPayment = async (context: EdgeContext, order: Order): Promise<SagaInput> => {
  try {
    const answer = await context
      .grpc('payments')
      .client(PaymentServiceService)
      .processPayment(
        { orderId: order.id, userId: order.userId, amount: order.total, method: order.paymentMethod },
        { timeoutMs: context.settings.current().processPaymentTimeoutMs, retry: true },
      )
    context.crashPoint('orders.after-process-payment')
    if (answer.outcome === PaymentOutcome.PAYMENT_OUTCOME_CHARGED) {
      return { type: 'processPayment.charged', processorId: answer.processorId }
    }
    if (answer.outcome === PaymentOutcome.PAYMENT_OUTCOME_DECLINED) {
      return { type: 'processPayment.declined', reason: answer.reason }
    }
    return { type: 'processPayment.unknown', reason: 'payments will charge later' }
  } catch (error) {
    context.log.warn({ orderId: order.id, error: String(error) }, 'ProcessPayment gave no answer: queueing the charge')
    return { type: 'processPayment.unknown', reason: String(error).slice(0, limits.reasonCharsMax).toWellFormed() }
  }
}
