/**
 * How late the event loop is, without keeping a process that rests awake. prom-client samples it every 10 ms: in a
 * process with nothing to do that was nearly all it did, a hundred wake-ups a second (docs/cost.md). A loop that is
 * mostly idle is hardly ever late, so it is sampled every other second; one that is busy, as closely as is of use.
 */
import { createHistogram, type EventLoopUtilization, performance } from 'node:perf_hooks'

export const loopLagLimits = {
  atRestMs: 2_000,
  busyMs: 20,
  /** Share of the time in which the loop had something to do: from here on it is busy. */
  busyFrom: 0.25,
  /** The share is taken over at least so long, or a loop would seem busy for one long turn. */
  judgedOverMs: 1_000,
} as const

/** How long until the next sample, for a loop that had something to do for this share of the time. */
export const sampleAfterMs = (busyShare: number): number =>
  busyShare >= loopLagLimits.busyFrom ? loopLagLimits.busyMs : loopLagLimits.atRestMs

export interface LoopLag {
  meanSeconds: number
  p50Seconds: number
  p99Seconds: number
  maxSeconds: number
}

const nanosecondsPerMs = 1e6
const nanosecondsPerSecond = 1e9

/** Samples until the process ends, and holds no process open. */
export class LoopLagSampler {
  readonly #histogram = createHistogram()
  #judged: EventLoopUtilization = performance.eventLoopUtilization()
  #judgedAt = performance.now()
  #everyMs: number = loopLagLimits.atRestMs

  constructor() {
    this.#sampleSoon()
  }

  /** What was seen since the last call. */
  take(): LoopLag {
    const histogram = this.#histogram
    const seconds = (nanoseconds: number) => (histogram.count === 0 ? 0 : nanoseconds / nanosecondsPerSecond)
    const lag: LoopLag = {
      meanSeconds: seconds(histogram.mean),
      p50Seconds: seconds(histogram.percentile(50)),
      p99Seconds: seconds(histogram.percentile(99)),
      maxSeconds: seconds(histogram.max),
    }
    histogram.reset()
    return lag
  }

  #sampleSoon(): void {
    const dueAt = performance.now() + this.#everyMs
    setTimeout(() => {
      // A histogram takes whole numbers from 1 on.
      this.#histogram.record(Math.max(1, Math.round((performance.now() - dueAt) * nanosecondsPerMs)))
      this.#judge()
      this.#sampleSoon()
    }, this.#everyMs).unref()
  }

  #judge(): void {
    const now = performance.now()
    if (now - this.#judgedAt < loopLagLimits.judgedOverMs) return
    const total = performance.eventLoopUtilization()
    this.#everyMs = sampleAfterMs(performance.eventLoopUtilization(total, this.#judged).utilization)
    this.#judged = total
    this.#judgedAt = now
  }
}
