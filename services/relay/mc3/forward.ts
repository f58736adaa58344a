/** Records of the topic → the body and headers for MC1. Pure. */
import { type RelayMessage, relayLimits, relayMessage, traceparentsHeader } from '@svyaz/contracts/events/relay.ts'
import type { IncomingRecord } from '@svyaz/kit'
import { z } from 'zod'
import { paddingOf } from '../message.ts'

export interface Read {
  record: IncomingRecord
  message: RelayMessage
  padding: number
}

/** What a record holds, or what is wrong with it in one sentence. */
export const readRecord = (record: IncomingRecord): Read | { broken: string } => {
  const text = record.value.toString()
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch {
    return { broken: 'the value is not JSON' }
  }
  const parsed = relayMessage.safeParse(raw)
  if (!parsed.success) return { broken: z.prettifyError(parsed.error).slice(0, 500) }
  if (parsed.data.MC2_timestamp === null) return { broken: 'MC2_timestamp is null' }
  return { record, message: parsed.data, padding: paddingOf(text) }
}

export interface Forward {
  body: string
  headers: Record<string, string>
}

/** One message alone is an object, several are an array; the padding of each follows it. */
export const forwardOf = (reads: readonly { message: RelayMessage; padding: number }[], traces: readonly string[]) => {
  const texts = reads.map(({ message, padding }) =>
    padding > 0 ? JSON.stringify(message) + ' '.repeat(padding) : JSON.stringify(message),
  )
  return reads.length === 1
    ? { body: texts[0] ?? '', headers: { traceparent: traces[0] ?? '' } }
    : { body: `[${texts.join(',')}]`, headers: { [traceparentsHeader]: traces.join(',') } }
}

/** Room for the stamp that is still null when the record is measured, and for brackets and commas. */
const growthPerMessage = 40

/** Cuts records into bodies that MC1 takes. */
export const portions = (reads: readonly Read[]): Read[][] => {
  const cut: Read[][] = []
  let bytes = 0
  for (const read of reads) {
    const size = read.record.value.length + growthPerMessage
    const last = cut.at(-1)
    if (last && last.length < relayLimits.messagesTogetherMax && bytes + size <= relayLimits.bodyBytesMax) {
      last.push(read)
      bytes += size
    } else {
      cut.push([read])
      bytes = size
    }
  }
  return cut
}
