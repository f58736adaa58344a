/** Reads topics without a group: nothing is joined, nothing committed, no consumer notices. */

import { backOffMs } from '../../database/back-off.ts'
import { Consumer, findErrorBy, ListOffsetTimestamps } from './client.ts'
import { type ReadRecord, readBatches } from './records.ts'
import { consumerSettings, fetchSettings, type KafkaContext } from './settings.ts'

export interface PartitionSpan {
  readonly partition: number
  /** Offset of the oldest record that is kept. */
  readonly beginning: bigint
  /** One above the last record. */
  readonly end: bigint
}

export interface TopicReader {
  /** Undefined: there is no such topic. */
  spans(topic: string): Promise<readonly PartitionSpan[] | undefined>
  /**
   * Of each partition the offset of the first record made at this time or later; one without such a record is left out.
   *
   * @param timeMs since 1970
   */
  firstAt(topic: string, timeMs: number): Promise<ReadonlyMap<number, bigint>>
  /** The records from `from` up to, not including, `until` of each partition named; one partition after the other. */
  read(
    topic: string,
    ranges: ReadonlyMap<number, { readonly from: bigint; readonly until: bigint }>,
  ): AsyncGenerator<ReadRecord>
  /**
   * What comes from these positions on, until the signal aborts. A broker that is away is waited for, and `trouble`
   * told once each time.
   */
  follow(
    topic: string,
    from: ReadonlyMap<number, bigint>,
    signal: AbortSignal,
    trouble?: (error: unknown) => void,
  ): AsyncGenerator<ReadRecord>
  close(): Promise<void>
}

/** Short enough that the end of a follow is not waited for; a record that comes is answered at once. */
const followWaitMs = 500

/** Reads ranges of a topic without a group: nothing is committed. */
export const openReader = (core: KafkaContext): TopicReader => new KafkaReader(core)

type Fetched = ReturnType<typeof readBatches> & { readonly partition: number }

class KafkaReader implements TopicReader {
  readonly #core: KafkaContext
  readonly #consumer: Consumer

  constructor(core: KafkaContext) {
    this.#core = core
    // The group id is only what the client insists on.
    this.#consumer = new Consumer({ ...consumerSettings(core, 'svyaz-reader') })
    this.#consumer.on('error', () => {})
  }

  async spans(topic: string): Promise<readonly PartitionSpan[] | undefined> {
    try {
      const known = (await this.#consumer.metadata({ topics: [topic] })).topics.get(topic)
      if (!known) return undefined
      const at = (timestamp: bigint) => this.#consumer.listOffsets({ topics: [topic], timestamp })
      const beginnings = await at(ListOffsetTimestamps.EARLIEST)
      const ends = await at(ListOffsetTimestamps.LATEST)
      return [...known.partitions.keys()].map((partition) => ({
        partition,
        beginning: beginnings.get(topic)?.[partition] ?? 0n,
        end: ends.get(topic)?.[partition] ?? 0n,
      }))
    } catch (error) {
      if (isUnknownTopic(error)) return undefined
      throw error
    }
  }

  async firstAt(topic: string, timeMs: number): Promise<ReadonlyMap<number, bigint>> {
    const found = await this.#consumer.listOffsets({ topics: [topic], timestamp: BigInt(timeMs) })
    return new Map([...(found.get(topic) ?? []).entries()].filter(([, offset]) => offset >= 0n))
  }

  async *read(
    topic: string,
    ranges: ReadonlyMap<number, { readonly from: bigint; readonly until: bigint }>,
  ): AsyncGenerator<ReadRecord> {
    for (const [partition, { from, until }] of ranges) {
      for (let position = from; position < until; ) {
        const [answer] = await this.#fetch(topic, new Map([[partition, position]]))
        // Nothing came although there should be something: what is left is an open transaction's.
        if (!answer || answer.next === position) break
        position = answer.next
        yield* answer.records.filter((record) => record.offset < until)
      }
    }
  }

  async *follow(
    topic: string,
    from: ReadonlyMap<number, bigint>,
    signal: AbortSignal,
    trouble?: (error: unknown) => void,
  ): AsyncGenerator<ReadRecord> {
    const { clock, random } = this.#core
    const positions = new Map(from)
    for (let failures = 0; !signal.aborted; ) {
      try {
        for (const { partition, records, next } of await this.#fetch(topic, positions)) {
          positions.set(partition, next)
          if (signal.aborted) return
          yield* records
        }
        failures = 0
      } catch (error) {
        failures += 1
        if (failures === 1) trouble?.(error)
        this.#consumer.clearMetadata()
        if (findErrorBy(error as Error, 'apiId', 'OFFSET_OUT_OF_RANGE')) await this.#catchUp(topic, positions)
        await clock.delay(backOffMs(failures, 100, 1_000, random), signal).catch(() => undefined)
      }
    }
  }

  async close(): Promise<void> {
    await this.#consumer.close(true).catch(() => undefined)
  }

  /** Retention may have taken a position away: the oldest record that is left comes next. */
  async #catchUp(topic: string, positions: Map<number, bigint>): Promise<void> {
    for (const { partition, beginning } of (await this.spans(topic).catch(() => undefined)) ?? []) {
      if ((positions.get(partition) ?? 0n) < beginning) positions.set(partition, beginning)
    }
  }

  /** What there is at these positions, from the leader of each partition. */
  async #fetch(topic: string, positions: ReadonlyMap<number, bigint>): Promise<Fetched[]> {
    const known = (await this.#consumer.metadata({ topics: [topic] })).topics.get(topic)
    if (!known) throw new Error(`there is no topic ${topic}`)
    const byLeader = Map.groupBy(positions, ([partition]) => known.partitions[partition]?.leader ?? -1)
    const answers = await Promise.all(
      [...byLeader].map(([node, owned]) =>
        this.#consumer.fetch({
          node,
          minBytes: 1,
          maxBytes: fetchSettings.maxBytes,
          maxWaitTime: followWaitMs,
          topics: [{ topicId: known.id, partitions: owned.map(([partition, at]) => wanted(partition, at)) }],
        }),
      ),
    )
    return answers
      .flatMap((answer) => answer.responses.flatMap((row) => row.partitions))
      .flatMap(({ partitionIndex: partition, records }) => {
        const position = positions.get(partition)
        return position === undefined ? [] : [{ partition, ...readBatches(topic, partition, position, records ?? []) }]
      })
  }
}

const wanted = (partition: number, fetchOffset: bigint) => ({
  partition,
  fetchOffset,
  partitionMaxBytes: fetchSettings.maxBytesPerPartition,
  currentLeaderEpoch: -1,
  lastFetchedEpoch: -1,
})

/** The client words it itself when the metadata have no such topic. */
const isUnknownTopic = (error: unknown): boolean =>
  findErrorBy(error as Error, 'apiId', 'UNKNOWN_TOPIC_OR_PARTITION') !== null ||
  (error instanceof Error && error.message.startsWith('Unknown topic'))
