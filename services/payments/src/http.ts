import { listPayments } from '@svyaz/contracts/http/payments.ts'
import { type HttpHandler, handle, isStaff, signedIn } from '@svyaz/kit'
import { type PaymentsContext, paymentByOrder, viewOf } from './storage.ts'

/** The HTTP operations of this service. */
export const httpEdge = (context: PaymentsContext): HttpHandler[] => [
  handle(listPayments, async ({ query, caller }) => {
    const user = signedIn(caller)
    const row = await paymentByOrder(context, query.orderId)
    const visible = row && (row.user_id === user.userId || isStaff(user))
    return { body: visible ? [viewOf(row)] : [] }
  }),
]
