/**
 * The producers that each partition knows, and the producer ids given out. A partition's producers are read from the
 * log's batch headers when the first idempotent batch arrives for it; ids are given from blocks, each reserved by one
 * internal record, so that none is given twice.
 */
import type { Log } from '../log/log.ts'
import {
  judge,
  type ProducerState,
  type RememberedBatch,
  remember,
  type SequencedBatch,
  type Verdict,
} from './sequence.ts'

const ID_KEY = 'producer-ids/next'
const ID_BLOCK = 1_000n

interface KnownPartition {
  /** By producer id, the least recently used first. */
  readonly producers: Map<bigint, ProducerState>
  /** Appends that are not durable yet, by the batch they will be remembered as. */
  readonly inFlight: WeakMap<RememberedBatch, Promise<void>>
}

export interface ProducerRules {
  /** Producers remembered in one partition; beyond it the one that has been silent longest is forgotten. */
  readonly producersPerPartitionMax: number
}

export class Producers {
  readonly #log: Log
  readonly #rules: ProducerRules
  readonly #onUnreadable: (topicId: string, partition: number, error: unknown) => void
  readonly #partitions = new Map<string, KnownPartition | Promise<KnownPartition>>()
  #nextId: bigint
  #reservedUpTo: bigint
  #reserving: Promise<void> | null = null
  /** The turn of the last who waits for a load. */
  #loading: Promise<void> | null = null

  constructor(
    log: Log,
    rules: ProducerRules,
    onUnreadable: (topicId: string, partition: number, error: unknown) => void,
  ) {
    this.#onUnreadable = onUnreadable
    this.#log = log
    this.#rules = rules
    let next = 0n
    for (const [key, value] of log.internal()) if (key === ID_KEY) next = BigInt(value.toString('utf8'))
    this.#nextId = next
    this.#reservedUpTo = next
  }

  /** A producer id that was never given before; the block it comes from is durable. */
  async newId(): Promise<bigint> {
    while (this.#nextId >= this.#reservedUpTo) {
      this.#reserving ??= this.#reserve().finally(() => {
        this.#reserving = null
      })
      await this.#reserving
    }
    return this.#nextId++
  }

  async #reserve(): Promise<void> {
    const upTo = this.#reservedUpTo + ID_BLOCK
    await this.#log.append([{ kind: 'internal', key: ID_KEY, value: Buffer.from(String(upTo)) }])
    this.#reservedUpTo = upTo
  }

  /**
   * Makes sure that the producers of these partitions are in memory. Undefined when they are; else to be awaited, and
   * then whoever came later waits longer: requests must not overtake one another while something is read. Never rejects:
   * of a partition that could not be read, `knows` is false, and the fault was given to `onUnreadable`.
   */
  load(partitions: readonly { readonly topicId: string; readonly partition: number }[]): Promise<void> | undefined {
    const loads = partitions.flatMap(({ topicId, partition }) => this.#loadOne(topicId, partition) ?? [])
    if (loads.length === 0 && this.#loading === null) return undefined
    const turn = Promise.all([this.#loading, ...loads]).then(() => {
      if (this.#loading === turn) this.#loading = null
    })
    this.#loading = turn
    return turn
  }

  #loadOne(topicId: string, partition: number): Promise<unknown> | undefined {
    const key = `${topicId}/${partition}`
    const known = this.#partitions.get(key)
    if (known !== undefined) return known instanceof Promise ? known : undefined
    const loading = this.#read(topicId, partition)
    this.#partitions.set(key, loading)
    return loading.then(
      (loaded) => this.#partitions.set(key, loaded),
      (error: unknown) => {
        this.#partitions.delete(key)
        this.#onUnreadable(topicId, partition, error)
      },
    )
  }

  async #read(topicId: string, partition: number): Promise<KnownPartition> {
    const known: KnownPartition = { producers: new Map(), inFlight: new WeakMap() }
    for await (const header of this.#log.headers(topicId, partition)) {
      if (header.producerId < 0n || header.isControl) continue
      const state = remember(known.producers.get(header.producerId), header, header.baseOffset)
      this.#put(known, header.producerId, state)
    }
    return known
  }

  /** Whether the producers of the partition are in memory, so that a batch can be judged. */
  knows(topicId: string, partition: number): boolean {
    const known = this.#partitions.get(`${topicId}/${partition}`)
    return known !== undefined && !(known instanceof Promise)
  }

  /** Judges a batch. The partition must be loaded. A duplicate comes with the append it repeats, if that still runs. */
  judge(
    topicId: string,
    partition: number,
    producerId: bigint,
    batch: SequencedBatch,
  ): { verdict: Verdict; inFlight: Promise<void> | undefined } {
    const known = this.#loaded(topicId, partition)
    const state = known.producers.get(producerId)
    const verdict = judge(state, batch)
    if (verdict.kind !== 'duplicate') return { verdict, inFlight: undefined }
    const original = state?.batches.find(({ baseOffset }) => baseOffset === verdict.baseOffset)
    return { verdict, inFlight: original && known.inFlight.get(original) }
  }

  /** Notes a batch whose append is under way; if that fails, the partition is read from the log again. */
  appended(
    topicId: string,
    partition: number,
    producerId: bigint,
    batch: SequencedBatch,
    baseOffset: bigint,
    append: Promise<void>,
  ): void {
    const known = this.#loaded(topicId, partition)
    const state = remember(known.producers.get(producerId), batch, baseOffset)
    known.inFlight.set(state.batches.at(-1) as RememberedBatch, append)
    this.#put(known, producerId, state)
    append.catch(() => {
      if (this.#partitions.get(`${topicId}/${partition}`) === known) this.#partitions.delete(`${topicId}/${partition}`)
    })
  }

  forgetTopic(topicId: string): void {
    for (const key of this.#partitions.keys()) if (key.startsWith(`${topicId}/`)) this.#partitions.delete(key)
  }

  #loaded(topicId: string, partition: number): KnownPartition {
    const known = this.#partitions.get(`${topicId}/${partition}`)
    if (known === undefined || known instanceof Promise)
      throw new Error('the producers of the partition are not loaded')
    return known
  }

  #put(known: KnownPartition, producerId: bigint, state: ProducerState): void {
    known.producers.delete(producerId)
    known.producers.set(producerId, state)
    if (known.producers.size <= this.#rules.producersPerPartitionMax) return
    for (const oldest of known.producers.keys()) {
      known.producers.delete(oldest)
      break
    }
  }
}
