import { listDeliveries } from '@svyaz/contracts/http/delivery.ts'
import { type HttpHandler, handle, signedIn } from '@svyaz/kit'
import { type DeliveryContext, parcelsFor, viewOf } from './storage.ts'

/** The HTTP operations of this service. */
export const httpEdge = (context: DeliveryContext): HttpHandler[] => [
  handle(listDeliveries, async ({ query, caller }) => {
    const user = signedIn(caller)
    return { body: (await parcelsFor(context, user, [query.orderId])).map(viewOf) }
  }),
]
