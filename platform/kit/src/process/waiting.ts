/** Two ways of waiting that a promise alone does not give. */
import type { Clock } from '../api.ts'

/** Resolves when the signal is aborted. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** Resolves when the promise is settled, whatever became of it, or after `limitMs`. */
export async function within(clock: Clock, promise: Promise<unknown>, limitMs: number): Promise<void> {
  const enough = new AbortController()
  const settled = promise.then(
    () => undefined,
    () => undefined,
  )
  await Promise.race([settled, clock.delay(limitMs, enough.signal).catch(() => undefined)])
  enough.abort()
}
