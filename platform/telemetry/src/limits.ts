/** Everything that a caller could make grow has a limit; these are the defaults. */
import type { ActivityLimits } from './activity/activity.ts'
import type { HistoryLimits } from './history/history.ts'
import type { MetricLimits } from './metrics/metric-store.ts'
import type { JoinLimits } from './spans/join.ts'
import type { SpanLimits } from './spans/span-store.ts'

export type Limits = {
  readonly spans: SpanLimits
  readonly metrics: MetricLimits
  readonly logs: HistoryLimits
  readonly activity: ActivityLimits
  readonly join: JoinLimits
  /** Of an export, before and after decompression. */
  readonly bodyBytesMax: number
  readonly exportsInFlightMax: number
  /** Of their bodies, together, as far as they have come. */
  readonly exportBytesInFlightMax: number
  readonly connectionsMax: number
  readonly connectionsPerAddressMax: number
  /** WebSockets of `/live`. */
  readonly listenersMax: number
  /** Between two pings of a listener; who doesn't answer until the next is gone. */
  readonly pingEveryMs: number
}

/** What is kept by default: a day, or a gigabyte, of which spans have most. */
export const ageMsDefault = 24 * 3_600_000
export const bytesDefault = 1_000_000_000
const spansShare = 0.6
const metricsShare = 0.3
const logsShare = 0.1

/** Every bound of the process, from how many bytes of history there may be and how old it may get (ms). */
export const limitsFor = (bytesMax: number, ageMsMax: number): Limits => ({
  spans: {
    history: { bytesMax: bytesMax * spansShare, ageMsMax },
    spansPerTraceMax: 5_000,
    spanBytesMax: 64 * 1024,
    traceBytesMax: 4 * 1024 * 1024,
  },
  metrics: {
    history: { bytesMax: bytesMax * metricsShare, ageMsMax },
    seriesPerTargetMax: 5_000,
    targetsMax: 300,
  },
  logs: { bytesMax: bytesMax * logsShare, ageMsMax },
  activity: { rowsMax: 2_000, halvesMax: 10_000 },
  join: { tracesMax: 100, spansMax: 5_000, bytesMax: 8 * 1024 * 1024 },
  bodyBytesMax: 4 * 1024 * 1024,
  exportsInFlightMax: 64,
  exportBytesInFlightMax: 32 * 1024 * 1024,
  connectionsMax: 1_024,
  connectionsPerAddressMax: 512,
  listenersMax: 64,
  pingEveryMs: 20_000,
})

export const defaultLimits: Limits = limitsFor(bytesDefault, ageMsDefault)
