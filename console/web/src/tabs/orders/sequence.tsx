/**
 * The diagram as SVG. It shows the same rows as the list beside it (steps.tsx), which is what a screen reader gets; so
 * this picture is hidden from it.
 */
import { memo, type ReactNode } from 'react'
import type { Statements } from '../../../../protocol.ts'
import { duration } from '../../shell/format.ts'
import { type Language, usePreferences, useWords } from '../../shell/preferences.ts'
import {
  type CallRow,
  type Diagram,
  type EventRow,
  type Lane,
  lanes,
  type OutageRow,
  type Row,
  type StepRow,
  type WaitRow,
} from './diagram.ts'
import { type Layout, layoutOf, sizes } from './layout.ts'
import { stepWords } from './story-words.ts'
import { type OrderWords, orderWords } from './words.ts'

interface Drawing {
  readonly layout: Layout
  readonly words: OrderWords
  readonly language: Language
  readonly startedAtMs: number
}

/** The order's way as a sequence diagram, one lane for each service. */
export function Sequence({ diagram, user, width }: { diagram: Diagram; user: string; width: number }) {
  const words = useWords(orderWords)
  const { language } = usePreferences()
  const layout = layoutOf(diagram, width)
  const drawing: Drawing = { layout, words, language, startedAtMs: diagram.startedAtMs }
  return (
    <svg className="sequence" width={layout.width} height={layout.height} aria-hidden="true" focusable="false">
      <defs>
        <marker
          id="head"
          viewBox="0 0 8 8"
          refX="7.4"
          refY="4"
          markerWidth="8"
          markerHeight="8"
          markerUnits="userSpaceOnUse"
          orient="auto-start-reverse"
        >
          <path d="M0 .6 8 4 0 7.4z" fill="context-stroke" />
        </marker>
      </defs>
      <Heads layout={layout} words={words} user={user} />
      {layout.rows.map(({ row, y, height }) => (
        <g key={row.key} className={`row row-${row.kind}`}>
          <rect className="under" x="0" y={y - height / 2} width={layout.width} height={height} rx="6" />
          <text className="at" x={sizes.gutter - 8} y={y + 4}>
            {offset(row, drawing)}
          </text>
          <RowPicture row={row} y={y} drawing={drawing} />
        </g>
      ))}
    </svg>
  )
}

const offset = (row: Row, { startedAtMs, language }: Drawing): string =>
  row.kind === 'wait' ? '' : `+${duration(Math.max(0, row.atMs - startedAtMs), language)}`

const Heads = memo(function Heads({ layout, words, user }: { layout: Layout; words: OrderWords; user: string }) {
  return (
    <g className="heads">
      {lanes.map((lane) => (
        <g key={lane} className={`lane lane-${lane}`}>
          <line className="life" x1={layout.x[lane]} x2={layout.x[lane]} y1={sizes.head - 8} y2={layout.height} />
          <text x={layout.x[lane]} y={sizes.head - 20}>
            {words.lanes[lane] || user}
          </text>
        </g>
      ))}
      {layout.downtimes.map(({ lane, from, until }) => (
        <rect
          key={`${lane}-${from}`}
          className="downtime"
          x={layout.x[lane] - 5}
          width="10"
          y={from}
          height={Math.max(0, until - from)}
          rx="5"
        />
      ))}
    </g>
  )
})

function RowPicture({ row, y, drawing }: { row: Row; y: number; drawing: Drawing }): ReactNode {
  switch (row.kind) {
    case 'call':
      return <CallPicture row={row} y={y} drawing={drawing} />
    case 'event':
      return <EventPicture row={row} y={y} drawing={drawing} />
    case 'step':
      return <StepPicture row={row} y={y} drawing={drawing} />
    case 'down':
    case 'back':
      return <OutagePicture row={row} y={y} drawing={drawing} />
    case 'wait':
      return <WaitPicture row={row} y={y} drawing={drawing} />
  }
}

interface Picture<R extends Row> {
  readonly row: R
  readonly y: number
  readonly drawing: Drawing
}

/** Text along an arrow: in its middle when it fits there, else from the left end on over what is free. */
function along(
  x1: number,
  x2: number,
  text: string,
  width: number,
): { x: number; textAnchor: 'start' | 'middle' | 'end' } {
  const left = Math.min(x1, x2)
  const estimated = text.length * 6.2
  if (estimated < Math.abs(x2 - x1) - 8) return { x: (x1 + x2) / 2, textAnchor: 'middle' }
  if (left + 6 + estimated < width) return { x: left + 6, textAnchor: 'start' }
  return { x: Math.max(x1, x2) - 6, textAnchor: 'end' }
}

function CallPicture({ row, y, drawing: { layout, words, language } }: Picture<CallRow>) {
  const [x1, x2] = [layout.x[row.from], layout.x[row.to]]
  const parts = [
    row.name.replace(/^\w+Service\//, ''),
    row.error === undefined ? undefined : shortError(row.error),
    row.tries > 1 ? words.tries(row.tries) : undefined,
    duration(row.durationMs, language),
  ].filter((part) => part !== undefined)
  const text = parts.join(' · ')
  return (
    <g className={`p-${row.protocol}${row.error === undefined ? '' : ' failed'}`}>
      <title>{`${row.fromInstance || words.lanes[row.from]} → ${row.toInstance ?? words.lanes[row.to]}: ${row.name}, ${row.error ?? row.status ?? ''}`}</title>
      <line className="line" x1={x1} x2={x2 + (x2 > x1 ? -2 : 2)} y1={y + 7} y2={y + 7} markerEnd="url(#head)" />
      <circle className="end" cx={x1} cy={y + 7} r="3" />
      <text className="label" {...along(x1, x2, text, layout.width)} y={y - 2}>
        {text}
      </text>
      {row.sql && <Cylinder x={x2} y={y + 8} sql={row.sql} side={x2 > x1 ? 1 : -1} drawing={{ words, language }} />}
    </g>
  )
}

/** "14 UNAVAILABLE: No connection …" → UNAVAILABLE; anything else in its first words. */
const shortError = (error: string): string => /\b[A-Z_]{5,}\b/.exec(error)?.[0] ?? error.slice(0, 36)

function EventPicture({ row, y, drawing }: Picture<EventRow>) {
  const { layout, words, language } = drawing
  const { x } = layout
  const middle = x.topics
  const from = x[row.from]
  const side = Math.sign(from - middle)
  const takers = row.takers.filter(({ lane }) => lane !== 'topics')
  const [leftmost, rightmost] = [
    Math.min(middle, ...takers.map(({ lane }) => x[lane])),
    Math.max(middle, ...takers.map(({ lane }) => x[lane])),
  ]
  const look =
    row.status === 'completed'
      ? 'good'
      : row.status === 'rejected' || row.status === 'cancelled'
        ? 'bad'
        : row.status
          ? 'strong'
          : ''
  return (
    <g className={row.task ? 'p-task' : 'p-topic'}>
      <title>{`${row.fromInstance} → ${row.topic} → ${takers.map(({ instance }) => instance).join(', ')}`}</title>
      <circle className="end" cx={from} cy={y - 5} r="3" />
      <line
        className="line"
        x1={from}
        x2={middle + side * (sizes.pill - 3)}
        y1={y - 5}
        y2={y - 5}
        markerEnd="url(#head)"
      />
      {leftmost < middle && (
        <line className="line taken" x1={middle - sizes.pill + 4} x2={leftmost + 6} y1={y + 7} y2={y + 7} />
      )}
      {rightmost > middle && (
        <line className="line taken" x1={middle + sizes.pill - 4} x2={rightmost - 6} y1={y + 7} y2={y + 7} />
      )}
      {takers.map((taker) => {
        const at = x[taker.lane]
        const way = Math.sign(at - middle)
        return (
          <g key={`${taker.instance}-${taker.afterMs}`} className={taker.deduplicated ? 'repeated' : undefined}>
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
      })}
      <rect
        className={`pill ${look}`}
        x={middle - sizes.pill + 4}
        y={y - 13}
        width={2 * sizes.pill - 8}
        height="26"
        rx={row.task ? 5 : 13}
      />
      <text className={`pill-type ${look}`} x={middle} y={y - 1}>
        {row.type}
      </text>
      <text className={`pill-topic ${look}`} x={middle} y={y + 9}>
        {row.topic}
      </text>
      {(row.frame || row.mail) && <ToUser row={row} y={y} layout={layout} />}
    </g>
  )
}

/** Whoever took an event later than this was away, or busy: the arrow says how late. */
const lateMs = 300

const takerText = (taker: EventRow['takers'][number], words: OrderWords, language: Language): string =>
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

function StepPicture({ row, y, drawing: { layout, language } }: Picture<StepRow>) {
  const x = layout.x[row.lane]
  const text = stepWords(language, row.entry).what
  const left = x > layout.width * 0.6
  return (
    <g className={`p-${row.via === 'queue' ? 'task' : row.via}`}>
      <circle className="end" cx={x} cy={y} r="4.500" />
      <text className="label" x={x + (left ? -10 : 10)} y={y + 4} textAnchor={left ? 'end' : 'start'}>
        {text}
      </text>
    </g>
  )
}

function OutagePicture({ row, y, drawing: { layout, words, language } }: Picture<OutageRow>) {
  const x = layout.x[row.service as Lane]
  const lasted = row.lastedMs === undefined ? undefined : duration(row.lastedMs, language)
  const what =
    row.kind === 'down'
      ? [words.downCauses[row.cause], lasted === undefined ? undefined : words.downSince(lasted)]
          .filter(Boolean)
          .join(', ')
      : words.back(lasted ?? '')
  const left = x + 15 + (row.instances.join(', ').length + what.length + 1) * 6.8 > layout.width
  return (
    <g className={`outage ${row.kind}`}>
      <circle cx={x} cy={y} r="8.500" />
      <path d={row.kind === 'down' ? `M${x - 3.5} ${y - 3.5}l7 7m0-7l-7 7` : `M${x - 4} ${y}l3 3l5-6`} />
      <text x={x + (left ? -15 : 15)} y={y + 4} textAnchor={left ? 'end' : 'start'}>
        <tspan className="who">{row.instances.join(', ')}</tspan> {what}
      </text>
    </g>
  )
}

function WaitPicture({ row, y, drawing: { layout, words, language } }: Picture<WaitRow>) {
  const text = (row.down ? words.waitsDown : words.waits)[row.status] ?? ''
  const x = layout.x.topics
  const length = duration(row.untilMs - row.atMs, language)
  return (
    <g className={`wait${row.down ? ' down' : ''}${row.live ? ' live' : ''}`}>
      <rect x={sizes.gutter} y={y - 12} width={layout.width - sizes.gutter - 8} height="24" rx="12" />
      <text x={x} y={y + 4}>
        <tspan className="length">{length}</tspan> {text}
      </text>
      {row.live && <circle className="pulse" cx={sizes.gutter + 14} cy={y} r="4" />}
    </g>
  )
}

interface CylinderProps {
  readonly x: number
  readonly y: number
  readonly sql: Statements
  readonly side: number
  readonly drawing: Pick<Drawing, 'words' | 'language'>
}

/** The service's own database, and how many statements it was asked. */
function Cylinder({ x, y, sql, side, drawing: { words, language } }: CylinderProps) {
  const at = x + (side >= 0 ? 7 : -17)
  return (
    <g className="p-sql" transform={`translate(${at} ${y - 6})`}>
      <title>{words.sql(sql.count, duration(sql.ms, language))}</title>
      <path className="cylinder" d="M0 2.200a4 1.700 0 0 1 8 0v7a4 1.700 0 0 1-8 0zm0 0a4 1.700 0 0 0 8 0" />
      <text x={side >= 0 ? 11 : -3} y="9.500" textAnchor={side >= 0 ? 'start' : 'end'}>
        {sql.count}
      </text>
    </g>
  )
}
