import { z } from 'zod'
import { pageQuery } from '../primitives.ts'
import { notificationFrame } from '../socket/notifications.ts'
import { route } from '../vocabulary.ts'

export const listNotifications = route({
  id: 'listNotifications',
  service: 'notifications',
  method: 'GET',
  path: '/notifications',
  summary: "The caller's notifications, oldest first; `cursor` is the last one seen",
  access: { user: true },
  query: z.strictObject({ ...pageQuery, cursor: z.coerce.number().int().min(0).default(0) }),
  status: 200,
  reply: z.array(notificationFrame),
  errors: ['invalid_request', 'unauthenticated'],
  pages: true,
})

export const notificationsRoutes = [listNotifications] as const
