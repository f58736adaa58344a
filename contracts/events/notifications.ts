import { z } from 'zod'
import { id, storedText, time } from '../primitives.ts'
import { notificationKinds } from '../socket/notifications.ts'
import { topic } from '../vocabulary.ts'

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
    'frame.sent': z
      .strictObject({ ...about, cursor: z.int() })
      .meta({ description: 'The frame reached at least one open WebSocket of the user' }),
  },
})
