/** Notifications: tells users what happened, by mail and WebSocket. What is said is in `domain.ts`. */
import { notificationsEvents } from '@svyaz/contracts/events/notifications.ts'
import { defineService } from '@svyaz/kit'
import { environment, settings } from './config.ts'
import { subscriptions } from './events.ts'
import { createFeed } from './feed.ts'
import { feedChannel, heardFeeds } from './feed-channel.ts'
import { httpEdge } from './http.ts'
import { Mailer } from './mailer.ts'
import { migrations } from './migrations.ts'
import type { NotificationsContext, NotificationsSchema } from './storage.ts'
import { Tracking } from './tracking.ts'

export const service = defineService<typeof settings, NotificationsSchema>({
  name: 'notifications',
  settings,
  environment,
  database: { migrations },
  writes: [notificationsEvents],
  async start(context: NotificationsContext) {
    await Promise.all(['users', 'delivery'].map((service) => context.discovery.watch(service)))
    const feed = createFeed(context)
    const mailer = new Mailer(context)
    const tracking = new Tracking(context, feed)
    // By the frame, not by the event: the instance that holds the user's socket is the one that follows the parcel.
    feed.onFrame((frame) => tracking.onFrame(frame))
    const listening = context.database.listen(feedChannel, (payload) => {
      const heard = heardFeeds(context.instance, payload)
      if (heard === 'all') feed.wake()
      else for (const userId of heard) feed.wake(userId)
    })
    return {
      http: httpEdge(context),
      sockets: [feed.handler],
      consumers: subscriptions(context, {
        frames: (rows) => feed.offer(rows),
        wakeMailer: () => mailer.worker.wake(),
      }),
      workers: [...feed.workers, mailer.worker, tracking],
      async close() {
        mailer.close()
        await listening[Symbol.asyncDispose]()
      },
    }
  },
})
