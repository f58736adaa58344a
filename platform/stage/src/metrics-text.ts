/** What a process says of itself in figures, in Prometheus' text format 0.0.4. */

export type MetricLabels = Readonly<Record<string, string | number>>
export type MetricSamples = Iterable<readonly [labels: MetricLabels, value: number | bigint]>

export const metricsMediaType = 'text/plain; version=0.0.4'

/** One metric with its help and its samples, each line ended. Values of labels may be any text. */
export function metricText(name: string, type: 'counter' | 'gauge', help: string, samples: MetricSamples): string {
  let text = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
  for (const [labels, value] of samples) {
    const pairs = labelPairs(labels)
    text += pairs === '' ? `${name} ${value}\n` : `${name}{${pairs}} ${value}\n`
  }
  return text
}

/** The texts of metrics without labels, whose names begin with that of their process: `mail_sink` makes `mail_sink_mails`. */
export const metricsOf = (process: string) => ({
  counter: (name: string, help: string, value: number): string =>
    metricText(`${process}_${name}`, 'counter', help, [[{}, value]]),
  gauge: (name: string, help: string, value: number): string =>
    metricText(`${process}_${name}`, 'gauge', help, [[{}, value]]),
})

/** `name="value",…`, as it is between braces. */
export const labelPairs = (labels: MetricLabels): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(String(value))}"`)
    .join(',')

const escaped = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
