/** The rows of the diagram as a list: what narrow screens show, and what screen readers read. */
import { duration } from '../../shell/format.ts'
import { type Language, usePreferences, useWords } from '../../shell/preferences.ts'
import type { Diagram, Lane, Row } from './diagram.ts'
import { stepWords } from './story-words.ts'
import { type OrderWords, orderWords } from './words.ts'

/** The same way as a list, for narrow screens and screen readers. */
export function Steps({ diagram, user }: { diagram: Diagram; user: string }) {
  const words = useWords(orderWords)
  const { language } = usePreferences()
  return (
    <ol className="steps">
      {diagram.rows.map((row) => {
        const { sign, what, detail } = describe(row, words, language, user)
        return (
          <li key={row.key} className={`step step-${row.kind}${lookOfRow(row)}`}>
            <time>
              {row.kind === 'wait' ? '' : `+${duration(Math.max(0, row.atMs - diagram.startedAtMs), language)}`}
            </time>
            <span className={`sign sign-${sign}`}>{sign}</span>
            <span className="what">{what}</span>
            {detail !== '' && <span className="detail">{detail}</span>}
          </li>
        )
      })}
    </ol>
  )
}

const lookOfRow = (row: Row): string => {
  if (row.kind === 'wait') return `${row.down ? ' is-down' : ''}${row.live ? ' is-live' : ''}`
  if (row.kind === 'call' && row.error !== undefined) return ' is-failed'
  return ''
}

interface Described {
  /** The protocol, or what else it is. */
  readonly sign: string
  readonly what: string
  readonly detail: string
}

function describe(row: Row, words: OrderWords, language: Language, user: string): Described {
  const name = (lane: Lane) => words.lanes[lane] || user
  const ms = (value: number) => duration(value, language)
  const joined = (...parts: (string | false | undefined)[]) => parts.filter(Boolean).join(' · ')
  switch (row.kind) {
    case 'call':
      return {
        sign: row.protocol === 'grpc' ? 'gRPC' : row.protocol.toUpperCase(),
        what: `${name(row.from)} → ${name(row.to)}: ${row.name.replace(/^\w+Service\//, '')}`,
        detail: joined(
          ms(row.durationMs),
          row.toInstance,
          row.error,
          row.tries > 1 && words.tries(row.tries),
          row.sql && words.sql(row.sql.count, ms(row.sql.ms)),
        ),
      }
    case 'event':
      return {
        sign: row.task ? 'queue' : 'topic',
        what: `${name(row.from)} → ${row.type} → ${[...new Set(row.takers.map(({ lane }) => name(lane)))].join(', ') || '…'}`,
        detail: joined(
          row.topic,
          row.partition !== undefined && row.offset !== undefined && words.partition(row.partition, row.offset),
          row.takers.some(({ deduplicated }) => deduplicated) && words.repeated,
          row.frame && words.frameSent,
          row.mail && words.mailSent,
        ),
      }
    case 'step':
      return {
        sign: row.via,
        what: `${name(row.lane)}: ${stepWords(language, row.entry).what}`,
        detail: stepWords(language, row.entry).detail,
      }
    case 'down':
      return {
        sign: '✕',
        what: `${row.instances.join(', ')} ${words.downCauses[row.cause]}`,
        detail: row.lastedMs === undefined ? '' : words.downSince(ms(row.lastedMs)),
      }
    case 'back':
      return { sign: '✓', what: `${row.instances.join(', ')} ${words.back(ms(row.lastedMs ?? 0))}`, detail: '' }
    case 'wait':
      return {
        sign: '…',
        what: `${ms(row.untilMs - row.atMs)} ${(row.down ? words.waitsDown : words.waits)[row.status] ?? ''}`,
        detail: '',
      }
  }
}
