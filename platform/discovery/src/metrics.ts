/** What requests took, and its text in Prometheus' format. */
import { labelPairs } from '@svyaz/stage/metrics-text'

const secondsBuckets = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5]

interface Series {
  count: number
  sumSeconds: number
  readonly buckets: number[]
}

export class RequestMetrics {
  readonly #series = new Map<string, Series>()

  /** @param seconds time to answer; for a blocking query without the time it waited on purpose */
  record(method: string, route: string, status: number, seconds: number): void {
    const key = labelPairs({ method, route, status: String(status) })
    const series = this.#series.get(key) ?? { count: 0, sumSeconds: 0, buckets: secondsBuckets.map(() => 0) }
    series.count++
    series.sumSeconds += seconds
    for (const [position, bound] of secondsBuckets.entries()) if (seconds <= bound) series.buckets[position]!++
    this.#series.set(key, series)
  }

  /** A histogram by method, route and status. */
  text(): string {
    const name = 'http_request_duration_seconds'
    const lines = [`# HELP ${name} Time to answer, waits on purpose left out.`, `# TYPE ${name} histogram`]
    for (const [labels, { count, sumSeconds, buckets }] of this.#series) {
      for (const [position, bound] of secondsBuckets.entries()) {
        lines.push(`${name}_bucket{${labels},le="${bound}"} ${buckets[position]}`)
      }
      lines.push(`${name}_bucket{${labels},le="+Inf"} ${count}`)
      lines.push(`${name}_sum{${labels}} ${sumSeconds}`, `${name}_count{${labels}} ${count}`)
    }
    return `${lines.join('\n')}\n`
  }
}
