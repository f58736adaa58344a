/** Collects what the checker judges, from every tap. */

import type { Snapshot } from '@svyaz/observe/snapshot.ts'
import type { World } from './world.ts'

/** Reads every tap of the world. @returns what the invariants of the checker judge */
export async function collect(world: World): Promise<Snapshot> {
  const { databases } = world
  const [orders, payments, reservations, restocks, mails, last] = await Promise.all([
    world.storedOrders(),
    databases.payments(),
    databases.reservations(),
    databases.rows<{ productId: string; quantity: number }>(
      'inventory',
      'SELECT product_id AS "productId", quantity FROM restocks',
    ),
    databases.mails(),
    databases.lastCursors(),
  ])
  const events = await world.events.read('orders.events')
  return {
    attempts: [...world.attempts, ...world.people.flatMap((person) => person.attempts)],
    orders: orders.map(({ id, userId, key, document }) => ({
      id,
      userId,
      key,
      status: document.status,
      version: document.version,
      totalMinor: document.total.amountMinor,
      items: document.items,
    })),
    events: events.map(({ partition, offset, id, type, data }) => ({
      partition,
      offset,
      eventId: id,
      type,
      orderId: data.orderId,
      version: data.version,
      status: data.status,
    })),
    payments,
    ledger: await world.ledger(),
    stock: await databases.stock(),
    reservations,
    initialStock: world.initialStock,
    restocks,
    mails,
    mailsReceived: (await world.mails()).map(({ messageId }) => messageId),
    feeds: world.feeds.map((feed) => ({
      userId: feed.user.id,
      after: feed.after,
      cursors: feed.frames.map((frame) => frame.cursor),
      last: last.get(feed.user.id) ?? 0,
    })),
  }
}
