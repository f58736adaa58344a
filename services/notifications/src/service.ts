/** Notifications: tells users what happened, by mail and WebSocket. What is said is in `domain.ts`. */
import { notificationsEvents } from '@svyaz/contracts/events/notifications.ts'
import { defineService } from '@svyaz/kit'
import { environment, settings } from './config.ts'
import { subscriptions } from './events.ts'
import { createFeed, feedChannel } from './feed.ts'
import { httpEdge } from './http.ts'
import { createMailer } from './mailer.ts'
import { migrations } from './migrations.ts'
import type { NotificationsContext, NotificationsSchema } from './storage.ts'
import { createTracking } from './tracking.ts'

export const service = defineService<typeof settings, NotificationsSchema>({
  name: 'notifications',
  settings,
  environment,
  database: { migrations },
  writes: [notificationsEvents],
  async start(context: NotificationsContext) {
    await Promise.all(['users', 'delivery'].map((service) => context.discovery.watch(service)))
    const feed = createFeed(context)
    const mailer = createMailer(context)
    const tracking = createTracking(context, feed)
    // By the frame, not by the event: the instance that holds the user's socket is the one that follows the parcel.
    feed.onFrame(tracking.onFrame)
    const listening = context.database.listen(feedChannel, (userId) => feed.wake(userId))
    return {
      http: httpEdge(context),
      sockets: [feed.handler],
      consumers: subscriptions(context, { wakeFeed: feed.wake, wakeMailer: mailer.wake }),
      workers: [feed.worker, mailer, tracking],
      async close() {
        mailer.close()
        await listening[Symbol.asyncDispose]()
      },
    }
  },
})
