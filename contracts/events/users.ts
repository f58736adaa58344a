import { z } from 'zod'
import { id, storedText, time } from '../primitives.ts'
import { roles, topic } from '../vocabulary.ts'

const about = { userId: id, version: z.int().min(1), at: time }

export const usersEvents = topic({
  name: 'users.events',
  summary: 'What happened to users (publish/subscribe)',
  writer: 'users',
  readers: ['orders', 'payments', 'notifications', 'gateway'],
  broadcastTo: ['gateway'],
  key: 'user id',
  partitions: 6,
  kind: 'event',
  events: {
    'user.registered': z.strictObject({ ...about, email: z.email(), name: storedText }),
    'user.blocked': z.strictObject({ ...about, reason: storedText.optional() }),
    'user.unblocked': z.strictObject(about),
    'user.roles-changed': z.strictObject({ ...about, roles: z.array(z.enum(roles)).max(roles.length) }),
    'user.signed-out': z.strictObject({
      ...about,
      reason: z.enum(['logged-out', 'password-changed', 'token-reused', 'revoked']),
      sessionId: id.optional().meta({ description: 'The session that ended; absent when all of them did' }),
    }),
  },
})
