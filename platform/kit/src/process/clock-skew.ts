/**
 * Whether the clock of this process agrees with another's, by what comes anyway: the `Date` of an answer (whole seconds).
 * Reliability rule 19, decision 0038. The comparison is pure.
 */
import type { Core } from '../core.ts'

/** Told beyond this. Tokens are refused beyond 5 s (identity.ts), so that there is time to look. */
export const apartMsTold = 2_000
const dateResolutionMs = 1_000

/** Of one exchange: wall ms of this process around it, and the other's `Date` in ms. */
export interface Exchanged {
  readonly sentAt: number
  readonly receivedAt: number
  readonly date: number
}

/**
 * How far this clock is certainly ahead of the other, in ms; negative when behind, 0 when the exchange took too long, or
 * `Date` is too coarse, to say that they differ.
 */
export const apartMs = ({ sentAt, receivedAt, date }: Exchanged): number => {
  const aheadAtLeast = sentAt - (date + dateResolutionMs)
  const behindAtLeast = receivedAt - date
  return aheadAtLeast > 0 ? aheadAtLeast : behindAtLeast < 0 ? behindAtLeast : 0
}

/** Compares with each answer of `peer`; keeps the gauge, and writes a line when it turns. */
export const watchClock = (core: Pick<Core, 'log' | 'metrics'>, peer: string): ((exchanged: Exchanged) => void) => {
  const gauge = core.metrics.gauge(
    'svyaz_clock_apart_seconds',
    'How far the clock of this process is ahead of the other, behind when negative, as far as is certain',
    ['peer'],
  )
  let apart = false
  return (exchanged) => {
    // Neither an answer without a date nor a clock that was set meanwhile says anything.
    if (!Number.isFinite(exchanged.date) || exchanged.receivedAt < exchanged.sentAt) return
    const ms = apartMs(exchanged)
    gauge.set(ms / 1000, { peer })
    const now = Math.abs(ms) > apartMsTold
    if (now === apart) return
    apart = now
    const line = { peer, aheadSeconds: Math.round(ms / 1000) }
    if (now)
      core.log.warn(line, 'the clock of this process and the other are apart: beyond 5 s services refuse each other')
    else core.log.info(line, 'the clocks agree again')
  }
}
