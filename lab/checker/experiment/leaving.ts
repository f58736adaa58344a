/**
 * How the program of an experiment ends before its time: it is asked to, or nobody is there any more, or it fails itself.
 * Whatever it is, what the experiment broke is mended before the process ends (decision 0091).
 */

import { endSignals, meaningOf, sameSignalMs } from '@svyaz/system/supervisor/asked-to-end.ts'

export interface Leaving {
  /** Aborts when no further fault is wanted. */
  readonly stopping: AbortSignal
  /** The experiment is over: ends the process with this code, or as it is being left, once everything is mended. */
  over(code: number): Promise<never>
}

/**
 * Listens to this process's signals, input and outputs. A line on the input asks for an end in order; the end of the
 * input, or an output that nobody reads any more, is that whoever began the experiment has gone.
 *
 * @param mend brings everything back; awaited before the process ends
 * @param failed is told what nobody caught
 * @param sameMs how long after the first signal another is the same; a later one ends the process at once (decision 0106)
 */
export function leaveInOrder(
  mend: () => Promise<void>,
  failed: (error: unknown) => void,
  sameMs: number = sameSignalMs,
): Leaving {
  const stopping = new AbortController()
  let left: Promise<never> | undefined
  const leave = () => {
    stopping.abort()
    left ??= mend()
      .catch(() => undefined)
      .then(() => process.exit(1))
  }
  let firstMs: number | undefined
  const heard = () => {
    if (meaningOf(firstMs, performance.now(), sameMs) === 'second') process.exit(1)
    firstMs ??= performance.now()
    leave()
  }
  for (const signal of endSignals) process.on(signal, heard)
  process.stdin
    .on('data', () => stopping.abort())
    .on('end', leave)
    .on('error', leave)
  // Without a listener the next line that is said would end the process in the middle of mending.
  process.stdout.on('error', leave)
  process.stderr.on('error', () => undefined)
  process.on('uncaughtException', (error) => {
    failed(error)
    leave()
  })
  return { stopping: stopping.signal, over: (code) => left ?? process.exit(code) }
}
