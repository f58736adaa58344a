/** ProcessPayment: stores the intent as a task does, then waits for the definite result as long as the caller does. */

import { PaymentOutcome, PaymentServiceService } from '@svyaz/contracts/proto/generated/payments.ts'
import { paymentRequests } from '@svyaz/contracts/proto/requests.ts'
import { Failure, type GrpcHandler, serveGrpc, type Wakes } from '@svyaz/kit'
import { limits } from './config.ts'
import { applyWishes, type PaymentsContext, paymentByOrder } from './storage.ts'

/**
 * The gRPC methods of this service, with who may call them.
 * @param wake called when there is work for the worker
 */
export const grpcEdge = (context: PaymentsContext, wake: () => void, settled: Wakes): GrpcHandler =>
  serveGrpc(
    PaymentServiceService,
    { processPayment: ['orders'] },
    {
      async processPayment({ orderId, userId, amount, method }, { deadline, signal }) {
        if (!amount) throw new Failure('invalid_request', 'amount is missing')
        await context.database.transaction(async (tx) => {
          const opening = { orderId, userId, amountMinor: amount.amountMinor, method }
          const traceparent = context.tracer.current()
          await applyWishes(context, tx, [{ opening, type: 'charge', traceparent }])
          tx.afterCommit(wake)
        })
        const waitMs = deadline ? deadline.getTime() - context.clock.now() - limits.answerMarginMs : 0
        const until = context.clock.monotonic() + waitMs
        for (;;) {
          const row = await paymentByOrder(context, orderId)
          switch (row?.status) {
            case 'charged':
              return answer(PaymentOutcome.PAYMENT_OUTCOME_CHARGED, '', row.processor_id ?? '')
            case 'declined':
            case 'voided':
            case 'refunding':
            case 'refunded':
              return answer(PaymentOutcome.PAYMENT_OUTCOME_DECLINED, row.reason ?? row.status, '')
          }
          if (signal.aborted || context.clock.monotonic() >= until) {
            return answer(PaymentOutcome.PAYMENT_OUTCOME_ACCEPTED, 'it will be charged by a worker', '')
          }
          await settled.sleep(orderId, limits.answerEveryMs, signal)
        }
      },
    },
    paymentRequests,
  )

const answer = (outcome: PaymentOutcome, reason: string, processorId: string) => ({ outcome, reason, processorId })
