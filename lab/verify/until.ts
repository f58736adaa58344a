/** Waiting for what must become true. */
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Looks until there is something other than undefined or false. A look that throws counts as "not yet".
 * @throws Error that names what did not come, and what the last look gave.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs = 25_000, everyMs = 100 } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const seen = await look()
      if (seen !== undefined && seen !== false) return seen
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline)
      throw new Error(`waited ${timeoutMs / 1_000} s for ${what}${last === undefined ? '' : ` (${String(last)})`}`)
    await delay(everyMs)
  }
}
