/** Tracking: the caller adds and drops order ids on one stream, and gets a position whenever one changed. */

import { isId } from '@svyaz/contracts/primitives.ts'
import { DeliveryServiceService } from '@svyaz/contracts/proto/generated/delivery.ts'
import { deliveryRequests } from '@svyaz/contracts/proto/requests.ts'
import { Failure, type GrpcHandler, serveGrpc } from '@svyaz/kit'
import { limits } from './config.ts'
import { positionOf } from './domain.ts'
import { type DeliveryContext, databaseNow, parcelOf } from './storage.ts'

/** The gRPC methods of this service, with who may call them. */
export const grpcEdge = (context: DeliveryContext): GrpcHandler =>
  serveGrpc(
    DeliveryServiceService,
    { trackDeliveries: ['notifications'] },
    {
      async *trackDeliveries(requests, { signal }) {
        const followed = new Map<string, string>()
        let ended = false
        let refusal: unknown
        const reading = (async () => {
          for await (const { addOrderIds, dropOrderIds } of requests) {
            for (const id of dropOrderIds) followed.delete(id)
            for (const id of addOrderIds) if (isId(id) && !followed.has(id)) followed.set(id, '')
            if (followed.size > limits.trackedPerStreamMax) {
              throw new Failure('invalid_request', `at most ${limits.trackedPerStreamMax} orders a stream`)
            }
          }
        })()
          .catch((error: unknown) => {
            refusal = error
          })
          .finally(() => {
            ended = true
          })
        while (!ended && !signal.aborted) {
          yield* moved(context, followed)
          await context.clock.delay(limits.trackEveryMs, signal).catch(() => undefined)
        }
        await reading
        if (refusal) throw refusal
      },
    },
    deliveryRequests,
  )

/** The followed parcels that are elsewhere than `seen` says, which is brought up to date. */
async function* moved(context: DeliveryContext, seen: Map<string, string>) {
  if (seen.size === 0) return
  const rows = await context.database.query
    .selectFrom('deliveries')
    .selectAll()
    .select(databaseNow.as('now'))
    .where('order_id', 'in', [...seen.keys()])
    .execute()
  for (const row of rows) {
    const position = positionOf(parcelOf(row), row.now.getTime())
    const now = `${row.status} ${position.progress} ${position.place}`
    if (seen.get(row.order_id) === now || !seen.has(row.order_id)) continue
    seen.set(row.order_id, now)
    yield { orderId: row.order_id, userId: row.user_id, status: row.status, ...position, at: context.clock.iso() }
  }
}
