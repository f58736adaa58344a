/** Records as AMQP messages and back. */
import type { Message, Options } from 'amqplib'
import { typeHeader } from '../cloud-events.ts'
import type { IncomingRecord, OutgoingRecord, Place } from '../transport.ts'

/** The routing key says only the partition. */
const keyHeader = 'svyaz_key'
const offsetHeader = 'x-stream-offset'

/** Kept on disk, given back when no queue takes it; id and type are for people who look at a queue. */
export const propertiesOf = (record: OutgoingRecord): Options.Publish => ({
  persistent: true,
  mandatory: true,
  headers: { ...record.headers, [keyHeader]: record.key },
  ...optional('messageId', record.headers.ce_id),
  ...optional('type', record.headers[typeHeader]),
  ...optional('contentType', record.headers['content-type']),
})

/** Properties are short strings: 255 bytes at most. */
const optional = (name: string, value: string | undefined): Record<string, string> =>
  value !== undefined && Buffer.byteLength(value) <= 255 ? { [name]: value } : {}

/**
 * Never throws, whatever another program has put into the headers: a message that can't be read would come again for ever.
 * @param topic of the queue that it came from
 */
export function toRecord(topic: string, { properties, content }: Message): IncomingRecord {
  // Names come from outside, `__proto__` among them perhaps.
  const headers: Record<string, string> = Object.create(null)
  let key = ''
  let place: Place | undefined
  for (const [name, value] of Object.entries((properties.headers ?? {}) as Record<string, unknown>)) {
    if (name === offsetHeader) place = placeOf(value)
    else if (name === keyHeader) key = textOf(value) ?? ''
    else {
      const text = textOf(value)
      if (text !== undefined) headers[name.toLowerCase()] = text
    }
  }
  return { topic, key, value: content, headers, place }
}

/** Texts, and what other clients write them as. Tables, lists and times are nothing that an event is read from. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return Buffer.isBuffer(value) ? value.toString('utf8') : undefined
}

/** Only a stream has places; anyone can write the header. */
const placeOf = (offset: unknown): Place | undefined =>
  typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0
    ? { partition: 0, offset: BigInt(offset) }
    : undefined
