/**
 * OTLP metrics as samples under Prometheus' names ("Prometheus and OpenMetrics Compatibility" of the OpenTelemetry
 * specification): gauges, sums and histograms with explicit bounds. Sums of differences are refused: nothing here adds up.
 */
import type { Labels } from '@svyaz/metrics'
import { attributes, list, object, resourceOf } from './values.ts'

export type PushedSample = { readonly key: string; readonly value: number }
export type DecodedMetrics = {
  /** By resource. */
  readonly pushed: readonly { readonly target: Labels; readonly samples: readonly PushedSample[] }[]
  readonly rejected: number
  readonly firstFault: string
}

const cumulative = 2

/** @param request in the JSON mapping
 * @throws Malformed when it has the wrong shape */
export function decodeMetrics(request: unknown): DecodedMetrics {
  let rejected = 0
  const pushed = list(object(request, 'the body').resourceMetrics, 'resourceMetrics').map((each) => {
    const { resource, scopeMetrics } = object(each, 'resourceMetrics[]')
    const { service, instance } = resourceOf(resource)
    const samples: PushedSample[] = []
    for (const scope of list(scopeMetrics, 'scopeMetrics'))
      for (const metric of list(object(scope, 'scopeMetrics[]').metrics, 'metrics'))
        rejected += takeMetric(object(metric, 'metrics[]'), samples)
    return { target: { job: service, service, instance: instance || service }, samples }
  })
  return { pushed, rejected, firstFault: rejected === 0 ? '' : 'only gauges, cumulative sums and histograms are taken' }
}

/** @returns how many points were refused */
function takeMetric(metric: Record<string, unknown>, samples: PushedSample[]): number {
  const name = String(metric.name ?? '').replaceAll(/[^a-zA-Z0-9_:]/g, '_')
  if (name === '' || /^\d/.test(name)) return 1
  if (metric.gauge != null) return takeNumbers(name, object(metric.gauge, 'gauge').dataPoints, samples)
  if (metric.sum != null) {
    const { dataPoints, aggregationTemporality, isMonotonic } = object(metric.sum, 'sum')
    if (aggregationTemporality !== cumulative) return list(dataPoints, 'dataPoints').length
    const total = isMonotonic === true && !name.endsWith('_total') ? `${name}_total` : name
    return takeNumbers(total, dataPoints, samples)
  }
  if (metric.histogram == null) return 1
  const { dataPoints, aggregationTemporality } = object(metric.histogram, 'histogram')
  const points = list(dataPoints, 'dataPoints')
  if (aggregationTemporality !== cumulative) return points.length
  for (const point of points) takeHistogram(name, object(point, 'dataPoints[]'), samples)
  return 0
}

function takeNumbers(name: string, points: unknown, samples: PushedSample[]): number {
  let refused = 0
  for (const each of list(points, 'dataPoints')) {
    const point = object(each, 'dataPoints[]')
    const value = Number(point.asDouble ?? point.asInt ?? Number.NaN)
    if (point.asDouble == null && point.asInt == null) refused += 1
    else samples.push({ key: keyOf(name, labelsOf(point)), value })
  }
  return refused
}

function takeHistogram(name: string, point: Record<string, unknown>, samples: PushedSample[]): void {
  const labels = labelsOf(point)
  const bounds = list(point.explicitBounds, 'explicitBounds').map(Number)
  let below = 0
  list(point.bucketCounts, 'bucketCounts').forEach((count, n) => {
    below += Number(count)
    samples.push({
      key: keyOf(`${name}_bucket`, { ...labels, le: n < bounds.length ? String(bounds[n]) : '+Inf' }),
      value: below,
    })
  })
  samples.push({ key: keyOf(`${name}_count`, labels), value: Number(point.count ?? 0) })
  if (point.sum != null) samples.push({ key: keyOf(`${name}_sum`, labels), value: Number(point.sum) })
}

const labelsOf = (point: Record<string, unknown>): Labels =>
  Object.fromEntries(
    Object.entries(attributes(point.attributes)).map(([name, value]) => [
      name.replaceAll(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d)/, '_'),
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  )

/** As it would be in a page. */
const keyOf = (name: string, labels: Labels): string => {
  const own = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
  return own.length === 0
    ? name
    : `${name}{${own.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',')}}`
}
