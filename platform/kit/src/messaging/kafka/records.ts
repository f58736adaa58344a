/** Record batches as the client decodes them → records as the transport gives them. */

import type { IncomingRecord } from '../transport.ts'
import { IS_CONTROL, type RecordsBatch } from './client.ts'

export interface ReadRecord {
  record: IncomingRecord
  offset: bigint
  leaderEpoch: number
  /** Milliseconds since 1970: when the producer made it, or the broker took it, as the topic is set. */
  timestampMs: number
}

/**
 * The records from `position` on. A broker returns whole batches, so the first may begin before it, and control
 * batches of transactions take offsets without being records.
 *
 * @returns the records and the offset that follows everything that was read
 */
export function readBatches(
  topic: string,
  partition: number,
  position: bigint,
  batches: readonly RecordsBatch[],
): { records: ReadRecord[]; next: bigint } {
  const records: ReadRecord[] = []
  let next = position
  for (const batch of batches) {
    if ((batch.attributes & IS_CONTROL) === 0) {
      for (const raw of batch.records) {
        const offset = batch.firstOffset + BigInt(raw.offsetDelta)
        if (offset < position) continue
        records.push({
          offset,
          leaderEpoch: batch.partitionLeaderEpoch,
          timestampMs: Number(batch.firstTimestamp + raw.timestampDelta),
          record: {
            topic,
            key: raw.key?.toString('utf8') ?? '',
            value: raw.value ?? Buffer.alloc(0),
            headers: headersOf(raw.headers),
            place: { partition, offset },
          },
        })
      }
    }
    const after = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
    if (after > next) next = after
  }
  return { records, next }
}

const headersOf = (raw: readonly [Buffer | null, Buffer | null][]): Record<string, string> => {
  // Names come from outside, `__proto__` among them perhaps.
  const headers: Record<string, string> = Object.create(null)
  for (const [name, value] of raw) if (name) headers[name.toString('utf8')] = value?.toString('utf8') ?? ''
  return headers
}
