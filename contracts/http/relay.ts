import { z } from 'zod'
import { relayLimits, relayMessage } from '../events/relay.ts'
import { time, wholeNumber } from '../primitives.ts'
import { route } from '../vocabulary.ts'

export const relaySessionStatuses = ['running', 'stopping', 'finished', 'interrupted'] as const

const count = z.int().min(0)
const hop = z.strictObject({ p50: z.number(), p99: z.number() }).meta({ description: 'µs' })

/** What one session did. Counts of a running one are of the moment. */
export const relaySession = z.strictObject({
  sessionId: z.int().min(1),
  status: z.enum(relaySessionStatuses),
  startedAt: time,
  endedAt: time.nullable(),
  intervalSeconds: z.number(),
  inFlight: count,
  payloadBytes: count,
  durationSeconds: z.number(),
  generated: count.nullable().meta({ description: 'Null where MC1 was killed: nobody knows' }),
  stored: count,
  unconfirmed: count.nullable().meta({ description: 'Generated and not yet back and stored' }),
  messagesPerSecond: z.number(),
  hops: z
    .strictObject({ mc1ToMc2: hop, mc2ToMc3: hop, mc3ToMc1: hop, total: hop })
    .nullable()
    .meta({ description: 'From stamp to stamp; of a running session over its latest messages' }),
  missing: z
    .strictObject({
      ids: z
        .array(z.tuple([count, count]))
        .max(relayLimits.missingRangesListed)
        .meta({ description: 'Ranges, first and last' }),
      count,
    })
    .nullable()
    .meta({ description: 'Of an interrupted session: ids that may have been made and never came back' }),
})
export type RelaySession = z.output<typeof relaySession>

export const startRelay = route({
  id: 'startRelay',
  service: 'mc1',
  method: 'GET',
  path: '/start/',
  summary: 'Start a session of the relay loop; 409 while one runs',
  access: { anonymous: true },
  status: 200,
  reply: relaySession,
  errors: ['conflict', 'forbidden', 'unavailable'],
  changes: true,
  internal: true,
})

export const stopRelay = route({
  id: 'stopRelay',
  service: 'mc1',
  method: 'GET',
  path: '/stop/',
  summary: 'End the session early; answers when all of its messages are back; 409 when none runs',
  access: { anonymous: true },
  status: 200,
  reply: relaySession,
  errors: ['conflict', 'forbidden'],
  changes: true,
  internal: true,
})

export const returnMessages = route({
  id: 'returnMessages',
  service: 'mc1',
  method: 'POST',
  path: '/messages',
  summary: 'Messages come back: one object, or an array of them; answered when they are stored',
  access: { services: ['mc3'] },
  body: z.union([relayMessage, z.array(relayMessage).min(1).max(relayLimits.messagesTogetherMax)]),
  status: 204,
  errors: ['invalid_json', 'invalid_request', 'unauthenticated', 'forbidden', 'body_too_large', 'unavailable'],
  internal: true,
})

export const listRelaySessions = route({
  id: 'listRelaySessions',
  service: 'mc1',
  method: 'GET',
  path: '/sessions',
  summary: 'The latest sessions, newest first',
  access: { anonymous: true },
  status: 200,
  reply: z.array(relaySession).max(relayLimits.sessionsListed),
  errors: [],
  internal: true,
})

export const getRelaySession = route({
  id: 'getRelaySession',
  service: 'mc1',
  method: 'GET',
  path: '/sessions/{id}',
  summary: 'What one session did',
  access: { anonymous: true },
  params: z.strictObject({ id: wholeNumber(1, 2_147_483_647) }),
  status: 200,
  reply: relaySession,
  errors: ['invalid_request', 'not_found'],
  internal: true,
})

const micros = z.int().min(0).meta({ description: 'µs' })
const liveHop = z.strictObject({ p50: micros, p99: micros, last: micros })

/** The loop at this moment. What is said of hops is of the running session, or of the last one since MC1 started. */
export const relayNow = z.strictObject({
  session: relaySession.nullable().meta({ description: 'The running one' }),
  latestSession: count.meta({ description: 'The highest number given so far; 0 before the first' }),
  linked: z.boolean().meta({ description: 'The WebSocket to MC2 is open' }),
  settings: z
    .strictObject({
      intervalSeconds: z.number(),
      inFlight: count,
      payloadBytes: count,
      messagesPerSecond: count,
    })
    .meta({ description: 'Of the next session' }),
  hops: z
    .strictObject({ mc1ToMc2: liveHop, mc2ToMc3: liveHop, mc3ToMc1: liveHop, commit: liveHop, total: liveHop })
    .nullable()
    .meta({ description: 'Over the latest messages; commit is from the end stamp to the commit in PostgreSQL' }),
  latest: z
    .array(
      z.strictObject({
        id: z.int().min(1),
        mc1ToMc2: micros,
        mc2ToMc3: micros,
        mc3ToMc1: micros,
        commit: micros,
        total: micros,
      }),
    )
    .max(relayLimits.latestShown)
    .meta({ description: 'The latest messages, newest first' }),
})
export type RelayNow = z.output<typeof relayNow>

export const getRelayNow = route({
  id: 'getRelayNow',
  service: 'mc1',
  method: 'GET',
  path: '/now',
  summary: 'The loop at this moment: the running session and how long the hops of its latest messages took',
  access: { anonymous: true },
  status: 200,
  reply: relayNow,
  errors: [],
  internal: true,
})

export const relayRoutes = [
  startRelay,
  stopRelay,
  returnMessages,
  listRelaySessions,
  getRelaySession,
  getRelayNow,
] as const
