import { listDeliveries } from '@svyaz/contracts/http/delivery.ts'
import { isId } from '@svyaz/contracts/primitives.ts'
import { type HttpHandler, handle, isStaff, signedIn } from '@svyaz/kit'
import { type DeliveryContext, databaseNow, viewOf } from './storage.ts'

/** The HTTP operations of this service. */
export const httpEdge = (context: DeliveryContext): HttpHandler[] => [
  handle(listDeliveries, async ({ query, caller }) => {
    const user = signedIn(caller)
    if (!isId(query.orderId)) return { body: [] }
    const row = await context.database.query
      .selectFrom('deliveries')
      .selectAll()
      .select(databaseNow.as('now'))
      .where('order_id', '=', query.orderId)
      .$if(!isStaff(user), (select) => select.where('user_id', '=', user.userId))
      .executeTakeFirst()
    return { body: row ? [viewOf(row)] : [] }
  }),
]
