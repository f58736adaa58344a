/**
 * The topics of the broker: names, ids, partitions, settings. Each is one internal record of the log, `topic/<name>`;
 * a topic exists once that record is durable.
 */
import type { Entry, Log } from '../log/log.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { configValue, faultsOfConfigs } from './topic-configs.ts'

export interface Topic {
  readonly name: string
  /** Canonical lower-case UUID, never used twice. */
  readonly topicId: string
  readonly partitions: number
  /** Only what was set; the rest are defaults. */
  readonly configs: Readonly<Record<string, string>>
}

export interface TopicRules {
  readonly defaultPartitions: number
  readonly topicsMax: number
  /** Of all topics together. */
  readonly partitionsMax: number
}

export interface NewTopic {
  readonly name: string
  /** -1: the default. */
  readonly partitions: number
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

export interface Refusal {
  readonly errorCode: number
  readonly errorMessage: string
}

const KEY_PREFIX = 'topic/'

export class Topics {
  readonly #log: Log
  readonly #rules: TopicRules
  readonly #newId: () => string
  readonly #byName = new Map<string, Topic>()
  readonly #byId = new Map<string, Topic>()
  /** Names whose record is on its way to the disk. */
  readonly #inFlight = new Map<string, Promise<unknown>>()

  /** Takes what the log remembers. `newId` gives random version 4 UUIDs. */
  constructor(log: Log, rules: TopicRules, newId: () => string) {
    this.#log = log
    this.#rules = rules
    this.#newId = newId
    for (const [key, value] of log.internal()) {
      if (key.startsWith(KEY_PREFIX)) this.#put(JSON.parse(value.toString('utf8')) as Topic)
    }
  }

  get(name: string): Topic | undefined {
    return this.#byName.get(name)
  }

  byId(topicId: string): Topic | undefined {
    return this.#byId.get(topicId)
  }

  all(): Iterable<Topic> {
    return this.#byName.values()
  }

  get size(): number {
    return this.#byName.size
  }

  /** Judges a new topic without making it. */
  faultOf(wanted: NewTopic): Refusal | null {
    const nameFault = faultOfTopicName(wanted.name)
    if (nameFault !== null) return { errorCode: errorCode.INVALID_TOPIC_EXCEPTION, errorMessage: nameFault }
    if (this.#byName.has(wanted.name)) {
      return { errorCode: errorCode.TOPIC_ALREADY_EXISTS, errorMessage: `topic ${wanted.name} exists already` }
    }
    if (wanted.partitions === 0 || wanted.partitions < -1) {
      return { errorCode: errorCode.INVALID_PARTITIONS, errorMessage: 'a topic has at least one partition' }
    }
    const faults = faultsOfConfigs(wanted.configs)
    if (faults.length > 0) return { errorCode: errorCode.INVALID_CONFIG, errorMessage: faults.join('; ') }
    return this.#faultOfSize(this.#partitionsOf(wanted), 1)
  }

  /** Makes a topic; durable when it resolves. Gives the existing one's refusal when the name is taken. */
  async create(wanted: NewTopic): Promise<Topic | Refusal> {
    // Two requests for one name: the second is judged when the first is done.
    while (this.#inFlight.has(wanted.name)) await this.#inFlight.get(wanted.name)
    const fault = this.faultOf(wanted)
    if (fault !== null) return fault
    const topic: Topic = {
      name: wanted.name,
      topicId: this.#newId(),
      partitions: this.#partitionsOf(wanted),
      configs: Object.fromEntries(wanted.configs.flatMap(({ name, value }) => (value === null ? [] : [[name, value]]))),
    }
    await this.#store(topic)
    return topic
  }

  /** Raises the number of partitions; durable when it resolves. */
  async grow(name: string, partitions: number): Promise<Topic | Refusal> {
    while (this.#inFlight.has(name)) await this.#inFlight.get(name)
    const topic = this.#byName.get(name)
    const fault = this.faultOfGrowth(name, partitions)
    if (fault !== null || topic === undefined) return fault as Refusal
    const grown = { ...topic, partitions }
    await this.#store(grown)
    return grown
  }

  faultOfGrowth(name: string, partitions: number): Refusal | null {
    const topic = this.#byName.get(name)
    if (topic === undefined) {
      return { errorCode: errorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: `no topic ${name}` }
    }
    if (partitions <= topic.partitions) {
      return {
        errorCode: errorCode.INVALID_PARTITIONS,
        errorMessage: `topic ${name} has ${topic.partitions} partitions; their number can only grow`,
      }
    }
    return this.#faultOfSize(partitions - topic.partitions, 0)
  }

  /** Forgets the topic, then its records, then the internal records in `also` (its committed offsets). */
  async remove(topic: Topic, also: readonly Entry[]): Promise<void> {
    this.#byName.delete(topic.name)
    this.#byId.delete(topic.topicId)
    const removal = this.#log
      .append([{ kind: 'internal', key: KEY_PREFIX + topic.name, value: null }, ...also])
      .then(() => this.#log.deleteTopic(topic.topicId))
    await this.#whileInFlight(topic.name, removal)
  }

  #partitionsOf(wanted: NewTopic): number {
    return wanted.partitions === -1 ? this.#rules.defaultPartitions : wanted.partitions
  }

  #faultOfSize(morePartitions: number, moreTopics: number): Refusal | null {
    let partitions = morePartitions
    for (const topic of this.#byName.values()) partitions += topic.partitions
    if (this.#byName.size + moreTopics > this.#rules.topicsMax || partitions > this.#rules.partitionsMax) {
      return {
        errorCode: errorCode.POLICY_VIOLATION,
        errorMessage: `at most ${this.#rules.topicsMax} topics and ${this.#rules.partitionsMax} partitions`,
      }
    }
    return null
  }

  async #store(topic: Topic): Promise<void> {
    const key = KEY_PREFIX + topic.name
    const stored = this.#log.append([{ kind: 'internal', key, value: Buffer.from(JSON.stringify(topic)) }])
    await this.#whileInFlight(
      topic.name,
      stored.then(() => this.#put(topic)),
    )
  }

  async #whileInFlight(name: string, work: Promise<unknown>): Promise<void> {
    // Those who wait for the name only want to know when the work is over, not how it went.
    this.#inFlight.set(
      name,
      work.catch(() => undefined),
    )
    try {
      await work
    } finally {
      this.#inFlight.delete(name)
    }
  }

  #put(topic: Topic): void {
    this.#byName.set(topic.name, topic)
    this.#byId.set(topic.topicId, topic)
    const deletes = configValue(topic.configs, 'cleanup.policy').includes('delete')
    this.#log.setRetention(topic.topicId, {
      retentionMs: deletes ? Number(configValue(topic.configs, 'retention.ms')) : -1,
      retentionBytes: deletes ? Number(configValue(topic.configs, 'retention.bytes')) : -1,
    })
  }
}

/** Apache Kafka's rule: 1 to 249 of letters, digits, dot, underscore, hyphen; neither "." nor "..". */
export function faultOfTopicName(name: string): string | null {
  if (name === '' || name === '.' || name === '..') return 'a topic name may not be empty, "." or ".."'
  if (name.length > 249) return 'a topic name has at most 249 characters'
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) return 'a topic name has letters, digits, ".", "_" and "-" only'
  return null
}

/** Whether a topic was refused, with the error code, rather than made. */
export function isRefusal(result: Topic | Refusal): result is Refusal {
  return 'errorCode' in result
}
