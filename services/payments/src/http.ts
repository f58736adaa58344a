import { listPayments } from '@svyaz/contracts/http/payments.ts'
import { Failure, type HttpHandler, handle } from '@svyaz/kit'
import { type PaymentsContext, paymentByOrder, viewOf } from './storage.ts'

export const httpEdge = (context: PaymentsContext): HttpHandler[] => [
  handle(listPayments, async ({ query, caller }) => {
    if (caller.kind !== 'user') throw new Failure('unauthenticated', 'sign in first')
    const row = await paymentByOrder(context, query.orderId)
    const visible = row && (row.user_id === caller.userId || caller.roles.some((role) => role !== 'user'))
    return { body: visible ? [viewOf(row)] : [] }
  }),
]
