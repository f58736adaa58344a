/** An event: who said it, which topic carried it, who took it and how late. */
import { duration } from '../../shell/format.ts'
import type { Language } from '../../shell/preferences.ts'
import type { EventRow } from './diagram.ts'
import { Cylinder, type Drawing, type Picture } from './drawing.tsx'
import { type Layout, sizes } from './layout.ts'
import { pillLookOf } from './look.ts'
import type { OrderWords } from './words.ts'

/** A row of an event: from its writer to the topic, and from there to each who took it. */
export function EventPicture({ row, y, drawing }: Picture<EventRow>) {
  const { layout } = drawing
  const { x } = layout
  const from = x[row.from]
  const takers = row.takers.filter(({ lane }) => lane !== 'topics')
  return (
    <g className={row.task ? 'p-task' : 'p-topic'}>
      <title>{`${row.fromInstance} → ${row.topic} → ${takers.map(({ instance }) => instance).join(', ')}`}</title>
      <circle className="end" cx={from} cy={y - 5} r="3" />
      <line
        className="line"
        x1={from}
        x2={x.topics + Math.sign(from - x.topics) * (sizes.pill - 3)}
        y1={y - 5}
        y2={y - 5}
        markerEnd="url(#head)"
      />
      <Ways middle={x.topics} ends={takers.map(({ lane }) => x[lane])} y={y + 7} />
      {takers.map((taker) => (
        <TakerPicture key={`${taker.instance}-${taker.afterMs}`} taker={taker} y={y} drawing={drawing} />
      ))}
      <Pill row={row} x={x.topics} y={y} />
      {(row.frame || row.mail) && <ToUser row={row} y={y} layout={layout} />}
    </g>
  )
}

/** From the topic to whoever took the event, as far as the farthest of them on each side. */
function Ways({ middle, ends, y }: { middle: number; ends: readonly number[]; y: number }) {
  const leftmost = Math.min(middle, ...ends)
  const rightmost = Math.max(middle, ...ends)
  return (
    <>
      {leftmost < middle && (
        <line className="line taken" x1={middle - sizes.pill + 4} x2={leftmost + 6} y1={y} y2={y} />
      )}
      {rightmost > middle && (
        <line className="line taken" x1={middle + sizes.pill - 4} x2={rightmost - 6} y1={y} y2={y} />
      )}
    </>
  )
}

type Taker = EventRow['takers'][number]

function TakerPicture({ taker, y, drawing }: { taker: Taker; y: number; drawing: Drawing }) {
  const { layout, words, language } = drawing
  const at = layout.x[taker.lane]
  const way = Math.sign(at - layout.x.topics)
  return (
    <g className={taker.deduplicated ? 'repeated' : undefined}>
      <title>{takerText(taker, words, language)}</title>
      {taker.afterMs >= lateMs && (
        <text className="late" x={at + way * 31} y={y + 10.5} textAnchor={way > 0 ? 'start' : 'end'}>
          +{duration(taker.afterMs, language)}
        </text>
      )}
      <line className="line" x1={at - way * 14} x2={at - way * 1} y1={y + 7} y2={y + 7} markerEnd="url(#head)" />
      {taker.sql && <Cylinder x={at} y={y + 7} sql={taker.sql} side={way} drawing={drawing} />}
    </g>
  )
}

/** The topic, with the event in it. */
function Pill({ row, x, y }: { row: EventRow; x: number; y: number }) {
  const look = pillLookOf(row.status)
  return (
    <>
      <rect
        className={`pill ${look}`}
        x={x - sizes.pill + 4}
        y={y - 13}
        width={2 * sizes.pill - 8}
        height="26"
        rx={row.task ? 5 : 13}
      />
      <text className={`pill-type ${look}`} x={x} y={y - 1}>
        {row.type}
      </text>
      <text className={`pill-topic ${look}`} x={x} y={y + 9}>
        {row.topic}
      </text>
    </>
  )
}

/** Whoever took an event later than this was away, or busy: the arrow says how late. */
const lateMs = 300

const takerText = (taker: Taker, words: OrderWords, language: Language): string =>
  [
    `${taker.instance}: ${words.after(duration(taker.afterMs, language))}`,
    taker.sql && words.sql(taker.sql.count, duration(taker.sql.ms, language)),
    taker.attempt > 1 ? words.attempt(taker.attempt) : undefined,
    taker.deduplicated ? words.repeated : undefined,
  ]
    .filter(Boolean)
    .join(', ')

/** What reached the person: a frame on the screen, a mail. */
function ToUser({ row, y, layout: { x } }: { row: EventRow; y: number; layout: Layout }) {
  const { screen, notifications } = x
  return (
    <g className="p-user">
      <line
        className="line"
        x1={notifications + 14}
        x2={screen - (row.frame && row.mail ? 17 : 10)}
        y1={y - 5}
        y2={y - 5}
        markerEnd="url(#head)"
      />
      {row.frame && (
        <path
          className="glyph"
          transform={`translate(${screen - (row.mail ? 15 : 7)} ${y - 12})`}
          d="M3.4 10h7.2c-.9-1-.9-1.9-.9-3.6a2.7 2.7 0 0 0-5.4 0c0 1.700 0 2.600-.9 3.600Zm2.700 1.800h1.800"
        />
      )}
      {row.mail && (
        <path
          className="glyph"
          transform={`translate(${screen + (row.frame ? 1 : -7)} ${y - 12})`}
          d="M1.500 3.500h11v8h-11zm0 .500L7 8l5.500-4"
        />
      )}
    </g>
  )
}
