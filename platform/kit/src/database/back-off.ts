/** How long to wait before trying again: full jitter over a doubling ceiling, so that many waiters spread out. */

/**
 * @param attempt 1 for the wait after the first failure
 * @returns whole milliseconds in [ceiling / 2, ceiling], the ceiling doubling from `baseMs` up to `maxMs`
 */
export const backOffMs = (attempt: number, baseMs: number, maxMs: number, random: () => number): number => {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 30))
  return Math.round(ceiling / 2 + random() * (ceiling / 2))
}
