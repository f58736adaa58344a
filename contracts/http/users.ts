import { z } from 'zod'
import { byId, emailAddress, id, limits, lineOfText, text, time } from '../primitives.ts'
import { roles, route } from '../vocabulary.ts'
import { order } from './orders.ts'

export const userStatus = z.enum(['active', 'blocked'])

export const user = z.strictObject({
  id,
  email: z.email().max(limits.emailCharsMax),
  name: z.string().max(limits.nameCharsMax),
  roles: z.array(z.enum(roles)).max(roles.length),
  status: userStatus,
  createdAt: time,
  orders: z
    .array(order)
    .max(limits.pageItemsMax)
    .optional()
    .meta({ description: 'With ?include=orders; absent when orders is away' }),
})
export type User = z.output<typeof user>

/** Of an account that may be older than the rules for new addresses. */
const knownEmail = z.email().max(limits.emailCharsMax)
/** A password that is being set; the commonest, and those made of the user's own address or name, are refused too. */
const newPassword = text(limits.passwordCharsMax).min(limits.passwordCharsMin)
/** A password that is being proven: it may be older than the rules for new ones. */
const knownPassword = text(limits.passwordCharsMax).min(1)

const refreshToken = text(200)

export const tokens = z.strictObject({
  accessToken: z.string().max(limits.tokenCharsMax).meta({ description: 'Opaque; send it as Authorization: Bearer' }),
  refreshToken: refreshToken.meta({ description: 'Good once; each refresh gives a new one' }),
  tokenType: z.literal('Bearer'),
  expiresIn: z
    .int()
    .min(1)
    .max(24 * 60 * 60)
    .meta({ description: 'Seconds' }),
  userId: id,
})
export type Tokens = z.output<typeof tokens>

export const registerUser = route({
  id: 'registerUser',
  service: 'users',
  method: 'POST',
  path: '/users',
  summary: 'Register a user',
  access: { anonymous: true },
  body: z.strictObject({ email: emailAddress, password: newPassword, name: lineOfText(limits.nameCharsMax) }),
  status: 201,
  reply: user,
  errors: ['invalid_json', 'invalid_request', 'weak_password', 'email_taken'],
})

export const login = route({
  id: 'login',
  service: 'users',
  method: 'POST',
  path: '/auth/login',
  summary: 'Exchange e-mail and password for an access and a refresh token',
  access: { anonymous: true },
  body: z.strictObject({ email: knownEmail, password: knownPassword }),
  status: 200,
  reply: tokens,
  errors: ['invalid_json', 'invalid_request', 'invalid_credentials', 'user_blocked', 'too_many_requests'],
})

export const refresh = route({
  id: 'refresh',
  service: 'users',
  method: 'POST',
  path: '/auth/refresh',
  summary: 'Exchange a refresh token for new tokens; at once again, the same ones; used twice later, its session ends',
  access: { anonymous: true },
  body: z.strictObject({ refreshToken }),
  status: 200,
  reply: tokens,
  errors: ['invalid_json', 'invalid_request', 'invalid_credentials', 'user_blocked'],
})

export const logout = route({
  id: 'logout',
  service: 'users',
  method: 'POST',
  path: '/auth/logout',
  summary: 'End the session of a refresh token, or every session of its user; a token that is no good is not an error',
  access: { anonymous: true },
  body: z.strictObject({ refreshToken, everywhere: z.boolean().optional() }),
  status: 204,
  errors: ['invalid_json', 'invalid_request'],
})

export const changePassword = route({
  id: 'changePassword',
  service: 'users',
  method: 'POST',
  path: '/users/me/password',
  summary: 'Change your password; every session of yours ends, this one too',
  access: { user: true },
  body: z.strictObject({ currentPassword: knownPassword, newPassword }),
  status: 204,
  errors: [
    'weak_password',
    'invalid_json',
    'invalid_request',
    'unauthenticated',
    'wrong_password',
    'user_blocked',
    'too_many_requests',
  ],
})

export const getUser = route({
  id: 'getUser',
  service: 'users',
  method: 'GET',
  path: '/users/{id}',
  summary: 'A user; yourself, or anyone for support and admin. `me` stands for the caller',
  access: { user: true, services: ['orders', 'notifications'] },
  params: byId,
  query: z.strictObject({ include: z.literal('orders').optional() }),
  status: 200,
  reply: user,
  errors: ['invalid_request', 'unauthenticated', 'not_found'],
})

export const blockUser = route({
  id: 'blockUser',
  service: 'users',
  method: 'POST',
  path: '/users/{id}/block',
  summary: 'Block a user: no login, open orders are cancelled, payments are refused',
  access: { user: ['admin'] },
  params: byId,
  body: z.strictObject({ reason: text(500).optional() }).optional(),
  status: 200,
  reply: user,
  errors: ['invalid_request', 'unauthenticated', 'forbidden', 'not_found', 'conflict'],
})

export const unblockUser = route({
  id: 'unblockUser',
  service: 'users',
  method: 'POST',
  path: '/users/{id}/unblock',
  summary: 'Unblock a user',
  access: { user: ['admin'] },
  params: byId,
  status: 200,
  reply: user,
  errors: ['invalid_request', 'unauthenticated', 'forbidden', 'not_found'],
})

export const setRoles = route({
  id: 'setRoles',
  service: 'users',
  method: 'PUT',
  path: '/users/{id}/roles',
  summary: 'Give a user these roles and take the others; it holds for tokens that are out already',
  access: { user: ['admin'] },
  params: byId,
  body: z.strictObject({ roles: z.array(z.enum(roles)).max(roles.length) }),
  status: 200,
  reply: user,
  errors: ['invalid_json', 'invalid_request', 'unauthenticated', 'forbidden', 'not_found', 'conflict'],
})

/** RFC 7662. `userId` is the answer of `identities(issuer, subject)`, so the gateway never reads `sub` as ours. */
export const introspectToken = route({
  id: 'introspectToken',
  service: 'users',
  method: 'POST',
  path: '/oauth2/introspect',
  summary: 'Token introspection (RFC 7662), for the gateway',
  access: { services: ['gateway'] },
  body: z.object({
    token: text(limits.tokenCharsMax),
    token_type_hint: text(limits.labelCharsMax).optional(),
  }),
  bodyType: 'form',
  status: 200,
  reply: z.object({
    active: z.boolean(),
    iss: z.string().max(limits.sentenceCharsMax).optional(),
    sub: z.string().max(limits.labelCharsMax).optional(),
    userId: id.optional(),
    sid: id.optional().meta({ description: 'The session that the token belongs to' }),
    roles: z.array(z.enum(roles)).max(roles.length).optional(),
    exp: z.int().min(0).optional(),
    iat: z.int().min(0).optional(),
    expires_in: z
      .int()
      .min(0)
      .optional()
      .meta({ description: 'Seconds until `exp`, so that the caller needs no clock that agrees (not of RFC 7662)' }),
    client_id: z.string().max(limits.labelCharsMax).optional(),
    token_type: z.string().max(limits.labelCharsMax).optional(),
  }),
  errors: ['invalid_request', 'unauthenticated', 'forbidden'],
  internal: true,
})

export const usersRoutes = [
  registerUser,
  login,
  refresh,
  logout,
  changePassword,
  getUser,
  blockUser,
  unblockUser,
  setRoles,
  introspectToken,
] as const
