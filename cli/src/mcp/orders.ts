/** Tools about orders: which there are and where each waits, and the story of one. */
import type { Story } from '@svyaz/contracts/http/order-story.ts'
import { isFinal, orderStatuses } from '@svyaz/contracts/http/order-terms.ts'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import { z } from 'zod'
import { openSession } from '../admin-session.ts'
import { foldOrders, type OrderEvent } from './fold-orders.ts'
import { runCommand } from './run-command.ts'
import { type Place, tool } from './tool.ts'

/** Of each partition: a thousand orders and more. */
const eventsMax = 5_000

/**
 * An order, what happened to it, and what remains, as an administrator sees it.
 * @throws CliError where there is no such order
 */
export async function storyOf(id: string, { config }: Place) {
  const session = await openSession({ config, flags: {} })
  const path = `/orders/${encodeURIComponent(id)}`
  const [order, story] = await Promise.all([session.get<OrderView>(path), session.get<Story>(`${path}/story`)])
  return { order, remaining: story.remaining, steps: story.steps }
}

/** All of them only look. */
export const orderTools = [
  tool({
    name: 'orders',
    title: 'Orders and where each waits',
    description:
      'The orders of the newest events: first those that are not finished (their saga runs), longest waiting first; then finished ones, newest first. Use it to find stuck orders or an id; then `order_story`.',
    input: z.strictObject({
      status: z.enum(orderStatuses).optional(),
      unfinished: z.boolean().optional().describe('true: only those that still wait for something'),
      waiting_s: z.number().min(0).optional().describe('only those that have waited at least this many seconds'),
      user: z.string().max(100).optional().describe('the id of a user'),
      limit: z.int().min(1).max(200).default(30),
    }),
    run: async ({ status, unfinished, waiting_s: waitingS, user, limit }, place) => {
      const { topics } = await import('../topics.ts')
      const { values } = await runCommand(topics, place, ['orders.events'], { lines: String(eventsMax) })
      const all = foldOrders(values as OrderEvent[], Date.now())
      const found = all.filter(
        (order) =>
          (status === undefined || order.status === status) &&
          (!unfinished || !isFinal(order.status)) &&
          (waitingS === undefined || (order.waitingS ?? -1) >= waitingS) &&
          (user === undefined || order.userId === user),
      )
      const counts = Object.fromEntries(
        orderStatuses.map((one) => [one, all.filter((order) => order.status === one).length]),
      )
      return {
        lookedAt: { events: values.length, orders: all.length },
        counts,
        found: found.length,
        orders: found.slice(0, limit),
      }
    },
  }),
  tool({
    name: 'order_story',
    title: 'The story of an order',
    description:
      'What happened to an order, hop by hop with service, protocol, event and trace, and what remains and why it waits. The first thing to ask when somebody wonders about an order; `trace` with a traceId of it shows the calls, `logs` with it the lines.',
    hint: '`orders` lists those of the newest events.',
    input: z.strictObject({ order_id: z.string().min(1).max(100) }),
    run: ({ order_id: id }, place) => storyOf(id, place),
  }),
]
