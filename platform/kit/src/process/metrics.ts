/** A small facade over prom-client: services name a metric once and never see the registry. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Metrics } from '../api.ts'
import { LoopLagSampler } from './loop-lag.ts'

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
  const registers = [registry]
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: neverMs })
  collectLoopLag(registry)
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

/** The longest that a timer can be: prom-client's own sampling of the loop cannot be left out otherwise. */
const neverMs = 2 ** 31 - 1

/** Under prom-client's names, in place of its own. */
const collectLoopLag = (registry: Registry): void => {
  const sampler = new LoopLagSampler()
  for (const { name } of registry.getMetricsAsArray())
    if (name.startsWith('nodejs_eventloop_lag_')) registry.removeSingleMetric(name)
  const gaugeOf = (name: string, help: string, collect?: () => void): Gauge =>
    new Gauge({
      name: `nodejs_eventloop_lag_${name}_seconds`,
      help,
      registers: [registry],
      ...(collect && { collect }),
    })
  // The first is asked first, and sets them all from one look.
  const max = gaugeOf('max', 'Longest lateness of the event loop since the last scrape', () => {
    const lag = sampler.take()
    max.set(lag.maxSeconds)
    mean.set(lag.meanSeconds)
    median.set(lag.p50Seconds)
    p99.set(lag.p99Seconds)
  })
  const mean = gaugeOf('mean', 'Mean lateness of the event loop since the last scrape')
  const median = gaugeOf('p50', 'Median lateness of the event loop since the last scrape')
  const p99 = gaugeOf('p99', '99th percentile of the lateness of the event loop since the last scrape')
}
