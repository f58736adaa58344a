import { z } from 'zod'
import { limits, pageQuery, wholeNumber } from '../primitives.ts'
import { notificationFrame } from '../socket/notifications.ts'
import { route } from '../vocabulary.ts'

export const listNotifications = route({
  id: 'listNotifications',
  service: 'notifications',
  method: 'GET',
  path: '/notifications',
  summary: "The caller's notifications, oldest first; `cursor` is the last one seen",
  access: { user: true },
  query: z.strictObject({ ...pageQuery, cursor: wholeNumber(0, 2 ** 31 - 1).default(0) }),
  status: 200,
  reply: z.array(notificationFrame).max(limits.pageItemsMax),
  errors: ['invalid_request', 'unauthenticated'],
  pages: true,
})

export const notificationsRoutes = [listNotifications] as const
