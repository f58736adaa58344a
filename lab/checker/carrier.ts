/** What carries the events, as the checker sees it from outside: what was sent, and how far every group is. */
import type { CommitFact } from '@svyaz/observe/snapshot.ts'
import { TopicReader, type TopicRecord, Topics, type WrittenEvent } from '@svyaz/observe/topics.ts'
import type { Engines } from '@svyaz/system/engines/addresses.ts'
import type { System } from '@svyaz/system/testing'
import { consumers, topics as topicNames } from './consumers.ts'
import type { Steered } from './nemesis.ts'

export interface Carrier extends AsyncDisposable {
  /** Every record that was seen so far, dead letters among them. */
  readonly records: readonly TopicRecord[]
  /** Places that were read twice with different contents, in words. */
  readonly changedPlaces: readonly string[]
  /** What was sent by now and not seen yet, in words; empty = seen whole. */
  unread(): Promise<string[]>
  /** Reads all again from the beginning and compares, where what was read is still there. */
  readAgain(): Promise<void>
  /** How far every group is in all that it reads. */
  commits(): Promise<CommitFact[]>
  write(event: WrittenEvent): Promise<unknown>
}

/** A carrier of others' in the place of the embedded broker. */
export interface ForeignCarrier {
  readonly carrier: Carrier
  /** What the services are given to run on. */
  readonly engines: Engines
  /**
   * The system with that carrier as its part `broker-1`, so that a fault of the broker hits it.
   * @param say is told when it doesn't come back
   */
  steer(system: System, say: (line: string) => void): Steered
}

/** @param broker `host:port` of one that speaks Kafka's protocol */
export function kafkaCarrier(broker: string, name: string): Carrier {
  const topics = new Topics([broker], name)
  const log = new TopicReader(
    topics,
    topicNames.flatMap((topic) => [topic, `${topic}.dlq`]),
  )
  const groups = [...Map.groupBy(consumers, ({ group }) => group)]
  return {
    records: log.records,
    changedPlaces: log.changedPlaces,
    unread: () => log.unread(),
    readAgain: () => log.readAgain(),
    async commits() {
      const lists = await Promise.all(
        groups.map(([group, rows]) =>
          topics.commits(
            group,
            rows.map(({ topic }) => topic),
          ),
        ),
      )
      return lists.flat()
    },
    write: (event) => topics.write(event),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  }
}
