/**
 * What carries records, seen from the outbox and the consumers: neither of them knows Kafka. A second transport
 * implements this file and passes the same tests.
 */

export interface OutgoingRecord {
  topic: string
  key: string
  value: Buffer
  headers: Readonly<Record<string, string>>
}

/** Where a record came to lie, if the transport has such places. */
export interface Place {
  partition: number
  offset: bigint
}

export interface IncomingRecord {
  topic: string
  key: string
  value: Buffer
  /** Lower-case names as they were sent; values as text. */
  headers: Readonly<Record<string, string>>
  place: Place | undefined
}

/** The records that wait, up to a number; never one that is waited for. */
export interface RecordHandling {
  readonly recordsMax: number
  /**
   * Those of one partition. Resolving acknowledges all of them, rejecting leaves those for another delivery that were
   * not `finished`.
   * @param told.finished acknowledges that many more of the first ones while the rest is being worked on
   * @param told.tried the first of them has been tried, whatever came of it
   */
  together(
    records: readonly IncomingRecord[],
    signal: AbortSignal,
    told: { finished(records: number): void; tried?(): void },
  ): Promise<void>
  /**
   * Those of several partitions at once, each in its order, where that is cheaper. Resolves with how many of the first
   * of each are acknowledged; the rest goes through `together`, each partition by itself.
   */
  gathered?(partitions: readonly (readonly IncomingRecord[])[], signal: AbortSignal): Promise<readonly number[]>
}

export interface TransportTopic {
  name: string
  partitions: number
  /**
   * Groups that share their records among their members. A transport that keeps nothing for those who come later makes
   * room for each of them with the topic.
   */
  groups?: readonly string[]
}

export interface Consumption {
  /** Takes no further record, lets running handlers end until the deadline, acknowledges what is done, leaves. */
  stop(deadlineMs: number): Promise<void>
}

export interface Transport {
  /** `messaging.system` of the spans. */
  readonly system: string
  /**
   * Sends in order and resolves when all are durably acknowledged. It may reject although some were written; sending
   * the same records again then is right: readers drop the ids they have seen.
   */
  send(records: readonly OutgoingRecord[]): Promise<readonly (Place | undefined)[]>
  /**
   * Reads the topics for a group from where it left off; at the first time from the beginning of what is kept, or what was
   * sent since the topic was made for it (`TransportTopic.groups`), or for a group that is `alone` since it came. `handle`
   * gets the records of a partition in their order, those of several partitions at once or together. `signal` is aborted
   * when the partition is to be given up: waits
   * should end then.
   * A group of which this instance is the only member ever (`alone`) need not be watched closely.
   */
  consume(options: { group: string; topics: readonly string[]; handle: RecordHandling; alone?: boolean }): Consumption
  /** Makes what is missing; a topic that is there is left as it is. */
  ensureTopics(topics: readonly TransportTopic[], signal: AbortSignal): Promise<void>
  close(): Promise<void>
}
