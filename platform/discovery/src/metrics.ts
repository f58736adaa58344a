/** Counters of the process and their text in the Prometheus exposition format 0.0.4. */

const secondsBuckets = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5]

interface Series {
  count: number
  sumSeconds: number
  readonly buckets: number[]
}

export interface Gauge {
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter'
  readonly samples: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[]
}

export class RequestMetrics {
  readonly #series = new Map<string, Series>()

  /** @param seconds time to answer; for a blocking query without the time it waited on purpose */
  record(method: string, route: string, status: number, seconds: number): void {
    const key = labelText({ method, route, status: String(status) })
    const series = this.#series.get(key) ?? { count: 0, sumSeconds: 0, buckets: secondsBuckets.map(() => 0) }
    series.count++
    series.sumSeconds += seconds
    for (const [position, bound] of secondsBuckets.entries()) if (seconds <= bound) series.buckets[position]!++
    this.#series.set(key, series)
  }

  lines(): string[] {
    const name = 'http_request_duration_seconds'
    const lines = [`# HELP ${name} Time to answer, waits on purpose left out.`, `# TYPE ${name} histogram`]
    for (const [labels, { count, sumSeconds, buckets }] of this.#series) {
      for (const [position, bound] of secondsBuckets.entries()) {
        lines.push(`${name}_bucket{${labels},le="${bound}"} ${buckets[position]}`)
      }
      lines.push(`${name}_bucket{${labels},le="+Inf"} ${count}`)
      lines.push(`${name}_sum{${labels}} ${sumSeconds}`, `${name}_count{${labels}} ${count}`)
    }
    return lines
  }
}

/** A metric in Prometheus' text format, with its help and type. */
export function gaugeLines({ name, help, type, samples }: Gauge): string[] {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
  for (const [labels, value] of samples) {
    const text = labelText(labels)
    lines.push(text === '' ? `${name} ${value}` : `${name}{${text}} ${value}`)
  }
  return lines
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (sign) => (sign === '\n' ? '\\n' : `\\${sign}`))}"`)
    .join(',')
}
