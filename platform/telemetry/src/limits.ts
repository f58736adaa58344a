/** Everything that a caller could make grow has a limit; these are the defaults. */
import type { JoinLimits } from './join.ts'
import type { SegmentLimits } from './segments.ts'
import type { StoreLimits } from './trace-store.ts'

export type Limits = StoreLimits &
  SegmentLimits & {
    /** Of an export, before and after decompression. */
    readonly bodyBytesMax: number
    readonly exportsInFlightMax: number
    readonly connectionsMax: number
    readonly connectionsPerAddressMax: number
    readonly join: JoinLimits
  }

/** Sized for a process of about 60 MB: full, the store takes 12 MiB and some 6 MB of heap. */
export const defaultLimits: Limits = {
  spansMax: 30_000,
  bytesMax: 12 * 1024 * 1024,
  spansPerTraceMax: 5_000,
  spanBytesMax: 64 * 1024,
  segmentBytesMax: 8 * 1024 * 1024,
  segmentsMax: 5,
  pendingBytesMax: 8 * 1024 * 1024,
  bodyBytesMax: 8 * 1024 * 1024,
  exportsInFlightMax: 64,
  connectionsMax: 1_024,
  connectionsPerAddressMax: 512,
  join: { tracesMax: 100, spansMax: 5_000 },
}
