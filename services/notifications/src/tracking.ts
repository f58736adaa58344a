/**
 * Live positions: one bidirectional stream to delivery for all open WebSockets of this instance. Order ids are added when
 * a parcel ships and dropped when it ends; after a break the stream is opened again and told all of them.
 */
import { DeliveryServiceService, type TrackDeliveriesRequest } from '@svyaz/contracts/proto/generated/delivery.ts'
import type { NotificationFrame } from '@svyaz/contracts/socket/notifications.ts'
import type { Worker } from '@svyaz/kit'
import { limits } from './config.ts'
import type { Feed } from './feed.ts'
import type { NotificationsContext } from './storage.ts'

export interface Tracking extends Worker {
  /** Starts to follow a parcel that ships now. */
  onFrame(frame: NotificationFrame): void
}

const over: ReadonlySet<string> = new Set(['delivered', 'failed', 'cancelled', 'returned'])

/** Follows parcels by one stream to delivery, and pushes positions to the users' sockets. */
export const createTracking = (context: NotificationsContext, feed: Pick<Feed, 'push'>): Tracking => {
  const wanted = new Set<string>()
  let waiting: TrackDeliveriesRequest[] = []
  let wake: (() => void) | undefined
  let ask: (() => void) | undefined

  const tell = (request: TrackDeliveriesRequest) => {
    waiting.push(request)
    wake?.()
    ask?.()
  }

  /** What is to be said on the stream, until `signal` ends it. */
  async function* requests(signal: AbortSignal): AsyncGenerator<TrackDeliveriesRequest> {
    waiting = []
    yield { addOrderIds: [...wanted], dropOrderIds: [] }
    while (!signal.aborted) {
      const next = waiting.shift()
      if (next) yield next
      else {
        await new Promise<void>((resolve) => {
          wake = resolve
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
      }
    }
  }

  const follow = async (signal: AbortSignal): Promise<void> => {
    const ending = new AbortController()
    const end = () => ending.abort()
    signal.addEventListener('abort', end, { once: true })
    try {
      const positions = context
        .grpc('delivery')
        .client(DeliveryServiceService)
        .trackDeliveries(requests(ending.signal), { signal: ending.signal })
      for await (const { orderId, userId, status, progress, place, at } of positions) {
        feed.push(userId, { type: 'position', data: { orderId, progress, place, at } })
        if (over.has(status)) drop(orderId)
      }
    } finally {
      signal.removeEventListener('abort', end)
      end()
    }
  }

  const drop = (orderId: string): void => {
    if (wanted.delete(orderId)) tell({ addOrderIds: [], dropOrderIds: [orderId] })
  }

  return {
    name: 'tracking',
    onFrame({ kind, orderId, at }) {
      const old = context.clock.now() - Date.parse(at) > limits.followShippedWithinMs
      if (kind !== 'order.shipped' || orderId === undefined || old || wanted.has(orderId)) return
      wanted.add(orderId)
      tell({ addOrderIds: [orderId], dropOrderIds: [] })
    },
    async run(signal) {
      while (!signal.aborted) {
        // No stream while nobody waits for a parcel.
        if (wanted.size === 0) {
          await new Promise<void>((resolve) => {
            ask = resolve
            signal.addEventListener('abort', () => resolve(), { once: true })
          })
          continue
        }
        try {
          await follow(signal)
        } catch (error) {
          if (signal.aborted) return
          context.log.info({ reason: String(error) }, 'the tracking stream ended; it is opened again')
        }
        await context.clock.delay(limits.trackRetryMs, signal).catch(() => undefined)
      }
    },
  }
}
