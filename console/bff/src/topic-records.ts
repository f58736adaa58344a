/** Which records of a topic a page asks for, and what it is told of each. Pure but for the reading itself. */
import type { Operator, PartitionSpan, PathFilter, ReadRecord } from '@svyaz/kit/operator'
import { Problem } from '@svyaz/stage'
import type { RecordsAnswer, RecordView } from '../../protocol.ts'
import { limits } from './limits.ts'

export interface RecordsAsked {
  readonly from: 'newest' | 'oldest' | 'time' | 'offset'
  /** Milliseconds since 1970, for `time`. */
  readonly timeMs: number
  /** For `offset`. */
  readonly offset: bigint
  /** Undefined: all. */
  readonly partition: number | undefined
  readonly filter: RecordFilter
  readonly limit: number
}

export interface RecordFilter {
  /** The whole key. */
  readonly key: string | undefined
  /** A header and what its value contains; '' asks only that it is there. */
  readonly header: { readonly name: string; readonly value: string } | undefined
  /** A place in the value, and what is there. */
  readonly path: string | undefined
}

type Range = { readonly from: bigint; readonly until: bigint }

/**
 * Reads `from`, `time` (RFC 3339), `offset`, `partition`, `key`, `header` (name or name=value), `limit`.
 * @throws Problem 400 for what can't be meant
 */
export function askedOf(query: URLSearchParams): RecordsAsked {
  const from = query.get('from') ?? 'newest'
  if (from !== 'newest' && from !== 'oldest' && from !== 'time' && from !== 'offset')
    throw new Problem(400, 'invalid_request', 'from is newest, oldest, time or offset')
  const timeMs = from === 'time' ? Date.parse(query.get('time') ?? '') : 0
  if (Number.isNaN(timeMs)) throw new Problem(400, 'invalid_request', 'time is a time, such as 2026-11-26T12:00:00Z')
  const whole = (name: string, otherwise: number): number => {
    const text = query.get(name)
    if (text === null || text === '') return otherwise
    if (!/^\d{1,15}$/.test(text)) throw new Problem(400, 'invalid_request', `${name} is a whole number`)
    return Number(text)
  }
  const partition = whole('partition', -1)
  return {
    from,
    timeMs,
    offset: BigInt(whole('offset', 0)),
    partition: partition < 0 ? undefined : partition,
    filter: filterOf(query),
    limit: Math.min(limits.recordsShownMax, Math.max(1, whole('limit', 100))),
  }
}

/** The filter of a question, which following has too. */
export function filterOf(query: URLSearchParams): RecordFilter {
  const [name = '', ...rest] = (query.get('header') ?? '').split('=')
  return {
    key: query.get('key') || undefined,
    header: name.trim() === '' ? undefined : { name: name.trim(), value: rest.join('=').trim() },
    path: query.get('path') || undefined,
  }
}

/** Whether a record is one of those that are looked for. */
export type Matcher = (read: ReadRecord) => boolean

/**
 * What a filter means. The reader of paths comes with the client, which is loaded when a page first asks.
 * @throws Problem 400 for a path that is none
 */
export async function matcherOf({ key, header, path }: RecordFilter): Promise<Matcher> {
  const { isThere, readPath } = await import('@svyaz/kit/operator')
  const place: PathFilter | undefined = path === undefined ? undefined : readPath(path)
  if (path !== undefined && place === undefined)
    throw new Problem(400, 'invalid_request', 'path is a place in the value, such as status=paid or items[0].productId')
  return ({ record }) => {
    if (key !== undefined && record.key !== key) return false
    if (header !== undefined && record.headers[header.name]?.includes(header.value) !== true) return false
    return place === undefined || isThere(place, record.value)
  }
}

/**
 * Where to read, partition by partition.
 * @param firstAt of each partition the first offset of the time asked for; one that isn't there has none
 */
export function rangesOf(
  asked: RecordsAsked,
  spans: readonly PartitionSpan[],
  firstAt: ReadonlyMap<number, bigint>,
): Map<number, Range> {
  const chosen = spans.filter(({ partition }) => asked.partition === undefined || partition === asked.partition)
  const isFiltered = Object.values(asked.filter).some((one) => one !== undefined)
  // Those looked for may be far from the end.
  const back = BigInt(isFiltered ? Math.ceil(limits.recordsReadMax / Math.max(1, chosen.length)) : asked.limit)
  const begin = ({ partition, beginning, end }: PartitionSpan): bigint => {
    if (asked.from === 'newest') return end - back
    if (asked.from === 'time') return firstAt.get(partition) ?? end
    return asked.from === 'offset' ? asked.offset : beginning
  }
  return new Map(
    chosen.map((span) => {
      const from = begin(span)
      return [span.partition, { from: from < span.beginning ? span.beginning : from, until: span.end }] as const
    }),
  )
}

/**
 * Reads what was asked for: forward from a place, or the newest.
 * @throws Problem 404 where there is no such topic
 */
export async function readRecords({ reader }: Operator, topic: string, asked: RecordsAsked): Promise<RecordsAnswer> {
  const matches = await matcherOf(asked.filter)
  const spans = await reader.spans(topic)
  if (spans === undefined) throw new Problem(404, 'not_found', 'there is no such topic')
  const ranges = rangesOf(asked, spans, asked.from === 'time' ? await reader.firstAt(topic, asked.timeMs) : new Map())
  const found: ReadRecord[] = []
  let read = 0
  let complete = true
  for (const [partition, range] of ranges) {
    let ofPartition: ReadRecord[] = []
    for await (const one of reader.read(topic, new Map([[partition, range]]))) {
      read += 1
      if (matches(one)) ofPartition.push(one)
      if (asked.from === 'newest') ofPartition = ofPartition.slice(-asked.limit)
      else if (ofPartition.length >= asked.limit) break
      if (read >= limits.recordsReadMax) break
    }
    found.push(...ofPartition)
    if (read < limits.recordsReadMax) continue
    complete = false
    break
  }
  found.sort((a, b) => a.timestampMs - b.timestampMs || Number(a.offset - b.offset))
  const shown = asked.from === 'newest' ? found.slice(-asked.limit) : found.slice(0, asked.limit)
  return { records: shown.map(viewOf), read, complete }
}

/** A record as a page is told of it. */
export function viewOf({ record, offset, timestampMs }: ReadRecord): RecordView {
  const traceId = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(record.headers.traceparent ?? '')?.[1]
  return {
    partition: record.place?.partition ?? 0,
    offset: Number(offset),
    atMs: timestampMs,
    key: record.key,
    headers: { ...record.headers },
    value: record.value.toString('utf8', 0, limits.recordBytesShown),
    bytes: record.value.length,
    ...(traceId === undefined ? {} : { traceId }),
  }
}
