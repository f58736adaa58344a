/** Reviews: who received a product may say what it is like. */
import { ordersEvents } from '@svyaz/contracts/events/orders.ts'
import { defineService, Failure, handle, subscribe } from '@svyaz/kit'
import { sql } from 'kysely'
import { z } from 'zod'
import { listReviews, reviewsEvents, writeReview } from './contract.ts'
import { migrations } from './migrations.ts'

const settings = z.object({ textCharsMax: z.int().min(1).max(10_000).default(1_000) })

interface ReviewRow {
  userId: string
  productId: string
  orders: number
  stars: number
  text: string
  at: Date
}

export const service = defineService({
  name: 'reviews',
  settings,
  database: { migrations },
  writes: [reviewsEvents],
  start: ({ database, outbox, clock, settings }) => ({
    http: [
      handle(writeReview, async ({ body: { productId, stars, text }, caller }) => {
        if (caller.kind !== 'user') throw new Failure('unauthenticated', 'sign in first')
        const { textCharsMax } = settings.current()
        if (text.length > textCharsMax) {
          throw new Failure('invalid_request', `a review has at most ${textCharsMax} characters`)
        }
        const review = { userId: caller.userId, productId, stars, text, at: clock.iso() }
        await database.transaction(async (tx) => {
          // The update locks the row before the event is added, so the events of a review keep the order of its changes.
          const { numAffectedRows } = await sql`
            UPDATE reviews SET stars = ${stars}, text = ${text}, at = ${review.at}
            WHERE user_id = ${review.userId} AND product_id = ${productId}`.execute(tx)
          if (numAffectedRows === 0n) throw new Failure('forbidden', 'only who received a product may review it')
          await outbox.add(tx, { topic: reviewsEvents, type: 'review.written', key: productId, data: review })
        })
        return { body: review }
      }),

      handle(listReviews, async ({ query: { productId, limit } }) => {
        const { rows } = await sql<ReviewRow>`
          SELECT user_id AS "userId", product_id AS "productId", orders, stars, text, at FROM reviews
          WHERE product_id = ${productId} AND at IS NOT NULL ORDER BY at DESC LIMIT ${limit}`.execute(database.query)
        return { body: rows.map((row) => ({ ...row, at: row.at.toISOString() })) }
      }),
    ],
    consumers: [
      subscribe({
        topic: ordersEvents,
        group: 'reviews',
        dedupe: 'inbox',
        on: {
          'order.completed': async ({ data: { userId, items } }, tx) => {
            // Not idempotent by itself: that each event counts once is the inbox's work, in this same transaction.
            const rows = items.map(({ productId }) => sql`(${userId}, ${productId}, 1)`)
            await sql`
              INSERT INTO reviews (user_id, product_id, orders) VALUES ${sql.join(rows)}
              ON CONFLICT (user_id, product_id) DO UPDATE SET orders = reviews.orders + 1`.execute(tx)
          },
        },
      }),
    ],
  }),
})
