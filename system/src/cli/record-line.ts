/** A record of a topic for a person (one line) and for a program (one object). */
import { decodeEvent, type ReadRecord } from '@svyaz/kit/operator'
import { printable } from './pretty-log.ts'
import type { Terminal } from './terminal.ts'

/** Headers that the columns tell of, or that are the same everywhere. */
const told = new Set(['ce_specversion', 'ce_type', 'ce_time', 'ce_source', 'ce_subject', 'content-type', 'traceparent'])

/** Trace id of a W3C traceparent. */
export const traceIdOf = (traceparent: string | undefined): string | undefined =>
  /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceparent ?? '')?.[1]

/** A record of a topic for programs. */
export function recordJson({ record, offset, timestampMs }: ReadRecord) {
  const { headers } = record
  return {
    topic: record.topic,
    partition: record.place?.partition,
    offset: Number(offset),
    at: new Date(timestampMs).toISOString(),
    key: record.key,
    id: headers.ce_id,
    type: headers.ce_type,
    source: headers.ce_source,
    subject: headers.ce_subject,
    time: headers.ce_time,
    traceId: traceIdOf(headers.traceparent),
    headers: { ...headers },
    value: readable(record.value),
  }
}

/** `partition/offset  time  type  key  trace  value`, one line; the value is cut where a terminal ends. */
export function recordLine({ record, offset, timestampMs }: ReadRecord, terminal: Terminal): string {
  const { headers } = record
  const decoded = decodeEvent(record)
  const type = headers.ce_type ?? ('broken' in decoded ? '(no event)' : '')
  const others = Object.entries(headers).filter(([name]) => !told.has(name))
  const value = readable(record.value)
  const rest = [
    ...others.map(([name, text]) => `${name.replace(/^ce_/, '')}=${text}`),
    typeof value === 'string' ? value : JSON.stringify(value),
  ].join(' ')
  const line = [
    terminal.paint('dim', `${record.place?.partition}/${offset}`.padEnd(8)),
    terminal.paint('dim', new Date(timestampMs).toISOString().slice(11, 23)),
    terminal.paint('cyan', printable(type).padEnd(20)),
    printable(record.key),
    terminal.paint('dim', `trace=${traceIdOf(headers.traceparent) ?? '-'}`),
  ].join('  ')
  const compact = printable(rest)
  const room = terminal.live ? Math.max(40, terminal.columns * 2 - line.length) : Number.POSITIVE_INFINITY
  return `${line}  ${compact.length > room ? `${compact.slice(0, room - 1)}…` : compact}`
}

/** JSON as it is, other text as text; what is neither is told by its size. */
function readable(bytes: Buffer): unknown {
  const text = bytes.toString('utf8')
  try {
    return JSON.parse(text)
  } catch {
    return text.includes('�') ? `(${bytes.length} bytes)` : text
  }
}
