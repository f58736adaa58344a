import { listDeliveries } from '@svyaz/contracts/http/delivery.ts'
import { Failure, type HttpHandler, handle } from '@svyaz/kit'
import { type DeliveryContext, viewOf } from './storage.ts'

export const httpEdge = (context: DeliveryContext): HttpHandler[] => [
  handle(listDeliveries, async ({ query, caller }) => {
    if (caller.kind !== 'user') throw new Failure('unauthenticated', 'sign in first')
    const all = caller.roles.some((role) => role !== 'user')
    const row = await context.database.query
      .selectFrom('deliveries')
      .selectAll()
      .where('order_id', '=', query.orderId)
      .$if(!all, (select) => select.where('user_id', '=', caller.userId))
      .executeTakeFirst()
    return { body: row ? [viewOf(row, context.clock.now())] : [] }
  }),
]
