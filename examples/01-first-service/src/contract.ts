/** What reviews says: two routes and a topic. What it hears is in the contracts of orders. */
import { id, pageQuery, productId, time } from '@svyaz/contracts/primitives.ts'
import { route, topic } from '@svyaz/contracts/vocabulary.ts'
import { z } from 'zod'

const review = z.strictObject({ userId: id, productId, stars: z.int().min(1).max(5), text: z.string(), at: time })

export const writeReview = route({
  id: 'writeReview',
  service: 'reviews',
  method: 'POST',
  path: '/reviews',
  summary: 'Review a product out of a completed order; a second review replaces the first',
  access: { user: true },
  body: review.pick({ productId: true, stars: true, text: true }),
  status: 201,
  reply: review,
  errors: ['invalid_json', 'invalid_request', 'unauthenticated', 'forbidden'],
})

export const listReviews = route({
  id: 'listReviews',
  service: 'reviews',
  method: 'GET',
  path: '/reviews',
  summary: 'Reviews of a product, newest first; `orders` says how often the author bought it',
  access: { anonymous: true },
  query: z.strictObject({ productId, limit: pageQuery.limit }),
  status: 200,
  reply: z.array(review.extend({ orders: z.int() })),
  errors: ['invalid_request'],
})

export const reviewsEvents = topic({
  name: 'reviews.events',
  summary: 'What users say about products',
  writer: 'reviews',
  readers: [],
  key: 'product id',
  partitions: 6,
  kind: 'event',
  events: { 'review.written': review },
})
