/** What MC1 says a few times a second → the course of a session. Pure. */
import { keep, type RelayNow, type RelayPoint } from '../../protocol.ts'

export interface Course {
  /** 0 before the first. */
  readonly sessionId: number
  readonly storedBefore: number
  readonly points: readonly RelayPoint[]
}

export const noCourse: Course = { sessionId: 0, storedBefore: 0, points: [] }

/** Two looks closer than this give no rate. */
const lookSecondsMin = 0.05

/**
 * Adds a look. Between sessions the last course stays; a session of which nobody saw the beginning starts where it is.
 * When there are too many points every second one goes, so that the whole session stays in view.
 */
export function withLook(course: Course, { session, hops }: RelayNow): Course {
  if (session === null) return course
  const { sessionId, durationSeconds, stored } = session
  const fresh = sessionId !== course.sessionId
  const before = fresh ? undefined : course.points.at(-1)
  const seconds = durationSeconds - (before?.atSeconds ?? 0)
  if (seconds < lookSecondsMin) return fresh ? { sessionId, storedBefore: 0, points: [] } : course
  const point: RelayPoint = {
    atSeconds: durationSeconds,
    messagesPerSecond: Math.max(0, stored - (fresh ? 0 : course.storedBefore)) / seconds,
    ...(hops === null ? {} : { medianMicros: hops.total.p50 }),
  }
  const points = [...(fresh ? [] : course.points), point]
  return { sessionId, storedBefore: stored, points: points.length > keep.relayPoints ? thinned(points) : points }
}

/** Half as many, each of them the mean rate of two. */
const thinned = (points: readonly RelayPoint[]): RelayPoint[] =>
  points.flatMap((second, index) => {
    const first = points[index - 1]
    if (index % 2 === 0 || first === undefined) return index === points.length - 1 ? [second] : []
    const from = points[index - 2]?.atSeconds ?? 0
    const messages =
      first.messagesPerSecond * (first.atSeconds - from) +
      second.messagesPerSecond * (second.atSeconds - first.atSeconds)
    return [{ ...second, messagesPerSecond: messages / (second.atSeconds - from) }]
  })
