/**
 * Live positions: one bidirectional stream to delivery for all open WebSockets of this instance. Order ids are added when
 * a parcel ships and dropped when it ends; after a break the stream is opened again and told all of them.
 */
import { DeliveryServiceService } from '@svyaz/contracts/proto/generated/delivery.ts'
import type { NotificationFrame } from '@svyaz/contracts/socket/notifications.ts'
import type { Worker } from '@svyaz/kit'
import { limits } from './config.ts'
import type { Feed } from './feed.ts'
import type { NotificationsContext } from './storage.ts'
import { Requests } from './tracking-requests.ts'

const over: ReadonlySet<string> = new Set(['delivered', 'failed', 'cancelled', 'returned'])

/** Follows parcels by one stream to delivery, and pushes positions to the users' sockets. */
export class Tracking implements Worker {
  readonly name = 'tracking'
  readonly #context: NotificationsContext
  readonly #feed: Pick<Feed, 'push'>
  readonly #requests = new Requests()

  constructor(context: NotificationsContext, feed: Pick<Feed, 'push'>) {
    this.#context = context
    this.#feed = feed
  }

  /** Starts to follow a parcel that ships now. */
  onFrame({ kind, orderId, at }: NotificationFrame): void {
    const old = this.#context.clock.now() - Date.parse(at) > limits.followShippedWithinMs
    if (kind === 'order.shipped' && orderId !== undefined && !old) this.#requests.add(orderId)
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#context
    while (!signal.aborted) {
      // No stream while nobody waits for a parcel.
      await this.#requests.wanted(signal)
      if (signal.aborted) return
      try {
        await this.#follow(signal)
      } catch (error) {
        if (signal.aborted) return
        log.info({ reason: String(error) }, 'the tracking stream ended; it is opened again')
      }
      await clock.delay(limits.trackRetryMs, signal).catch(() => undefined)
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const ending = new AbortController()
    const end = () => ending.abort()
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    try {
      const positions = this.#context
        .grpc('delivery')
        .client(DeliveryServiceService)
        .trackDeliveries(this.#requests.stream(ending.signal), { signal: ending.signal })
      for await (const { orderId, userId, status, progress, place, at } of positions) {
        this.#feed.push(userId, { type: 'position', data: { orderId, progress, place, at } })
        if (over.has(status)) this.#requests.drop(orderId)
      }
    } finally {
      signal.removeEventListener('abort', end)
      end()
    }
  }
}
