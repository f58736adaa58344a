/** What this process says of itself, in Prometheus' text format. */
import { metricsOf } from '@svyaz/stage'
import type { Sources } from './answers.ts'
import type { Exports } from './exports.ts'

const { counter, gauge } = metricsOf('telemetry')

/** @param refused requests that looked at something and were answered with an error */
export function ownMetrics(sources: Sources, exported: Exports['counts'], refused: number): string {
  const { spans, activity, metrics, logs } = sources
  const stores = [spans.history, metrics.history, logs.history]
  return [
    counter('exports_total', 'Exports taken', exported.exports),
    counter('exports_refused_total', 'Exports answered with an error', exported.refused),
    counter('requests_refused_total', 'Other requests answered with an error', refused),
    counter('spans_received_total', 'Spans taken', spans.spansKept),
    counter('spans_rejected_total', 'Spans rejected: malformed or above a limit', exported.spansRejected),
    counter('spans_lost_total', 'Spans that neither the disk nor memory had room for', spans.spansLost),
    counter('spans_uncounted_total', 'Spans outside of rates: odd clocks, too many names', activity.spansOutside),
    counter('log_lines_received_total', 'Log lines taken over OTLP', logs.linesKept),
    counter('log_lines_rejected_total', 'Log lines rejected', exported.linesRejected),
    counter('points_rejected_total', 'Points of metrics rejected over OTLP', exported.pointsRejected),
    counter('samples_kept_total', 'Samples of metrics taken', metrics.samplesKept),
    counter('samples_lost_total', 'Samples above a limit, or that could not be written', metrics.samplesLost),
    counter('history_dropped_total', 'Files of history removed for newer ones', sum(stores.map((one) => one.dropped))),
    gauge('series', 'Series that are written to', metrics.seriesCount),
    gauge('history_bytes', 'Bytes of history on the disk', sum(stores.map((one) => one.bytes))),
    gauge('history_in_memory', 'Stores that the disk refuses to take', stores.filter((one) => one.isInMemory).length),
    gauge('process_resident_memory_bytes', 'Memory that this process holds', process.memoryUsage.rss()),
  ].join('')
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
