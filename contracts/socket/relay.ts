/**
 * MC1 → MC2: a WebSocket on which each text frame is one envelope. JSON whitespace after it is padding of the
 * configured size (RFC 8259, section 2: insignificant); it follows the message on every hop.
 * Authentication: `Authorization: Bearer` with MC1's own service token. MC2 sends nothing; it closes the socket with
 * 1011 when messages could not be produced, and MC1 sends again what has not come back.
 */
import { z } from 'zod'
import { relayMessage } from '../events/relay.ts'
import { storedText } from '../primitives.ts'

export const relayEnvelope = z.strictObject({
  traceparent: storedText.optional().meta({ description: 'W3C Trace Context' }),
  message: relayMessage,
})
export type RelayEnvelope = z.output<typeof relayEnvelope>

export const relayPath = '/relay'
/** Bytes of a frame. */
export const relayFrameBytesMax = 64 * 1024
