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
export function openReader(core: KafkaContext): TopicReader {
  // The group id is only what the client insists on.
  const consumer = new Consumer({ ...consumerSettings(core, 'svyaz-reader') })
  consumer.on('error', () => {})

  const fetch = async (topic: string, positions: ReadonlyMap<number, bigint>, maxWaitTime: number) => {
    const known = (await consumer.metadata({ topics: [topic] })).topics.get(topic)
    if (!known) throw new Error(`there is no topic ${topic}`)
    const byLeader = Map.groupBy(positions, ([partition]) => known.partitions[partition]?.leader ?? -1)
    const answers = await Promise.all(
      [...byLeader].map(([node, owned]) =>
        consumer.fetch({
          node,
          minBytes: 1,
          maxBytes: fetchSettings.maxBytes,
          maxWaitTime,
          topics: [
            {
              topicId: known.id,
              partitions: owned.map(([partition, fetchOffset]) => ({
                partition,
                fetchOffset,
                partitionMaxBytes: fetchSettings.maxBytesPerPartition,
                currentLeaderEpoch: -1,
                lastFetchedEpoch: -1,
              })),
            },
          ],
        }),
      ),
    )
    return answers
      .flatMap((answer) => answer.responses.flatMap((row) => row.partitions))
      .flatMap(({ partitionIndex, records }) => {
        const position = positions.get(partitionIndex)
        if (position === undefined) return []
        return [{ partition: partitionIndex, ...readBatches(topic, partitionIndex, position, records ?? []) }]
      })
  }

  const spans: TopicReader['spans'] = async (topic) => {
    try {
      const known = (await consumer.metadata({ topics: [topic] })).topics.get(topic)
      if (!known) return undefined
      const beginnings = await consumer.listOffsets({ topics: [topic], timestamp: ListOffsetTimestamps.EARLIEST })
      const ends = await consumer.listOffsets({ topics: [topic], timestamp: ListOffsetTimestamps.LATEST })
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

  return {
    spans,
    async *read(topic, ranges) {
      for (const [partition, { from, until }] of ranges) {
        for (let position = from; position < until; ) {
          const [answer] = await fetch(topic, new Map([[partition, position]]), followWaitMs)
          // Nothing came although there should be something: what is left is an open transaction's.
          if (!answer || answer.next === position) break
          position = answer.next
          yield* answer.records.filter((record) => record.offset < until)
        }
      }
    },
    async *follow(topic, from, signal, trouble) {
      const positions = new Map(from)
      for (let failures = 0; !signal.aborted; ) {
        try {
          for (const { partition, records, next } of await fetch(topic, positions, followWaitMs)) {
            positions.set(partition, next)
            if (signal.aborted) return
            yield* records
          }
          failures = 0
        } catch (error) {
          failures += 1
          if (failures === 1) trouble?.(error)
          consumer.clearMetadata()
          // Retention may have taken the position away: the oldest record that is left comes next.
          if (findErrorBy(error as Error, 'apiId', 'OFFSET_OUT_OF_RANGE')) {
            for (const { partition, beginning } of (await spans(topic).catch(() => undefined)) ?? []) {
              if ((positions.get(partition) ?? 0n) < beginning) positions.set(partition, beginning)
            }
          }
          await core.clock.delay(backOffMs(failures, 100, 1_000, core.random), signal).catch(() => undefined)
        }
      }
    },
    close: () => consumer.close(true).catch(() => undefined),
  }
}

/** The client words it itself when the metadata have no such topic. */
const isUnknownTopic = (error: unknown): boolean =>
  findErrorBy(error as Error, 'apiId', 'UNKNOWN_TOPIC_OR_PARTITION') !== null ||
  (error instanceof Error && error.message.startsWith('Unknown topic'))
