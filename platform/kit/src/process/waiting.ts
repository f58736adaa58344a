/** Ways of waiting that a promise alone does not give. */
import type { Clock } from '../api.ts'

/** Resolves when the signal is aborted. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/**
 * Acts when the signal is aborted, at once when it is so already: an abort that came while the caller waited for
 * something else tells no listener any more.
 *
 * @returns what makes it forget that
 */
export const whenAborted = (signal: AbortSignal | undefined, act: () => void): (() => void) => {
  if (signal?.aborted) act()
  else signal?.addEventListener('abort', act, { once: true })
  return () => signal?.removeEventListener('abort', act)
}

/** The promise, or the reason of the signal: without leaving a listener behind on each turn. */
export function firstOf<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      promise.catch(() => undefined)
      return reject(signal.reason)
    }
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

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
