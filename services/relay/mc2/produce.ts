/** A frame of MC1's → a record of the topic. Pure. */
import { type RelayMessage, relayMessages } from '@svyaz/contracts/events/relay.ts'
import { relayEnvelope } from '@svyaz/contracts/socket/relay.ts'
import type { OutgoingRecord } from '@svyaz/kit'
import { z } from 'zod'
import { messageKey, paddingOf, stampAfter } from '../message.ts'

export interface Received {
  message: RelayMessage
  traceparent: string | undefined
  /** Bytes that travel beside it. */
  padding: number
}

/** What a frame says, or what is wrong with it in one sentence. */
export const readFrame = (text: string): Received | { broken: string } => {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch {
    return { broken: 'not JSON' }
  }
  const parsed = relayEnvelope.safeParse(raw)
  if (!parsed.success) return { broken: z.prettifyError(parsed.error).slice(0, 500) }
  const { message, traceparent } = parsed.data
  if (message.MC1_timestamp === null) return { broken: 'MC1_timestamp is null' }
  return { message, traceparent, padding: paddingOf(text) }
}

/** Stamped by MC2, as a CloudEvent in binary mode; one that is sent again keeps its id. */
export const toRecord = (received: Received, micros: number, traceparent: string): OutgoingRecord => {
  const { message, padding } = received
  message.MC2_timestamp = stampAfter(message.MC1_timestamp, micros)
  return {
    topic: relayMessages.name,
    key: String(message.session_id),
    value: Buffer.from(padding > 0 ? JSON.stringify(message) + ' '.repeat(padding) : JSON.stringify(message)),
    headers: {
      ce_specversion: '1.0',
      ce_id: messageKey(message),
      ce_type: 'relay.message',
      ce_source: '/mc2',
      ce_subject: String(message.session_id),
      ce_time: message.MC2_timestamp,
      'content-type': 'application/json',
      traceparent,
    },
  }
}
