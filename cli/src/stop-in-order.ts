/** Ctrl-C for what breaks parts of a running system: once to end in order, twice to end at once. */

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * npm passes Ctrl-C on to what it runs, which has it from the terminal already: within this time it is the same one
 * (reliability, rule 14).
 */
const sameSignalMs = 1_000

/** Whether a signal is the first, the first one again, or asks a second time. Pure. @param firstMs when the first came */
export function meaningOf(firstMs: number | undefined, nowMs: number): 'first' | 'same' | 'second' {
  if (firstMs === undefined) return 'first'
  return nowMs - firstMs <= sameSignalMs ? 'same' : 'second'
}

/**
 * Aborts at the first signal; the process ends itself then.
 * @param atOnce called with each signal after the first: it ends the process
 */
export function stopInOrder(atOnce: () => void): AbortSignal {
  const stopping = new AbortController()
  let firstMs: number | undefined
  const heard = () => {
    const meaning = meaningOf(firstMs, performance.now())
    if (meaning === 'second') return atOnce()
    firstMs ??= performance.now()
    stopping.abort()
  }
  for (const signal of signals) process.on(signal, heard)
  return stopping.signal
}
