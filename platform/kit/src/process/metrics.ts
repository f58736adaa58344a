/** A small facade over prom-client: services name a metric once and never see the registry. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Metrics } from '../api.ts'

/** Seconds; fine where a healthy loopback call lies, coarse where only trouble is. */
const defaultBucketsSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export interface MetricsRegistry extends Metrics {
  /** The Prometheus text exposition. */
  text(): Promise<string>
  contentType: string
}

/**
 * The process's metrics.
 * @param labels that every sample has
 */
export const createMetrics = (labels: Record<string, string>): MetricsRegistry => {
  const registry = new Registry()
  registry.setDefaultLabels(labels)
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const known = <T>(name: string, make: () => T): T => (registry.getSingleMetric(name) as T | undefined) ?? make()
  return {
    counter(name, help, labelNames = []) {
      const metric = known(name, () => new Counter({ name, help, labelNames: [...labelNames], registers }))
      return { inc: (values = {}, by = 1) => metric.inc(values, by) }
    },
    gauge(name, help, labelNames = []) {
      let read: (() => number) | undefined
      const metric = known(
        name,
        () =>
          new Gauge({
            name,
            help,
            labelNames: [...labelNames],
            registers,
            collect() {
              if (read) this.set(read())
            },
          }),
      )
      return {
        set: (value, values = {}) => metric.set(values, value),
        collect(next) {
          read = next
        },
      }
    },
    histogram(name, help, labelNames = [], bucketsSeconds = defaultBucketsSeconds) {
      const metric = known(
        name,
        () => new Histogram({ name, help, labelNames: [...labelNames], buckets: [...bucketsSeconds], registers }),
      )
      return { observe: (seconds, values = {}) => metric.observe(values, seconds) }
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}
