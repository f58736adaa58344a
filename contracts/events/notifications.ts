import { z } from 'zod'
import { id, storedText, time } from '../primitives.ts'
import { notificationKinds } from '../socket/notifications.ts'
import { topic } from '../vocabulary.ts'

/** Frames of one order, or of a user's other notifications, that one `frames.sent` names. */
export const framesPerEventMax = 100

const about = { userId: id, orderId: id.optional(), kind: z.enum(notificationKinds), at: time }

export const notificationsEvents = topic({
  name: 'notifications.events',
  summary: 'What the user was told, for the story of the order',
  writer: 'notifications',
  readers: ['orders'],
  key: 'order id, or user id where there is none',
  partitions: 6,
  kind: 'event',
  events: {
    'mail.sent': z.strictObject({ ...about, messageId: storedText }),
    'frames.sent': z
      .strictObject({
        userId: id,
        orderId: id.optional(),
        frames: z
          .array(z.strictObject({ kind: z.enum(notificationKinds), cursor: z.int(), at: time }))
          .min(1)
          .max(framesPerEventMax),
      })
      .meta({ description: 'Each frame reached at least one open WebSocket of the user then' }),
    'frame.sent': z
      .strictObject({ ...about, cursor: z.int() })
      .meta({ description: 'The same of one frame, as version 0.1.0 said it. Read, no longer written.' }),
  },
})
