/** Waiting for conditions: never for time. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Patience {
  readonly timeoutMs?: number
  /** Between two looks. */
  readonly everyMs?: number
  /** Called once when patience ends: what a reader needs to find the cause. */
  readonly explain?: () => Promise<string> | string
}

/**
 * Looks until `condition` gives something other than undefined or false, and gives it back. A look that throws counts
 * as "not yet": services are killed while tests look.
 * @throws Error naming `what` was waited for, the last look, and the explanation.
 */
export async function until<T>(
  what: string,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs = 20_000, everyMs = 100, explain }: Patience = {},
): Promise<T> {
  const startedAt = performance.now()
  let last: unknown
  for (;;) {
    try {
      const seen = await condition()
      if (seen !== undefined && seen !== false) return seen
      last = seen
    } catch (error) {
      last = error
    }
    if (performance.now() - startedAt > timeoutMs) break
    await delay(everyMs)
  }
  const told = explain ? await Promise.resolve(explain()).catch((error: unknown) => String(error)) : ''
  throw new Error(`waited ${timeoutMs} ms for ${what}; the last look gave ${String(last)}\n${told}`, {
    cause: last instanceof Error ? last : undefined,
  })
}
