/** Where the rows of a diagram stand: pure geometry, in the units of an SVG of the width given. */
import { type Diagram, type Lane, lanes, type Row } from './diagram.ts'

export const sizes = {
  gutter: 58,
  head: 46,
  row: 36,
  wait: 34,
  /** Half of a topic's pill. */
  pill: 76,
  laneMin: 68,
  foot: 14,
} as const

export interface PlacedRow {
  readonly row: Row
  /** Middle of the row. */
  readonly y: number
  readonly height: number
}

export interface Layout {
  readonly width: number
  readonly height: number
  /** Middle of each lane. */
  readonly x: Readonly<Record<Lane, number>>
  readonly rows: readonly PlacedRow[]
  readonly downtimes: readonly { readonly lane: Lane; readonly from: number; readonly until: number }[]
}

/** The least width that a diagram can be read at. */
export const widthMin = sizes.gutter + (lanes.length - 1) * sizes.laneMin + 2 * sizes.pill

/**
 * Where everything of a diagram is drawn.
 * @param available px of width there are
 */
export function layoutOf(diagram: Diagram, available: number): Layout {
  const width = Math.max(widthMin, available)
  const lane = (width - sizes.gutter - 2 * sizes.pill) / (lanes.length - 1)
  const x = {} as Record<Lane, number>
  let left = sizes.gutter
  for (const name of lanes) {
    const own = name === 'topics' ? 2 * sizes.pill : lane
    x[name] = Math.round(left + own / 2)
    left += own
  }
  let y: number = sizes.head
  const rows = diagram.rows.map((row): PlacedRow => {
    const height = row.kind === 'wait' ? sizes.wait : sizes.row
    y += height
    return { row, y: y - height / 2, height }
  })
  const bottom = y + sizes.foot
  const yOf = (key: string | undefined) => rows.find(({ row }) => row.key === key)?.y
  return {
    width,
    height: bottom,
    x,
    rows,
    downtimes: diagram.downtimes.map(({ lane: name, fromKey, untilKey }) => ({
      lane: name,
      from: yOf(fromKey) ?? sizes.head,
      until: yOf(untilKey) ?? bottom - sizes.foot,
    })),
  }
}
