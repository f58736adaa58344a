/** Waiting for a condition, with a bound. */
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Looks until the condition holds; a look that throws counts as "not yet", since what is looked at is being killed.
 *
 * @returns what the condition gave, or undefined when the time was over
 */
export async function until<T>(
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs: number,
  everyMs = 100,
): Promise<T | undefined> {
  const startedAt = performance.now()
  for (;;) {
    const seen = await Promise.resolve()
      .then(condition)
      .catch(() => undefined)
    if (seen !== undefined && seen !== false) return seen
    if (performance.now() - startedAt > timeoutMs) return undefined
    await delay(everyMs)
  }
}
