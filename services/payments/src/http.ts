import { listPayments } from '@svyaz/contracts/http/payments.ts'
import { type HttpHandler, handle, isStaff, type SignedIn, signedIn } from '@svyaz/kit'
import { type PaymentRow, type PaymentsContext, paymentByOrder, viewOf } from './storage.ts'

/** The HTTP operations of this service. */
export const httpEdge = (context: PaymentsContext): HttpHandler[] => [
  handle(listPayments, async ({ query, caller }) => {
    const user = signedIn(caller)
    const row = await paymentByOrder(context, query.orderId)
    return { body: row && mayRead(user, row) ? [viewOf(row)] : [] }
  }),
]

/** Whether a payment is there for this caller: that of an own order, all of them for support and admin. */
export const mayRead = (user: SignedIn, row: Pick<PaymentRow, 'user_id'>): boolean =>
  row.user_id === user.userId || isStaff(user)
