/**
 * Ctrl-C for what breaks parts of a running system: once to end in order, twice to end at once. What nobody caught is like
 * the first one: it doesn't end the process before what is broken is mended.
 */

import { endSignals, meaningOf } from '@svyaz/system/supervisor/asked-to-end.ts'

/**
 * Aborts at the first signal; the process ends itself then.
 * @param atOnce called with each signal after the first: it ends the process
 * @param failed is told what nobody caught
 */
export function stopInOrder(atOnce: () => void, failed: (error: Error) => void): AbortSignal {
  const stopping = new AbortController()
  let firstMs: number | undefined
  const heard = () => {
    const meaning = meaningOf(firstMs, performance.now())
    if (meaning === 'second') return atOnce()
    firstMs ??= performance.now()
    stopping.abort()
  }
  for (const signal of endSignals) process.on(signal, heard)
  process.on('uncaughtException', (error) => {
    failed(error)
    stopping.abort()
  })
  return stopping.signal
}
