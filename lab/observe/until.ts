/** Waiting for what must become true: for conditions, never for time to pass. */
import { setTimeout as delay } from 'node:timers/promises'

type Look<T> = () => Promise<T | undefined | false> | T | undefined | false

export interface Patience {
  readonly timeoutMs?: number
  /** Between two looks. */
  readonly everyMs?: number
  /** Called once when patience ends: what a reader needs to find the cause. */
  readonly explain?: () => Promise<string> | string
}

/**
 * Looks until there is something other than undefined or false, and returns it. A look that throws counts as "not yet":
 * processes are killed while others look.
 * @throws Error that names what did not come, what the last look gave, and the explanation
 */
export async function until<T>(
  what: string,
  look: Look<T>,
  { timeoutMs = 25_000, everyMs = 100, explain }: Patience = {},
): Promise<T> {
  const last: LastLook = {}
  const seen = await within(look, timeoutMs, everyMs, last)
  if (seen !== undefined) return seen
  const told = explain ? await Promise.resolve(explain()).catch(String) : ''
  const found = last.error === undefined ? '' : ` (${String(last.error)})`
  throw new Error(`waited ${timeoutMs / 1_000} s for ${what}${found}${told === '' ? '' : `\n${told}`}`, {
    cause: last.error,
  })
}

interface LastLook {
  error?: unknown
}

/**
 * The same for those who go on without it.
 * @param last is told why the last look failed
 * @returns undefined when the time was over
 */
export async function within<T>(
  look: Look<T>,
  timeoutMs: number,
  everyMs = 100,
  last: LastLook = {},
): Promise<T | undefined> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    try {
      const seen = await look()
      if (seen !== undefined && seen !== false) return seen
      delete last.error
    } catch (error) {
      last.error = error
    }
    if (performance.now() > deadline) return undefined
    await delay(everyMs)
  }
}
