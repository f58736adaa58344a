/**
 * A dead letter: the record that a consumer gave up on, unchanged, in `<topic>.dlq`, with what is known about the
 * failure in headers. Sent back, it names its consumer and no other handles it. Pure; the work is in dlq.ts.
 */
import { deadLetterTopic } from '@svyaz/contracts/vocabulary.ts'
import { consumerHeader } from './cloud-events.ts'
import type { IncomingRecord, OutgoingRecord } from './transport.ts'

const failureHeaders = {
  error: 'svyaz_error',
  attempts: 'svyaz_attempts',
  at: 'svyaz_failed_at',
  topic: 'svyaz_topic',
  place: 'svyaz_place',
} as const

/** On a record in the DLQ that only says: this event of this consumer was sent back. */
const replayedHeader = 'svyaz_replayed_at'

const errorTextMax = 2_000

export interface DeadLetter {
  /** The event's id; undefined for a record that was no event at all. */
  id: string | undefined
  type: string | undefined
  topic: string
  key: string
  consumer: string
  error: string
  attempts: number
  failedAt: string
  /** When the event was made; what decides whether it may still be replayed. */
  time: string | undefined
  /** Partition and offset that it had in its topic. */
  place: string | undefined
  /** When it was last sent back, if it was. */
  replayedAt: string | undefined
  value: string
  record: IncomingRecord
}

export function toDeadLetter(
  record: IncomingRecord,
  failure: { consumer: string; error: string; attempts: number; at: string },
): OutgoingRecord {
  return {
    topic: deadLetterTopic(record.topic),
    key: record.key,
    value: record.value,
    headers: {
      ...record.headers,
      [consumerHeader]: failure.consumer,
      [failureHeaders.error]: failure.error.slice(0, errorTextMax),
      [failureHeaders.attempts]: String(failure.attempts),
      [failureHeaders.at]: failure.at,
      [failureHeaders.topic]: record.topic,
      ...(record.place ? { [failureHeaders.place]: `${record.place.partition}/${record.place.offset}` } : {}),
    },
  }
}

/** The record that goes back: as it first was, addressed to the consumer that failed on it. */
export function toReplay(letter: DeadLetter): OutgoingRecord {
  const internal = new Set<string>([...Object.values(failureHeaders), replayedHeader])
  const headers = Object.fromEntries(Object.entries(letter.record.headers).filter(([name]) => !internal.has(name)))
  return { topic: letter.topic, key: letter.key, value: letter.record.value, headers }
}

/** Remembers in the DLQ itself that the letter was sent back. */
export function toReplayedMark(letter: DeadLetter, at: string): OutgoingRecord {
  return {
    topic: deadLetterTopic(letter.topic),
    key: letter.key,
    value: Buffer.from('{}'),
    headers: { [consumerHeader]: letter.consumer, ce_id: letter.id ?? '', [replayedHeader]: at },
  }
}

/** The letters among the records of a DLQ, one per consumer and event (its newest), with their replay marks applied. */
export function readDeadLetters(records: readonly IncomingRecord[]): DeadLetter[] {
  const letters = new Map<string, DeadLetter>()
  for (const record of records) {
    const { headers } = record
    const consumer = headers[consumerHeader] ?? ''
    const identity = headers.ce_id ?? `${record.place?.partition}/${record.place?.offset}`
    const known = letters.get(`${consumer} ${identity}`)
    if (headers[replayedHeader] !== undefined) {
      if (known) known.replayedAt = headers[replayedHeader]
      continue
    }
    letters.delete(`${consumer} ${identity}`)
    letters.set(`${consumer} ${identity}`, {
      id: headers.ce_id,
      type: headers.ce_type,
      topic: headers[failureHeaders.topic] ?? record.topic.replace(/\.dlq$/, ''),
      key: record.key,
      consumer,
      error: headers[failureHeaders.error] ?? '',
      attempts: Number(headers[failureHeaders.attempts] ?? 0),
      failedAt: headers[failureHeaders.at] ?? '',
      time: headers.ce_time,
      place: headers[failureHeaders.place],
      replayedAt: undefined,
      value: record.value.toString('utf8'),
      record,
    })
  }
  return [...letters.values()]
}
