/** What a signal asks of a process that has something to put in order before it ends. */

/** Of these, each asks for an end. */
export const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * npm passes Ctrl-C on to what it runs, which has it from the terminal already, and two people may press a button at once:
 * within this time it is the same one (reliability, rule 14).
 */
export const sameSignalMs = 1_000

/** Whether a signal is the first, the first one again, or asks a second time. Pure. @param firstMs when the first came */
export function meaningOf(
  firstMs: number | undefined,
  nowMs: number,
  sameMs = sameSignalMs,
): 'first' | 'same' | 'second' {
  if (firstMs === undefined) return 'first'
  return nowMs - firstMs <= sameMs ? 'same' : 'second'
}
