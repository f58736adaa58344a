/**
 * A dead letter: the record that a consumer gave up on, unchanged, in `<topic>.dlq`, with what is known about the
 * failure in headers. Sent back, it names its consumer and no other handles it; a mark beside the letter says so.
 * Pure; the work is in dlq.ts, the reasons in docs/decisions/0041.
 */
import { deadLetterTopic } from '@svyaz/contracts/vocabulary.ts'
import { consumerHeader } from './cloud-events.ts'
import type { IncomingRecord, OutgoingRecord, Place } from './transport.ts'

const failureHeaders = {
  error: 'svyaz_error',
  attempts: 'svyaz_attempts',
  at: 'svyaz_failed_at',
  topic: 'svyaz_topic',
  place: 'svyaz_place',
} as const

/** On a mark, which is in the dead letters under the key of its letter and so behind it in the same partition. */
const markHeaders = {
  /** When it was sent back. */
  at: 'svyaz_replayed_at',
  /** The letter: this one and older ones of the same event and consumer are settled, a newer one is not. */
  letter: 'svyaz_letter',
  /** Where in the topic the replay lies: once the consumer's committed position is behind it, it was handled. */
  replay: 'svyaz_replay',
} as const

const errorTextMax = 2_000

/** What a letter keeps of its record's headers, in bytes; with its own it then fits wherever the record did. */
const keptBytesMax = 32 * 1024
const keptNameBytesMax = 200

export interface DeadLetter {
  /** Where it is in the dead letters. */
  place: Place
  /** The event's id; undefined for a record that was not an event at all. */
  id: string | undefined
  type: string | undefined
  topic: string
  key: string
  consumer: string
  error: string
  attempts: number
  failedAt: string
  /** When the event was made. */
  time: string | undefined
  /** Partition and offset that it had in its topic, as `partition/offset`. */
  origin: string | undefined
  traceparent: string | undefined
  /** The newest replay of it, if there was one. */
  replay: Replay | undefined
  value: string
  record: IncomingRecord
}

export interface Replay {
  at: string
  /** Where it is in the topic; undefined when the transport didn't say. */
  place: Place | undefined
}

export type LetterState = 'outstanding' | 'sent back' | 'settled'

/**
 * Outstanding until it is sent back, settled when its consumer has finished the replay: a replay that failed again is
 * finished too, and has left a newer letter.
 *
 * @param committed positions of the consumer in the letter's topic; none where it never committed
 */
export function stateOf(letter: DeadLetter, committed: ReadonlyMap<number, bigint>): LetterState {
  if (!letter.replay) return 'outstanding'
  const { place } = letter.replay
  return place && (committed.get(place.partition) ?? 0n) > place.offset ? 'settled' : 'sent back'
}

/** The record for the `.dlq` topic: the original, with what went wrong in its headers. Never more than a transport takes. */
export function toDeadLetter(
  record: IncomingRecord,
  failure: { consumer: string; error: string; attempts: number; at: string },
): OutgoingRecord {
  return {
    topic: deadLetterTopic(record.topic),
    key: record.key,
    value: record.value,
    headers: {
      ...kept(record.headers),
      [consumerHeader]: failure.consumer,
      [failureHeaders.error]: failure.error.slice(0, errorTextMax),
      [failureHeaders.attempts]: String(failure.attempts),
      [failureHeaders.at]: failure.at,
      [failureHeaders.topic]: record.topic,
      ...(record.place ? { [failureHeaders.place]: placeText(record.place) } : {}),
    },
  }
}

/**
 * All headers, or the shortest as far as there is room: an event's own are short. A letter that can't be sent would hold
 * its partition up for ever, and whoever wrote the record decides how large they are.
 */
function kept(headers: IncomingRecord['headers']): IncomingRecord['headers'] {
  const sized = Object.entries(headers).map(([name, value]) => {
    const nameBytes = Buffer.byteLength(name)
    return { name, value, nameBytes, bytes: nameBytes + Buffer.byteLength(value) }
  })
  const fitting: [string, string][] = []
  let bytesKept = 0
  for (const { name, value, nameBytes, bytes } of sized.toSorted((a, b) => a.bytes - b.bytes)) {
    bytesKept += bytes
    if (bytesKept > keptBytesMax) break
    if (nameBytes <= keptNameBytesMax) fitting.push([name, value])
  }
  return Object.fromEntries(fitting)
}

/** The record that goes back: as it first was, addressed to the consumer that failed on it. */
export function toReplay(letter: DeadLetter): OutgoingRecord {
  const internal = new Set<string>([...Object.values(failureHeaders), ...Object.values(markHeaders)])
  const headers = Object.fromEntries(Object.entries(letter.record.headers).filter(([name]) => !internal.has(name)))
  return { topic: letter.topic, key: letter.key, value: letter.record.value, headers }
}

/** Remembers in the dead letters themselves that this letter was sent back, and where to. */
export function toReplayMark(letter: DeadLetter, replay: Replay): OutgoingRecord {
  return {
    topic: deadLetterTopic(letter.topic),
    key: letter.key,
    value: Buffer.from('{}'),
    headers: {
      [consumerHeader]: letter.consumer,
      ce_id: letter.id ?? '',
      [markHeaders.at]: replay.at,
      [markHeaders.letter]: placeText(letter.place),
      ...(replay.place ? { [markHeaders.replay]: placeText(replay.place) } : {}),
    },
  }
}

/**
 * The letters among the records of a DLQ, one per consumer and event (its newest), with their marks applied. A mark
 * names the letter that was sent back: one that came after it, because the replay failed sooner than the mark was
 * written, stays outstanding.
 */
export function readDeadLetters(records: Iterable<IncomingRecord>): DeadLetter[] {
  const letters = new Map<string, DeadLetter>()
  for (const record of records) {
    const { headers, place } = record
    if (!place) continue
    const identity = `${headers[consumerHeader] ?? ''} ${headers.ce_id || placeText(place)}`
    const known = letters.get(identity)
    if (headers[markHeaders.at] !== undefined) {
      if (known && isSettledBy(known.place, headers[markHeaders.letter])) known.replay = replayOf(headers)
      continue
    }
    letters.delete(identity)
    letters.set(identity, letterOf(record, place))
  }
  return [...letters.values()]
}

const letterOf = (record: IncomingRecord, place: Place): DeadLetter => {
  const { headers } = record
  return {
    place,
    id: headers.ce_id || undefined,
    type: headers.ce_type,
    topic: headers[failureHeaders.topic] ?? record.topic.replace(/\.dlq$/, ''),
    key: record.key,
    consumer: headers[consumerHeader] ?? '',
    error: headers[failureHeaders.error] ?? '',
    attempts: Number(headers[failureHeaders.attempts] ?? 0),
    failedAt: headers[failureHeaders.at] ?? '',
    time: headers.ce_time,
    origin: headers[failureHeaders.place],
    traceparent: headers.traceparent,
    replay: undefined,
    value: record.value.toString('utf8'),
    record,
  }
}

const replayOf = (headers: IncomingRecord['headers']): Replay => ({
  at: headers[markHeaders.at] ?? '',
  place: readPlace(headers[markHeaders.replay]),
})

function isSettledBy(letter: Place, marked: string | undefined): boolean {
  const place = readPlace(marked)
  return place !== undefined && place.partition === letter.partition && letter.offset <= place.offset
}

/** A day less than the inbox remembers (reliability rule 3). */
const replayAgeMaxMs = 6 * 24 * 60 * 60 * 1_000

/**
 * Why a letter can't be sent back, or undefined. Its age counts from its failure: at that moment its consumer had not
 * done it, so the inbox row of whatever did it since is younger, and outlives the replay by a day.
 */
export function whyNot(letter: DeadLetter, nowMs: number): string | undefined {
  if (letter.id === undefined) return 'it is not an event: without an id its consumer could not tell a repetition'
  if (letter.consumer === '') return 'it does not name the consumer that failed'
  const failedAt = Date.parse(letter.failedAt)
  if (Number.isNaN(failedAt)) return 'it does not say when it failed'
  if (nowMs - failedAt > replayAgeMaxMs) return 'it failed more than six days ago, and the inbox forgets after seven'
  return undefined
}

/** A place as it is written: `partition/offset`. */
export const placeText = ({ partition, offset }: Place): string => `${partition}/${offset}`

/** Reads `partition/offset`; undefined for anything else. */
export function readPlace(text: string | undefined): Place | undefined {
  const [, partition, offset] = /^(\d{1,9})\/(\d{1,18})$/.exec(text ?? '') ?? []
  return partition === undefined || offset === undefined
    ? undefined
    : { partition: Number(partition), offset: BigInt(offset) }
}
