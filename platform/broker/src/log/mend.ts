/**
 * The way out of damage when there is no backup: what is left is kept, what is lost is said. Only with the operator's
 * word (`acceptLoss`); records that are lost leave gaps in the offsets, which consumers pass over.
 */
import { BATCH_HEADER_BYTES, faultOfBatch, readBatchHeader } from './batch-header.ts'
import type { SegmentSummary } from './checkpoint-format.ts'
import type { LogFile, LogFileSystem } from './file-system.ts'
import type { AcceptLoss } from './log.ts'
import type { PartitionState, Topics } from './partition-state.ts'
import type { LogPaths } from './paths.ts'
import { hasCode } from './real-file-system.ts'
import { encodeFooter, encodeSegmentHeader, SEGMENT_HEADER_BYTES } from './segment-format.ts'
import { IndexBuilder } from './segment-index.ts'

/** Looks through every partition segment and rewrites those that are damaged, without what can't be read. */
export async function mendSegments(
  fs: LogFileSystem,
  paths: LogPaths,
  logId: Buffer,
  topics: Topics,
  indexIntervalBytes: number,
  accept: AcceptLoss,
): Promise<void> {
  for (const state of topics.partitions()) {
    const kept: SegmentSummary[] = []
    for (const segment of state.segments) {
      const mended = await mendSegment(fs, paths, logId, state, segment, indexIntervalBytes, accept)
      if (mended !== null) kept.push(mended)
    }
    state.segments = kept
  }
}

async function mendSegment(
  fs: LogFileSystem,
  paths: LogPaths,
  logId: Buffer,
  state: PartitionState,
  segment: SegmentSummary,
  indexIntervalBytes: number,
  accept: AcceptLoss,
): Promise<SegmentSummary | null> {
  const { topic, partition, logStart } = state
  const path = paths.segment(topic.id, partition, segment.baseOffset)
  const tell = ({ position, first, last }: Stretch) => {
    if (last < logStart) return
    const records = { topicId: topic.id, partition, first: Math.max(first, logStart), last }
    const what = position === null ? 'the file is missing' : 'records can not be read'
    accept({ file: path, position, what, records })
  }
  const stored = await readFileOrNull(fs, path)
  if (stored === null) {
    tell({ position: null, first: segment.baseOffset, last: segment.nextOffset - 1 })
    return null
  }
  const bytes = stored.subarray(0, segment.usedBytes)
  const { batches, lost, isWhole } = readable(bytes, segment)
  for (const stretch of lost) tell(stretch)
  const header = encodeSegmentHeader({ logId, topic: topic.idBytes, partition, baseOffset: segment.baseOffset })
  if (isWhole && header.equals(bytes.subarray(0, SEGMENT_HEADER_BYTES))) return segment
  if (batches.length === 0) return null
  return rewrite(fs, path, header, segment, batches, indexIntervalBytes)
}

/** Offsets that are lost, and where in the file they were; null: the file is missing. */
interface Stretch {
  readonly position: number | null
  readonly first: number
  readonly last: number
}

/** The batches of a segment's bytes that can be read, and what is missing between them and at the end. Pure. */
function readable(bytes: Buffer, segment: SegmentSummary) {
  const batches: Buffer[] = []
  const lost: Stretch[] = []
  let expected = segment.baseOffset
  let damagedFrom: number | null = null
  const found = (next: number) => {
    if (damagedFrom !== null && next > expected) lost.push({ position: damagedFrom, first: expected, last: next - 1 })
    damagedFrom = null
  }
  let at = SEGMENT_HEADER_BYTES
  while (at < bytes.length) {
    if (faultOfBatch(bytes, at) === null && Number(readBatchHeader(bytes, at).baseOffset) >= expected) {
      const { baseOffset, lastOffset, sizeBytes } = readBatchHeader(bytes, at)
      found(Number(baseOffset))
      batches.push(bytes.subarray(at, at + sizeBytes))
      expected = Number(lastOffset) + 1
      at += sizeBytes
    } else {
      damagedFrom ??= at
      at = nextCandidate(bytes, at + 1)
    }
  }
  if (bytes.length < segment.usedBytes) damagedFrom ??= bytes.length
  const isWhole = damagedFrom === null && SEGMENT_HEADER_BYTES + sum(batches) === segment.usedBytes
  found(segment.nextOffset)
  return { batches, lost, isWhole: isWhole && bytes.length === segment.usedBytes }
}

/** Where the next batch might begin: its magic byte is in place. */
function nextCandidate(bytes: Buffer, from: number): number {
  for (let at = from; at + BATCH_HEADER_BYTES <= bytes.length; at++) if (bytes[at + 16] === 2) return at
  return bytes.length
}

/** Nothing counts until the next checkpoint; a crash before it leaves a file that is refused and can be mended again. */
async function rewrite(
  fs: LogFileSystem,
  path: string,
  header: Buffer,
  segment: SegmentSummary,
  batches: readonly Buffer[],
  indexIntervalBytes: number,
): Promise<SegmentSummary> {
  const index = new IndexBuilder(indexIntervalBytes)
  let usedBytes = SEGMENT_HEADER_BYTES
  let maxTimestamp = -1
  for (const batch of batches) {
    const { baseOffset, maxTimestamp: newest } = readBatchHeader(batch)
    index.add(Number(baseOffset), usedBytes, Number(newest))
    maxTimestamp = Math.max(maxTimestamp, Number(newest))
    usedBytes += batch.length
  }
  const file = await fs.open(`${path}.mended`, 'replace')
  await file.write(Buffer.concat([header, ...batches, encodeFooter(index.entries)]), 0)
  await file.sync()
  await file.close()
  await fs.rename(`${path}.mended`, path)
  await fs.syncDirectory(path.slice(0, path.lastIndexOf('/')))
  return { ...segment, usedBytes, maxTimestamp, sealed: true }
}

async function readFileOrNull(fs: LogFileSystem, path: string): Promise<Buffer | null> {
  let file: LogFile
  try {
    file = await fs.open(path, 'read')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
  try {
    const bytes = Buffer.allocUnsafe(await file.size())
    return bytes.subarray(0, await file.read(bytes, 0))
  } finally {
    await file.close()
  }
}

function sum(batches: readonly Buffer[]): number {
  return batches.reduce((total, { length }) => total + length, 0)
}
