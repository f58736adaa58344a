/**
 * Wall time in whole µs. The machine's millisecond clock and the process's monotonic one are brought together at the
 * moment at which the first ticks, so that processes of one machine agree within a few µs (`performance`'s own origin
 * may be off by more than a hop takes).
 */

/** How far the wall clock may be from what was expected before it counts as set. */
const clockSetMs = 2
/**
 * The wall clock was looked at twice within this, and ticked in between. A longer time means that the process was
 * interrupted, and the tick lies anywhere in it.
 */
const gapMsGood = 0.002
const ticksMax = 16

/**
 * Follows the wall clock when that is set forward; when it is set back, stands until it is there again or goes on by
 * 1 µs at a time. Spins for a tick, usually below 1 ms and never longer than {@link ticksMax} of them, at the first call
 * and whenever the wall clock was set.
 *
 * @param wallMs whole milliseconds since 1970; @param monotonicMs with fractions
 */
export const createMicros = (wallMs: () => number, monotonicMs: () => number): (() => number) => {
  /** Wall time in µs at the monotonic clock's zero. */
  const originAtTick = (): number => {
    let best = { gapMs: Number.POSITIVE_INFINITY, origin: 0 }
    for (let ticks = 0; ticks < ticksMax && best.gapMs > gapMsGood; ticks += 1) {
      // Monotonic, wall, monotonic, wall, …: a tick falls between the monotonic times around both looks at the wall.
      let from = monotonicMs()
      for (let before = wallMs(), between = monotonicMs(); ; ) {
        const now = wallMs()
        const until = monotonicMs()
        if (now !== before) {
          const gapMs = until - from
          if (gapMs < best.gapMs) best = { gapMs, origin: (now - (from + until) / 2) * 1_000 }
          break
        }
        from = between
        between = until
      }
    }
    return best.origin
  }

  const isSet = (origin: number): boolean => {
    const before = monotonicMs()
    const wall = wallMs()
    const after = monotonicMs()
    const expected = origin / 1_000 + before
    return wall < expected - clockSetMs || wall > expected + (after - before) + clockSetMs
  }

  let origin: number | undefined
  let last = 0
  return () => {
    origin ??= originAtTick()
    let now = Math.floor(origin + monotonicMs() * 1_000)
    // Seldom, and mostly because of an interruption between the two clocks: only then it is worth a closer look.
    if (Math.abs(now / 1_000 - wallMs()) > clockSetMs && isSet(origin)) {
      origin = originAtTick()
      now = Math.floor(origin + monotonicMs() * 1_000)
    }
    last = Math.max(now, last + 1)
    return last
  }
}
