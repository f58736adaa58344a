/** What retention removes. Pure: the caller moves the log start and deletes the files. */
import type { SegmentSummary } from './checkpoint-format.ts'
import type { Retention } from './log.ts'

/** A stretch of a partition that is kept or removed as a whole, oldest first. */
export interface RetentionUnit {
  readonly nextOffset: number
  readonly bytes: number
  /** Newest timestamp, -1 when no batch carries one: such a stretch never ages. */
  readonly newest: number
  /** Partition segments may go by size; what is still in the write-ahead log goes by age only. */
  readonly archived: boolean
}

/**
 * The log start that a retention demands, given the stretches in order. As in Apache Kafka, a stretch goes by age when its
 * newest record is too old, and by size while what would be left still holds retentionBytes. Removal stops at the first
 * stretch that stays.
 */
export function logStartAfterRetention(
  units: readonly RetentionUnit[],
  retention: Retention,
  logStart: number,
  nowMs: number,
): number {
  const { retentionMs = -1, retentionBytes = -1 } = retention
  let left = units.reduce((sum, unit) => sum + unit.bytes, 0)
  let start = logStart
  for (const unit of units) {
    const tooOld = retentionMs >= 0 && unit.newest >= 0 && unit.newest < nowMs - retentionMs
    const tooMuch = retentionBytes >= 0 && unit.archived && left - unit.bytes >= retentionBytes
    if (!tooOld && !tooMuch) break
    left -= unit.bytes
    start = Math.max(start, unit.nextOffset)
  }
  return start
}

/** A tight retention needs segments small enough that whole ones can go. */
const SEGMENTS_PER_RETENTION = 4
const SMALLEST_SEGMENT_BYTES = 1 << 20

/** Whether the next batch begins a new partition segment. */
export function shouldStartSegment(
  segment: SegmentSummary,
  retention: Retention,
  segmentBytes: number,
  nowMs: number,
): boolean {
  const { retentionMs = -1, retentionBytes = -1 } = retention
  const bySize = Math.max(SMALLEST_SEGMENT_BYTES, Math.floor(retentionBytes / SEGMENTS_PER_RETENTION))
  if (segment.usedBytes >= (retentionBytes >= 0 ? Math.min(segmentBytes, bySize) : segmentBytes)) return true
  return retentionMs >= 0 && segment.maxTimestamp >= 0 && segment.maxTimestamp < nowMs - retentionMs
}
