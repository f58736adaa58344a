/** What a broker has: topics with their sizes, and how far each group has read. */
import { Admin, findErrorBy } from './client.ts'
import type { PartitionSpan, TopicReader } from './reader.ts'
import { clientSettings, type KafkaContext } from './settings.ts'

export interface TopicSummary {
  readonly name: string
  readonly partitions: readonly PartitionSpan[]
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
export function openInspector(core: KafkaContext, reader: TopicReader): Inspector {
  const admin = new Admin({ ...clientSettings(core), retries: 1 })
  admin.on('error', () => {})

  const positions = async (groups: readonly string[]) => {
    const found = new Map<string, Map<string, Map<number, bigint>>>()
    for (const group of groups) {
      const [answer] = await admin.listConsumerGroupOffsets({ groups: [group] })
      const topics = (answer?.topics ?? []).map(({ name, partitions }) => {
        const committed = partitions.filter(({ committedOffset }) => committedOffset >= 0n)
        return [name, new Map(committed.map((row) => [row.partitionIndex, row.committedOffset]))] as const
      })
      found.set(group, new Map(topics.filter(([, committed]) => committed.size > 0)))
    }
    return found
  }

  const sizes = async (spans: ReadonlyMap<string, readonly PartitionSpan[]>) => {
    try {
      const brokers = await admin.describeLogDirs({
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

  const committed: Inspector['committed'] = async (group, topic) =>
    (await positions([group])).get(group)?.get(topic) ?? new Map()

  const topicNames = async () => (await admin.listTopics({ includeInternals: false })).sort()

  return {
    topicNames,
    async topics(names) {
      const spans = new Map<string, readonly PartitionSpan[]>()
      for (const name of names ?? (await topicNames())) {
        const found = await reader.spans(name)
        if (found) spans.set(name, found)
      }
      if (spans.size === 0) return []
      const groups = [...(await admin.listGroups()).keys()].sort()
      const described = groups.length > 0 ? await admin.describeGroups({ groups }) : new Map<string, never>()
      const committed = await positions(groups)
      const bytes = await sizes(spans)
      return [...spans].map(([name, partitions]) => ({
        name,
        partitions,
        bytes: bytes?.get(name),
        groups: groups.flatMap((group): GroupProgress[] => {
          const known = described.get(group)
          const members = [...(known?.members.values() ?? [])].filter(
            (member) => (member.assignments?.get(name)?.partitions.length ?? 0) > 0,
          )
          const ofTopic = committed.get(group)?.get(name)
          if (ofTopic === undefined && members.length === 0) return []
          return [
            {
              group,
              state: known?.state ?? 'Unknown',
              members: members.map((member) => member.groupInstanceId ?? member.clientId).sort(),
              committed: ofTopic ?? new Map(),
              lag: lagOf(partitions, ofTopic ?? new Map()),
            },
          ]
        }),
      }))
    },
    committed,
    async reads(group, topic) {
      if ((await committed(group, topic)).size > 0) return true
      const described = await admin.describeGroups({ groups: [group] })
      return (described.get(group)?.members.size ?? 0) > 0
    },
    close: () => admin.close().catch(() => undefined),
  }
}
