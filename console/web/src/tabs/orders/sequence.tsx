/**
 * The diagram as SVG. It shows the same rows as the list beside it (steps.tsx), which is what a screen reader gets; so
 * this picture is hidden from it.
 */
import { memo, type ReactNode } from 'react'
import { duration } from '../../shell/format.ts'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import {
  type CallRow,
  type Diagram,
  type Lane,
  lanes,
  type OutageRow,
  type Row,
  type StepRow,
  type WaitRow,
} from './diagram.ts'
import { Cylinder, type Drawing, type Picture } from './drawing.tsx'
import { EventPicture } from './event-picture.tsx'
import { type Layout, layoutOf, sizes } from './layout.ts'
import { stepWords } from './story-words.ts'
import { type OrderWords, orderWords } from './words.ts'

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
