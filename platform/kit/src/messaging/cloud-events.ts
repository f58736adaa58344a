/**
 * CloudEvents 1.0 in the binary mode of its Kafka protocol binding: attributes are headers named `ce_…`, the data is
 * the value, `content-type` says how it is written; `traceparent` is that of W3C Trace Context.
 */
import type { StoredEvent } from '../api.ts'
import type { IncomingRecord, OutgoingRecord } from './transport.ts'

export interface CloudEvent {
  id: string
  type: string
  source: string
  subject: string
  time: string
  data: unknown
  traceparent: string | undefined
}

/** Names the one consumer that a replayed record is for; on a dead letter, the one that gave up. */
export const consumerHeader = 'svyaz_consumer'

/** Says what a record is, before its value is looked at. */
export const typeHeader = 'ce_type'

const specVersion = '1.0'
const contentType = 'application/json'

/** In characters. An inbox has it in its key, where PostgreSQL takes 2,704 bytes in all. */
const idLengthMax = 500

/** @param source the service that the event comes from, as the URI-reference that `ce_source` must be */
export function encodeEvent(event: StoredEvent, source: string, traceparent: string | undefined): OutgoingRecord {
  return {
    topic: event.topic,
    key: event.key,
    value: Buffer.from(JSON.stringify(event.data)),
    headers: {
      ce_specversion: specVersion,
      ce_id: event.id,
      ce_type: event.type,
      ce_source: source,
      ce_subject: event.subject,
      ce_time: event.time,
      'content-type': contentType,
      ...(traceparent === undefined ? {} : { traceparent }),
    },
  }
}

export type Decoded = { event: CloudEvent } | { broken: string }

/** Reads an event back; says in one sentence what is wrong with a record that is none. */
export function decodeEvent(record: Pick<IncomingRecord, 'value' | 'headers' | 'key'>): Decoded {
  const { headers } = record
  const missing = ['ce_specversion', 'ce_id', 'ce_type', 'ce_source'].filter((name) => !headers[name])
  if (missing.length > 0) return { broken: `no ${missing.join(', ')}` }
  if (headers.ce_specversion !== specVersion) return { broken: `ce_specversion is ${headers.ce_specversion}` }
  const id = headers.ce_id!
  if (id.length > idLengthMax || id.includes('\0')) {
    return { broken: `ce_id is longer than ${idLengthMax} characters, or has a NUL: no inbox could remember it` }
  }
  if (!/^application\/json\b/i.test(headers['content-type'] ?? contentType)) {
    return { broken: `content-type is ${headers['content-type']}` }
  }
  let data: unknown
  try {
    data = JSON.parse(record.value.toString('utf8'))
  } catch {
    return { broken: 'the value is not JSON' }
  }
  return {
    event: {
      id,
      type: headers.ce_type!,
      source: headers.ce_source!,
      subject: headers.ce_subject ?? record.key,
      time: headers.ce_time ?? '',
      data,
      traceparent: headers.traceparent,
    },
  }
}
