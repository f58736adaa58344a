/** Reads of what only the write-ahead log holds: from the cached units, else from the file. */
import { faultOfBatch } from './batch-header.ts'
import type { BatchTable } from './batch-table.ts'
import { DamagedLog } from './errors.ts'
import type { PartitionState } from './partition-state.ts'
import type { UnitCache } from './unit-cache.ts'
import type { WalSegment } from './wal-segment.ts'

/** There are batches of other partitions between: up to this much of them is read along rather than skipped. */
const GAP_BYTES_MAX = 64 * 1024
const SPAN_BYTES_MAX = 4 << 20

/** Whole batches from the one that contains `offset`, at least one. Synchronous when they are in memory. */
export function readTail(
  state: PartitionState,
  offset: number,
  maxBytes: number,
  cache: UnitCache,
  segmentOf: (number: number) => WalSegment | undefined,
): Buffer[] | Promise<Buffer[]> {
  const first = state.tables.findIndex((table) => table.end() > offset)
  if (first === -1) return []
  const table = state.tables[first]!
  const row = table.rowOf(offset)
  const cached = readCached(state.tables, first, row, maxBytes, cache)
  if (cached.length > 0) return cached
  const segment = segmentOf(table.walSegment)
  if (segment === undefined) throw new Error(`write-ahead segment ${table.walSegment} of ${state.key} is unknown`)
  return readFromFile(table, row, maxBytes, segment)
}

function readCached(
  tables: readonly BatchTable[],
  first: number,
  firstRow: number,
  maxBytes: number,
  cache: UnitCache,
): Buffer[] {
  const batches: Buffer[] = []
  let bytes = 0
  for (let t = first; t < tables.length; t++) {
    const table = tables[t]!
    for (let row = t === first ? firstRow : 0; row < table.count; row++) {
      const sizeBytes = table.sizeBytes(row)
      if (batches.length > 0 && bytes + sizeBytes > maxBytes) return batches
      const batch = cache.slice(table.walSegment, table.position(row), sizeBytes)
      if (batch === null) return batches
      batches.push(batch)
      bytes += sizeBytes
    }
  }
  return batches
}

async function readFromFile(
  table: BatchTable,
  firstRow: number,
  maxBytes: number,
  segment: WalSegment,
): Promise<Buffer[]> {
  const start = table.position(firstRow)
  const rows = table.count
  let end = start + table.sizeBytes(firstRow)
  let bytes = table.sizeBytes(firstRow)
  let behind = firstRow + 1
  while (behind < rows) {
    const position = table.position(behind)
    bytes += table.sizeBytes(behind)
    if (
      bytes > maxBytes ||
      position - end > GAP_BYTES_MAX ||
      position + table.sizeBytes(behind) - start > SPAN_BYTES_MAX
    )
      break
    end = position + table.sizeBytes(behind)
    behind++
  }
  const span = Buffer.allocUnsafeSlow(end - start)
  const length = await segment.pinned((file) => file.read(span, start))
  const batches: Buffer[] = []
  for (let row = firstRow; row < behind; row++) {
    const at = table.position(row) - start
    const batch = span.subarray(at, Math.min(length, at + table.sizeBytes(row)))
    const fault = faultOfBatch(batch)
    if (fault !== null && batches.length > 0) return batches
    if (fault !== null) throw new DamagedLog(segment.path, start + at, `a record batch is wrong (${fault})`)
    batches.push(batch)
  }
  return batches
}
