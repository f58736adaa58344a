/** What a process took over a run: samples of its totals become a curve. Pure. */

export interface Sample {
  /** Of a steady clock. */
  readonly atMs: number
  /** Sent since the beginning. */
  readonly spans: number
  /** Since the process began. */
  readonly cpuMs: number
  readonly pssBytes: number | undefined
}

export interface Point {
  /** Since the beginning of the run, at the end of this stretch. */
  readonly atSeconds: number
  readonly spansPerSecond: number
  /** Seconds of CPU a second. */
  readonly cpu: number
  /** The most of the stretch. */
  readonly memoryMb: number
}

export interface Curve {
  /** Stretches of one length, some dozens at most. */
  readonly points: readonly Point[]
  /** Over the whole run. */
  readonly cpu: number
  readonly memoryBeforeMb: number
  readonly memoryMostMb: number
}

const pointsMax = 20

/** @param samples at least two, in order; the first is the beginning */
export function curveOf(samples: readonly Sample[]): Curve {
  const [first, last] = [samples[0]!, samples.at(-1)!]
  const size = Math.ceil((samples.length - 1) / pointsMax)
  const points = Array.from({ length: Math.ceil((samples.length - 1) / size) }, (_, at) => {
    const stretch = samples.slice(at * size, (at + 1) * size + 1)
    const [from, to] = [stretch[0]!, stretch.at(-1)!]
    return {
      atSeconds: Math.round((to.atMs - first.atMs) / 1_000),
      spansPerSecond: Math.round((to.spans - from.spans) / ((to.atMs - from.atMs) / 1_000)),
      cpu: share(from, to),
      memoryMb: most(stretch.slice(1)),
    }
  })
  return { points, cpu: share(first, last), memoryBeforeMb: most([first]), memoryMostMb: most(samples) }
}

const share = (from: Sample, to: Sample): number => Number(((to.cpuMs - from.cpuMs) / (to.atMs - from.atMs)).toFixed(3))
const most = (samples: readonly Sample[]): number =>
  Math.round(Math.max(...samples.map((one) => one.pssBytes ?? 0)) / 1e6)
