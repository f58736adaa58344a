/** Series of numbers over time as lines in a box. Pure. */
import type { TelemetryReply } from '@svyaz/contracts/telemetry.ts'

type Range = TelemetryReply<'metricRange'>
type Series = Range['series'][number]

export interface Line {
  readonly name: string
  /** For SVG, in a box of 1000 × 100; a gap where there was no number. */
  readonly path: string
  readonly last: number | undefined
  readonly peak: number
}

export interface Curves {
  readonly lines: readonly Line[]
  /** What the top of the box stands for. */
  readonly top: number
  /** Lines beyond those that are drawn. */
  readonly left: number
}

/** The largest are drawn: more lines than colours tell nothing. */
export const linesMax = 8

/** @param by labels that name a line */
export function curvesOf({ fromMs, toMs, series }: Range, by: readonly string[]): Curves {
  const known = series
    .map((one) => ({ one, peak: peakOf(one) }))
    .toSorted((a, b) => b.peak - a.peak || (nameOf(a.one, by) < nameOf(b.one, by) ? -1 : 1))
  const top = niceAbove(known[0]?.peak ?? 0)
  const lines = known.slice(0, linesMax).map(({ one, peak }) => ({
    name: nameOf(one, by),
    path: pathOf(one, fromMs, toMs, top),
    last: one.points.findLast(([, value]) => value !== null)?.[1] ?? undefined,
    peak,
  }))
  return { lines, top, left: Math.max(0, known.length - linesMax) }
}

const nameOf = ({ labels }: Series, by: readonly string[]): string =>
  by.flatMap((label) => labels[label] ?? []).join(' ← ')

const peakOf = ({ points }: Series): number => points.reduce((most, [, value]) => Math.max(most, value ?? 0), 0)

function pathOf({ points }: Series, fromMs: number, toMs: number, top: number): string {
  let path = ''
  let drawing = false
  for (const [atMs, value] of points) {
    if (value === null) {
      drawing = false
      continue
    }
    const x = (1_000 * (atMs - fromMs)) / Math.max(1, toMs - fromMs)
    const y = 100 - (100 * value) / top
    path += `${drawing ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(2)}`
    drawing = true
  }
  return path
}

/** 1, 2 or 5 times a power of ten, not below the value; 1 for nothing. */
export function niceAbove(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * 0.999_999) ?? value
}
