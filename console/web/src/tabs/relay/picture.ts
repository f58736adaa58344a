/** What the tab draws, as numbers. Pure. */
import type { RelayNow, RelayPicture, RelayPoint } from '../../../../protocol.ts'

/** The parts of a message's way, in their order. */
export const legs = ['mc1ToMc2', 'mc2ToMc3', 'mc3ToMc1', 'commit'] as const
export type Leg = (typeof legs)[number]

export type Mood = 'absent' | 'unknown' | 'away' | 'unlinked' | 'ready' | 'running' | 'stopping'

/** What the loop is doing, in one word. */
export const moodOf = ({ state, now }: RelayPicture): Mood => {
  if (state !== 'there' || now === undefined) return state === 'there' ? 'unknown' : state
  if (now.session !== null) return now.session.status === 'stopping' ? 'stopping' : 'running'
  return now.linked ? 'ready' : 'unlinked'
}

/** Shares of a whole, in per cent; all of them 0 when there is nothing. */
export const sharesOf = (micros: Readonly<Record<Leg, number>>): Record<Leg, number> => {
  const whole = legs.reduce((sum, leg) => sum + micros[leg], 0)
  return Object.fromEntries(legs.map((leg) => [leg, whole > 0 ? (100 * micros[leg]) / whole : 0])) as Record<
    Leg,
    number
  >
}

/** The longest of the latest messages: what the bars are drawn against. */
export const longest = (latest: RelayNow['latest']): number =>
  Math.max(1, ...latest.map((message) => message.total + message.commit))

const travelSeconds = [0.3, 0.5, 0.8, 1.2, 1.8, 2.7, 4, 6] as const

/** How long a dot takes for a hop: 1,000 times what a message takes, in steps, so that it doesn't leap at each look. */
export const travelOf = (micros: number): number =>
  travelSeconds.find((seconds) => seconds >= micros / 1_000) ?? travelSeconds.at(-1) ?? 6

/** More dots where more is under way. */
export const dotsOf = (inFlight: number): number => Math.min(6, 1 + Math.floor(Math.log2(Math.max(1, inFlight)) / 2))

/** The next 1, 2 or 5 × 10ⁿ. */
export const roundUp = (value: number): number => {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power
}

export interface Chart {
  /** SVG paths in a box of {@link chartBox}. */
  readonly line: string
  readonly area: string
  readonly most: number
  readonly seconds: number
}

export const chartBox = { width: 600, height: 140 } as const

/** @param intervalSeconds how long the session is to last: the box's width */
export function chartOf(points: readonly RelayPoint[], intervalSeconds: number): Chart {
  const { width, height } = chartBox
  const seconds = Math.max(intervalSeconds, points.at(-1)?.atSeconds ?? 0, 0.001)
  const most = roundUp(Math.max(0, ...points.map((point) => point.messagesPerSecond)))
  const places = points.map(({ atSeconds, messagesPerSecond }) => ({
    x: ((atSeconds / seconds) * width).toFixed(1),
    y: (height - (messagesPerSecond / most) * height).toFixed(1),
  }))
  const first = places[0]
  if (first === undefined) return { line: '', area: '', most, seconds }
  // The first look covers the time before it.
  const line = [`M0 ${first.y}`, ...places.map(({ x, y }) => `L${x} ${y}`)].join('')
  return { line, area: `${line}L${places.at(-1)?.x} ${height}L0 ${height}Z`, most, seconds }
}
