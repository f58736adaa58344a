/** What a broker has: topics with their sizes, and how far each group has read. */
import { Admin, findErrorBy } from './client.ts'
import type { PartitionSpan, TopicReader } from './reader.ts'
import { clientSettings, type KafkaContext } from './settings.ts'

export interface TopicSummary {
  readonly name: string
  readonly partitions: readonly PartitionSpan[]
  /** Whether its records stay when they were handled; of a topic that keeps none, partitions have no offsets. */
  readonly kept: boolean
  /** Of record batches on disk; undefined where the broker doesn't say. */
  readonly bytes: number | undefined
  readonly groups: readonly GroupProgress[]
}

/** How far one group is in one topic. */
export interface GroupProgress {
  readonly group: string
  /** As the broker calls it: Stable, Empty, PreparingRebalance … */
  readonly state: string
  /** Members that own partitions of this topic, by their instance names where they have them. */
  readonly members: readonly string[]
  /** How many there are, where their names aren't known. */
  readonly memberCount: number
  /** Committed positions by partition; a partition without one was never committed. */
  readonly committed: ReadonlyMap<number, bigint>
  /** Records that it has not finished. */
  readonly lag: bigint
}

export interface Inspector {
  topicNames(): Promise<string[]>
  /** Topics by name; default all. */
  topics(names?: readonly string[]): Promise<readonly TopicSummary[]>
  /** Positions that a group committed in a topic; none where it never did. */
  committed(group: string, topic: string): Promise<ReadonlyMap<number, bigint>>
  /** Whether a group has members, or has read the topic and may come back. */
  reads(group: string, topic: string): Promise<boolean>
  close(): Promise<void>
}

/** Records that a group has not finished; where it never committed, all that there are. */
export const lagOf = (spans: readonly PartitionSpan[], committed: ReadonlyMap<number, bigint>): bigint =>
  spans.reduce((sum, { partition, beginning, end }) => {
    const position = committed.get(partition) ?? beginning
    const from = position < beginning ? beginning : position
    return sum + (end > from ? end - from : 0n)
  }, 0n)

/** Reads what an operator wants to know of topics and groups. */
export const openInspector = (core: KafkaContext, reader: TopicReader): Inspector => new KafkaInspector(core, reader)

/** Positions that groups committed: by group and topic. */
type Positions = ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<number, bigint>>>
type Described = Awaited<ReturnType<Admin['describeGroups']>>

class KafkaInspector implements Inspector {
  readonly #admin: Admin
  readonly #reader: TopicReader

  constructor(core: KafkaContext, reader: TopicReader) {
    this.#admin = new Admin({ ...clientSettings(core), retries: 1 })
    this.#admin.on('error', () => {})
    this.#reader = reader
  }

  async topicNames(): Promise<string[]> {
    return (await this.#admin.listTopics({ includeInternals: false })).sort()
  }

  async topics(names?: readonly string[]): Promise<readonly TopicSummary[]> {
    const spans = new Map<string, readonly PartitionSpan[]>()
    for (const name of names ?? (await this.topicNames())) {
      const found = await this.#reader.spans(name)
      if (found) spans.set(name, found)
    }
    if (spans.size === 0) return []
    const groups = [...(await this.#admin.listGroups()).keys()].sort()
    const described: Described = groups.length > 0 ? await this.#admin.describeGroups({ groups }) : new Map()
    const committed = await this.#positions(groups)
    const bytes = await this.#sizes(spans)
    return [...spans].map(([name, partitions]) => ({
      name,
      partitions,
      kept: true,
      bytes: bytes?.get(name),
      groups: groups.flatMap((group) => {
        const progress = progressOf(group, name, { partitions, described, committed })
        return progress === undefined ? [] : [progress]
      }),
    }))
  }

  async committed(group: string, topic: string): Promise<ReadonlyMap<number, bigint>> {
    return (await this.#positions([group])).get(group)?.get(topic) ?? new Map()
  }

  async reads(group: string, topic: string): Promise<boolean> {
    if ((await this.committed(group, topic)).size > 0) return true
    const described = await this.#admin.describeGroups({ groups: [group] })
    return (described.get(group)?.members.size ?? 0) > 0
  }

  async close(): Promise<void> {
    await this.#admin.close().catch(() => undefined)
  }

  async #positions(groups: readonly string[]): Promise<Positions> {
    const found = new Map<string, ReadonlyMap<string, ReadonlyMap<number, bigint>>>()
    for (const group of groups) {
      const [answer] = await this.#admin.listConsumerGroupOffsets({ groups: [group] })
      const topics = (answer?.topics ?? []).map(({ name, partitions }) => {
        const committed = partitions.filter(({ committedOffset }) => committedOffset >= 0n)
        return [name, new Map(committed.map((row) => [row.partitionIndex, row.committedOffset]))] as const
      })
      found.set(group, new Map(topics.filter(([, committed]) => committed.size > 0)))
    }
    return found
  }

  async #sizes(spans: ReadonlyMap<string, readonly PartitionSpan[]>): Promise<Map<string, number> | undefined> {
    try {
      const brokers = await this.#admin.describeLogDirs({
        topics: [...spans].map(([name, rows]) => ({ name, partitions: rows.map(({ partition }) => partition) })),
      })
      const bytes = new Map<string, number>()
      for (const { name, partitions } of brokers.flatMap((row) => row.results.flatMap((result) => result.topics))) {
        const sum = partitions.reduce((total, { partitionSize }) => total + Number(partitionSize), 0)
        bytes.set(name, (bytes.get(name) ?? 0) + sum)
      }
      return bytes
    } catch (error) {
      // A broker may keep it to itself, by what it supports or by what it permits.
      if (findErrorBy(error as Error, 'code', 'PLT_KFK_UNSUPPORTED_API')) return undefined
      if (findErrorBy(error as Error, 'apiId', 'CLUSTER_AUTHORIZATION_FAILED')) return undefined
      throw error
    }
  }
}

/** How far a group is in a topic; undefined when it has nothing to do with it. */
function progressOf(
  group: string,
  topic: string,
  known: { partitions: readonly PartitionSpan[]; described: Described; committed: Positions },
): GroupProgress | undefined {
  const described = known.described.get(group)
  const members = [...(described?.members.values() ?? [])].filter(
    (member) => (member.assignments?.get(topic)?.partitions.length ?? 0) > 0,
  )
  const ofTopic = known.committed.get(group)?.get(topic)
  if (ofTopic === undefined && members.length === 0) return undefined
  return {
    group,
    state: described?.state ?? 'Unknown',
    members: members.map((member) => member.groupInstanceId ?? member.clientId).sort(),
    memberCount: members.length,
    committed: ofTopic ?? new Map(),
    lag: lagOf(known.partitions, ofTopic ?? new Map()),
  }
}
