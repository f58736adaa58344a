/** Registering programs that sign users in by OpenID Connect; what they do then is in its own discovery document. */
import { z } from 'zod'
import { byId, id, limits, lineOfText, text, time } from '../primitives.ts'
import { route } from '../vocabulary.ts'

const clientId = text(limits.labelCharsMax).min(1).meta({ description: 'The client_id' })

/**
 * Compared letter by letter with what a request brings (RFC 9700, 4.1.3). Plain HTTP is for loopback alone, where no
 * code leaves the machine.
 */
const ownUri = z
  .url({ protocol: /^https?$/ })
  .max(limits.sentenceCharsMax)
  .refine(
    (value) => {
      if (!URL.canParse(value)) return false
      const { protocol, hostname, hash, username, password } = new URL(value)
      const loopback = ['127.0.0.1', '[::1]', 'localhost'].includes(hostname)
      return (protocol === 'https:' || loopback) && hash === '' && username === '' && password === ''
    },
    { message: 'https, or http on loopback; no fragment, no user' },
  )

const newClientFields = z.strictObject({
  name: lineOfText(limits.nameCharsMax).meta({ description: 'As users see it when they are asked to agree' }),
  confidential: z
    .boolean()
    .default(true)
    .meta({ description: 'Whether it can keep a secret; one that can’t proves itself by PKCE alone' }),
  redirectUris: z.array(ownUri).max(10).default([]),
  signedOutUris: z.array(ownUri).max(10).default([]),
  ownAccount: z
    .boolean()
    .default(false)
    .meta({ description: 'Whether it may ask for tokens of its own (client credentials); for confidential ones' }),
})
/** One that can't keep a secret has nothing to prove an account of its own by (RFC 6749, 4.4). */
const newClient = newClientFields.meta({
  not: {
    properties: { confidential: { const: false }, ownAccount: { const: true } },
    required: ['confidential', 'ownAccount'],
  },
})
export type NewClient = z.output<typeof newClient>

const client = z.strictObject({
  id: clientId,
  name: z.string().max(limits.nameCharsMax),
  confidential: z.boolean(),
  redirectUris: z.array(z.string().max(limits.sentenceCharsMax)).max(10),
  signedOutUris: z.array(z.string().max(limits.sentenceCharsMax)).max(10),
  userId: id.optional().meta({ description: 'The user that its own tokens speak for: give it roles as to any other' }),
  createdAt: time,
})
export type ClientView = z.output<typeof client>

export const registerClient = route({
  id: 'registerClient',
  service: 'users',
  method: 'POST',
  path: '/clients',
  summary: 'Register a program that signs users in by OpenID Connect; its secret is shown this once',
  access: { user: ['admin'] },
  body: newClient,
  status: 201,
  reply: client.extend({ secret: z.string().max(limits.labelCharsMax).optional() }),
  errors: ['invalid_json', 'invalid_request', 'unauthenticated', 'forbidden', 'conflict'],
})

export const listClients = route({
  id: 'listClients',
  service: 'users',
  method: 'GET',
  path: '/clients',
  summary: 'The programs that were registered',
  access: { user: ['admin'] },
  status: 200,
  reply: z.array(client).max(100),
  errors: ['unauthenticated', 'forbidden'],
})

export const removeClient = route({
  id: 'removeClient',
  service: 'users',
  method: 'DELETE',
  path: '/clients/{id}',
  summary: 'Remove a program; the sessions that it has end',
  access: { user: ['admin'] },
  params: byId,
  status: 204,
  errors: ['invalid_request', 'unauthenticated', 'forbidden', 'not_found'],
})

export const withdrawSigningKeys = route({
  id: 'withdrawSigningKeys',
  service: 'users',
  method: 'POST',
  path: '/signing-keys/withdraw',
  summary: 'Stop trusting every key that has signed ID tokens, and sign with a new one at once',
  access: { user: ['admin'] },
  status: 204,
  errors: ['unauthenticated', 'forbidden'],
})

export const clientsRoutes = [registerClient, listClients, removeClient, withdrawSigningKeys] as const
