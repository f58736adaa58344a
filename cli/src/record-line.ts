/** A record of a topic for a person (one line) and for a program (one object). */
import { decodeEvent, type ReadRecord } from '@svyaz/kit/operator'
import { printable } from './pretty-log.ts'
import { type Terminal, visible } from './terminal.ts'

/** Headers that the columns show, or that are the same everywhere. */
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

/**
 * `partition/offset  time  type  key  trace  headers value`, one line. On a terminal the value comes before the trace and
 * the headers, and all of it is cut after three rows: so the value is seen however narrow the terminal is.
 */
export function recordLine({ record, offset, timestampMs }: ReadRecord, terminal: Terminal): string {
  const { headers } = record
  const decoded = decodeEvent(record)
  const type = headers.ce_type ?? ('broken' in decoded ? '(no event)' : '')
  const others = Object.entries(headers).filter(([name]) => !told.has(name))
  const value = readable(record.value)
  const headersText = others.map(([name, text]) => `${name.replace(/^ce_/, '')}=${text}`).join(' ')
  const valueText = printable(typeof value === 'string' ? value : JSON.stringify(value))
  const trace = `trace=${traceIdOf(headers.traceparent) ?? '-'}`
  const line = [
    terminal.paint('dim', `${record.place?.partition}/${offset}`.padEnd(8)),
    terminal.paint('dim', new Date(timestampMs).toISOString().slice(11, 23)),
    terminal.paint('cyan', printable(type).padEnd(20)),
    printable(record.key),
  ].join('  ')
  if (!terminal.live) return `${line}  ${trace}  ${printable(`${headersText} ${valueText}`.trimStart())}`
  const room = Math.max(terminal.columns, terminal.columns * rowsMax - visible(line)) - trace.length - 6
  const shown = cut(valueText, room)
  return `${line}  ${shown}  ${terminal.paint('dim', `${trace} ${cut(printable(headersText), room - shown.length)}`.trimEnd())}`
}

/** Rows of a terminal that one record may take. */
const rowsMax = 3

const cut = (text: string, max: number): string =>
  text.length <= max ? text : max < 8 ? '' : `${text.slice(0, max - 1)}…`

/** JSON as it is, other text as text; what is neither is told by its size. */
function readable(bytes: Buffer): unknown {
  const text = bytes.toString('utf8')
  try {
    return JSON.parse(text)
  } catch {
    return text.includes('�') ? `(${bytes.length} bytes)` : text
  }
}
