/**
 * The message of the relay loop, the same on every wire: MC1 → WebSocket → MC2 → Kafka → MC3 → HTTP → MC1. It has six
 * fields and no more; what travels with it (trace context, padding) travels beside it.
 */
import { z } from 'zod'
import { topic } from '../vocabulary.ts'

/** RFC 3339 in UTC with six digits of a second: hops take less than a millisecond. */
const stamp = z.iso.datetime({ precision: 6 }).meta({ maxLength: 27 })
const stampOrNot = stamp.nullable().meta({ description: 'RFC 3339 time, UTC, in µs; null until it is stamped' })

export const relayMessage = z.strictObject({
  id: z.int().min(1).meta({ description: 'Unique over all sessions; in the order of making' }),
  session_id: z.int().min(1),
  MC1_timestamp: stampOrNot,
  MC2_timestamp: stampOrNot,
  MC3_timestamp: stampOrNot,
  end_timestamp: stampOrNot,
})
export type RelayMessage = z.output<typeof relayMessage>

export const relayMessages = topic({
  name: 'relay.messages',
  summary: 'The relay message, stamped by MC1 and MC2',
  writer: 'mc2',
  readers: ['mc3'],
  key: 'session id',
  partitions: 6,
  kind: 'event',
  events: { 'relay.message': relayMessage },
})

export const relayLimits = {
  inFlightMax: 16_384,
  payloadBytesMax: 32 * 1024,
  intervalSecondsMax: 24 * 60 * 60,
  /** Messages of one body; their trace contexts are 14 KiB of headers, below the 16 KiB that node:http takes. */
  messagesTogetherMax: 256,
  /** Bytes of one body. */
  bodyBytesMax: 1024 * 1024,
  /** Latest messages that are shown one by one. */
  latestShown: 16,
  sessionsListed: 100,
  missingRangesListed: 1_000,
} as const

/** Beside an array of messages: their trace contexts in the same order, separated by commas. One alone has `traceparent`. */
export const traceparentsHeader = 'svyaz-traceparents'
