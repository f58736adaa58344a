/** Sagas as an operator sees them: every order's course, where each waits, and what remains. */
import { z } from 'zod'
import { id, limits, pageCursor, pageQuery, time, wholeNumber } from '../primitives.ts'
import { route } from '../vocabulary.ts'
import { orderStatus, remainingCodes, storyCodes } from './order-story.ts'
import { orderStatuses } from './order-terms.ts'

/** Which sagas are asked for: those in one status, or all that are still running, finished, or either. */
export const sagaSelections = ['running', 'finished', 'all', ...orderStatuses] as const
export type SagaSelection = (typeof sagaSelections)[number]

/** Sagas are counted up to here: what is more is "at least". */
export const sagasCountedMax = 1_000

export const saga = z.strictObject({
  orderId: id,
  userId: id,
  status: orderStatus,
  version: z.int().min(1),
  reason: z.string().max(limits.sentenceCharsMax).optional().meta({ description: 'Why it was rejected or cancelled' }),
  createdAt: time,
  updatedAt: time.meta({ description: 'When its status or its items changed last' }),
  last: z
    .strictObject({ at: time, service: z.string().max(100), code: z.enum(storyCodes) })
    .optional()
    .meta({ description: 'The last step that decided something' }),
  remaining: z
    .array(z.strictObject({ service: z.string().max(100), code: z.enum(remainingCodes), waitingSince: time }))
    .max(remainingCodes.length)
    .meta({ description: 'What it waits for, the next step first; empty when it is finished' }),
  traceId: z.string().max(limits.traceIdCharsMax).optional().meta({ description: 'Of its placing' }),
})
export type SagaView = z.output<typeof saga>

export const sagas = z.strictObject({
  totals: z
    .array(z.strictObject({ status: orderStatus, count: z.int().min(0).max(sagasCountedMax) }))
    .max(orderStatuses.length)
    .meta({ description: `How many there are in each status; ${sagasCountedMax} means at least as many` }),
  sagas: z.array(saga).max(limits.pageItemsMax),
})
export type SagasView = z.output<typeof sagas>

const secondsInYear = 31_536_000

export const listSagas = route({
  id: 'listSagas',
  service: 'orders',
  method: 'GET',
  path: '/orders/sagas',
  summary: 'Every order’s saga: where it waits, and what remains (support, admin)',
  access: { user: ['support', 'admin'] },
  query: z.strictObject({
    status: z.enum(sagaSelections).default('running'),
    sort: z.enum(['oldest', 'newest']).default('newest').meta({ description: 'By when the order was placed' }),
    olderThanSeconds: wholeNumber(0, secondsInYear).optional().meta({ description: 'Placed at least this long ago' }),
    ...pageQuery,
    cursor: pageCursor(id),
  }),
  status: 200,
  reply: sagas,
  errors: ['invalid_request', 'unauthenticated', 'forbidden'],
  pages: true,
})
