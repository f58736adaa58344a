/**
 * WebSocket `/graphql`: the protocol `graphql-transport-ws` that clients of GraphQL speak
 * (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md). Authentication as for `/notifications/stream`.
 */
import { z } from 'zod'
import { askGraph } from '../http/graphql.ts'
import { limits, text } from '../primitives.ts'

export const graphqlSubprotocol = 'graphql-transport-ws'
export const graphqlSocketPath = '/graphql'

const subscriptionId = text(limits.idCharsMax).min(1)
/** Clients may send more than the protocol says; it is not read. */
const payload = z.record(text(limits.labelCharsMax), z.json()).nullish()

export const graphqlClientMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('connection_init'), payload }),
  z.object({ type: z.literal('ping'), payload }),
  z.object({ type: z.literal('pong'), payload }),
  z.object({ type: z.literal('subscribe'), id: subscriptionId, payload: askGraph.body }),
  z.object({ type: z.literal('complete'), id: subscriptionId }),
])

/** Of the protocol; the gateway's and the kit's own codes come beside them. */
export const graphqlCloseCodes = {
  badRequest: 4400,
  unauthorized: 4401,
  notAcceptable: 4406,
  initTimeout: 4408,
  subscriberExists: 4409,
  tooManyInits: 4429,
} as const
