/** Record batches as the client decodes them, for the tests of what becomes of them. */
import type { RecordsBatch } from '@platformatic/kafka'

/** `count` records from `first` on. */
export const batchesOf = (first: number, count: number): RecordsBatch[] => [
  {
    firstOffset: BigInt(first),
    length: 0,
    partitionLeaderEpoch: 0,
    magic: 2,
    crc: 0,
    attributes: 0,
    lastOffsetDelta: count - 1,
    firstTimestamp: 0n,
    maxTimestamp: 0n,
    producerId: -1n,
    producerEpoch: -1,
    firstSequence: -1,
    records: Array.from({ length: count }, (_, offsetDelta) => ({
      length: 0,
      attributes: 0,
      timestampDelta: 0n,
      offsetDelta,
      key: null,
      value: null,
      headers: [],
    })),
  },
]
