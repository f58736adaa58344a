/** A fault that lasts is said once, and again only after a while; another one is said at once. */
import type { Log } from '@svyaz/stage'

const againAfterMs = 60_000
/** Faults that are told apart; beyond them all are one. */
const faultsMax = 100

/**
 * @param now monotonic ms
 * @returns what hears of faults: an error, or anything else that says what is wrong
 */
export function sayFaults(log: Log, message: string, now: () => number): (fault: unknown) => void {
  const saidAtMs = new Map<string, number>()
  return (fault) => {
    const text = String(fault)
    const key = saidAtMs.has(text) || saidAtMs.size < faultsMax ? text : ''
    const nowMs = now()
    if (nowMs - (saidAtMs.get(key) ?? Number.NEGATIVE_INFINITY) < againAfterMs) return
    saidAtMs.set(key, nowMs)
    log('warn', message, { error: text })
  }
}
