/** Collects what the checker judges, from every tap. */

import type { Snapshot } from '../checker/snapshot.ts'
import { readTopic } from './topics.ts'
import type { World } from './world.ts'

/** Reads every tap of the world. @returns what the invariants of the checker judge */
export async function collect(world: World): Promise<Snapshot> {
  const [orders, payments, reservations, restocks, mails, feeds] = await Promise.all([
    world.storedOrders(),
    world.rows('payments', 'SELECT order_id AS "orderId", status, amount_minor AS amount FROM payments'),
    world.rows<{ orderId: string; state: string }>(
      'inventory',
      'SELECT order_id AS "orderId", state FROM reservations',
    ),
    world.rows<{ productId: string; quantity: number }>(
      'inventory',
      'SELECT product_id AS "productId", quantity FROM restocks',
    ),
    world.rows('notifications', 'SELECT event_id, status FROM mails'),
    world.rows('notifications', 'SELECT user_id, last_cursor FROM feeds'),
  ])
  const last = new Map(feeds.map((feed) => [feed.user_id as string, Number(feed.last_cursor)]))
  const events = await readTopic(world.broker, 'orders.events')
  return {
    attempts: world.attempts,
    orders: orders.map(({ id, userId, key, document }) => ({
      id,
      userId,
      key,
      status: document.status,
      version: document.version,
      totalMinor: document.total.amountMinor,
      items: document.items,
    })),
    events: events.map(({ partition, offset, headers, data }) => ({
      partition,
      offset,
      eventId: headers.ce_id ?? '',
      type: headers.ce_type ?? '',
      orderId: data.orderId,
      version: data.version,
      status: data.status,
    })),
    payments: payments.map(({ orderId, status, amount }) => ({ orderId, status, amountMinor: Number(amount) })),
    ledger: await world.ledger(),
    stock: await world.stockLevels(),
    reservations,
    initialStock: world.initialStock,
    restocks,
    mails: mails.map((mail) => ({ messageId: `<${mail.event_id}@svyaz.local>`, status: mail.status })),
    mailsReceived: await everyMail(world),
    feeds: world.feeds.map((feed) => ({
      userId: feed.userId,
      after: feed.after,
      cursors: feed.frames.map((frame) => frame.cursor),
      last: last.get(feed.userId) ?? 0,
    })),
  }
}

async function everyMail(world: World): Promise<string[]> {
  const ids: string[] = []
  let before: unknown
  do {
    const answer = await fetch(
      `${world.system.url('mail-sink')}/mails?limit=100${before === undefined ? '' : `&before=${before}`}`,
    )
    const page = (await answer.json()) as { mails: { messageId: string }[]; next?: unknown }
    ids.push(...page.mails.map((mail) => mail.messageId))
    before = page.next
  } while (before !== undefined)
  return ids
}
