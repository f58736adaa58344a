/**
 * What the log knows of its partitions, in memory. Offsets are plain numbers below 2^53 here and bigints only at the
 * interface: at a million records a second that lasts for 285 years.
 */
import { BatchTable } from './batch-table.ts'
import type { PartitionSummary, SegmentSummary } from './checkpoint-format.ts'
import type { PartitionKey, Retention } from './log.ts'
import { ownCopy } from './own-copy.ts'
import { topicIdToText } from './topic-id.ts'

export class PartitionState {
  readonly topic: TopicState
  readonly partition: number
  readonly key: PartitionKey
  logStart = 0
  /** Durable end. */
  nextOffset = 0
  /** End of everything accepted, durable or not. */
  stampNext = 0
  /** Partition segments hold everything below it. */
  archivedEnd = 0
  /** In order of offsets; replaced as a whole, never changed in place, so that readers may go on with what they have. */
  segments: readonly SegmentSummary[] = []
  /** Batches in the write-ahead log that no partition segment holds yet, by segment. */
  tables: readonly BatchTable[] = []

  constructor(topic: TopicState, partition: number) {
    this.topic = topic
    this.partition = partition
    this.key = `${topic.id}/${partition}`
  }

  /** Notes a batch that has become durable in a write-ahead segment. */
  addBatch(
    walSegment: number,
    baseOffset: number,
    nextOffset: number,
    maxTimestamp: number,
    position: number,
    sizeBytes: number,
  ): void {
    let table = this.tables.at(-1)
    if (table === undefined || table.walSegment !== walSegment) {
      table = new BatchTable(walSegment)
      this.tables = [...this.tables, table]
    }
    table.add(baseOffset, nextOffset, maxTimestamp, position, sizeBytes)
    this.nextOffset = nextOffset
  }

  bytes(): number {
    let total = 0
    for (const segment of this.segments) total += segment.usedBytes
    for (const table of this.tables) total += table.bytes
    return total
  }

  summary(): PartitionSummary {
    const { logStart, nextOffset, segments, partition } = this
    // Where the log holds nothing of the partition any more, only what was given up as lost can be behind the segments.
    const archivedEnd = this.tables.length === 0 ? nextOffset : this.archivedEnd
    return { topic: this.topic.idBytes, partition, logStart, nextOffset, archivedEnd, segments }
  }
}

export class TopicState {
  readonly id: string
  readonly idBytes: Buffer
  readonly partitions = new Map<number, PartitionState>()
  retention: Retention = {}

  constructor(idBytes: Buffer) {
    this.idBytes = idBytes
    this.id = topicIdToText(idBytes)
  }

  ensure(partition: number): PartitionState {
    let state = this.partitions.get(partition)
    if (state === undefined) {
      state = new PartitionState(this, partition)
      this.partitions.set(partition, state)
    }
    return state
  }
}

export class Topics {
  readonly byId = new Map<string, TopicState>()

  find(topicId: string, partition: number): PartitionState | undefined {
    return this.byId.get(topicId)?.partitions.get(partition)
  }

  ensure(idBytes: Buffer): TopicState {
    const id = topicIdToText(idBytes)
    let topic = this.byId.get(id)
    if (topic === undefined) {
      topic = new TopicState(ownCopy(idBytes))
      this.byId.set(id, topic)
    }
    return topic
  }

  *partitions(): Generator<PartitionState> {
    for (const topic of this.byId.values()) yield* topic.partitions.values()
  }
}
