/** Committed offsets: one internal record of the log per group and partition. A commit is answered after its sync. */
import type { Entry, Log } from '../log/log.ts'

export interface CommittedOffset {
  readonly offset: bigint
  readonly leaderEpoch: number
  readonly metadata: string | null
}

export interface OffsetToCommit extends CommittedOffset {
  readonly topic: string
  readonly partition: number
}

type OffsetsOfGroup = Map<string, Map<number, CommittedOffset>>

const KEY_PREFIX = 'offset/'

export class CommittedOffsets {
  readonly #log: Log
  readonly #groups = new Map<string, OffsetsOfGroup>()

  constructor(log: Log) {
    this.#log = log
    for (const [key, value] of log.internal()) {
      if (!key.startsWith(KEY_PREFIX)) continue
      const { group, topic, partition } = parseKey(key)
      const stored = JSON.parse(value.toString('utf8')) as {
        offset: string
        leaderEpoch: number
        metadata: string | null
      }
      this.#put(group, topic, partition, { ...stored, offset: BigInt(stored.offset) })
    }
  }

  /** Durable, and visible to `of`, when it resolves. */
  async commit(group: string, offsets: readonly OffsetToCommit[]): Promise<void> {
    await this.#log.append(
      offsets.map(({ topic, partition, offset, leaderEpoch, metadata }) => ({
        kind: 'internal',
        key: keyOf(group, topic, partition),
        value: Buffer.from(JSON.stringify({ offset: String(offset), leaderEpoch, metadata })),
      })),
    )
    for (const { topic, partition, offset, leaderEpoch, metadata } of offsets) {
      this.#put(group, topic, partition, { offset, leaderEpoch, metadata })
    }
  }

  get(group: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#groups.get(group)?.get(topic)?.get(partition)
  }

  of(group: string): ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>> {
    return this.#groups.get(group) ?? new Map()
  }

  get groupCount(): number {
    return this.#groups.size
  }

  groups(): Iterable<string> {
    return this.#groups.keys()
  }

  /** Forgets a topic's offsets and gives the entries that make it durable. */
  forgetTopic(topic: string): readonly Entry[] {
    const entries: Entry[] = []
    for (const [group, topics] of this.#groups) {
      for (const partition of topics.get(topic)?.keys() ?? []) {
        entries.push({ kind: 'internal', key: keyOf(group, topic, partition), value: null })
      }
      topics.delete(topic)
      if (topics.size === 0) this.#groups.delete(group)
    }
    return entries
  }

  /** The same for a group. */
  forgetGroup(group: string): readonly Entry[] {
    const entries: Entry[] = []
    for (const [topic, partitions] of this.of(group)) {
      for (const partition of partitions.keys()) {
        entries.push({ kind: 'internal', key: keyOf(group, topic, partition), value: null })
      }
    }
    this.#groups.delete(group)
    return entries
  }

  #put(group: string, topic: string, partition: number, offset: CommittedOffset): void {
    let topics = this.#groups.get(group)
    if (topics === undefined) {
      topics = new Map()
      this.#groups.set(group, topics)
    }
    let partitions = topics.get(topic)
    if (partitions === undefined) {
      partitions = new Map()
      topics.set(topic, partitions)
    }
    partitions.set(partition, offset)
  }
}

/** Topic names have no slash and the group's name is escaped, so the key reads back without doubt. */
function keyOf(group: string, topic: string, partition: number): string {
  return `${KEY_PREFIX}${encodeURIComponent(group)}/${topic}/${partition}`
}

function parseKey(key: string): { group: string; topic: string; partition: number } {
  const [group = '', topic = '', partition = ''] = key.slice(KEY_PREFIX.length).split('/')
  return { group: decodeURIComponent(group), topic, partition: Number(partition) }
}
