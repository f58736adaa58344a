/** The records that wait, in the order of their partitions: together where they may be, else one by one. */
import type { IncomingRecord, RecordHandling } from '../transport.ts'
import type { GiveUp } from './give-up.ts'
import { isGroupable, type Together } from './group.ts'
import type { Read } from './read.ts'
import type { Settle } from './retry.ts'
import type { ConsumerContext, Work } from './work.ts'

/**
 * Locks are held, and work is repeated after a kill, for as many as these at most. What waits is taken at once: a record
 * at low load has no company and waits for none.
 */
export const groupRecordsMax = 64

export interface PortionSteps {
  readonly read: (record: IncomingRecord) => Read
  readonly together: Together
  readonly settle: Settle
  readonly giveUp: GiveUp
  /** Whether records of this consumer may be in a group: then those of several partitions are. */
  readonly gathers: boolean
}

/** Each call resolves when what it took is settled; it rejects when the signal is aborted before. */
export function createPortions(context: ConsumerContext, steps: PortionSteps): RecordHandling {
  const portions = new Portions(context, steps)
  return {
    recordsMax: groupRecordsMax,
    together: (records, signal, told) => portions.ofOne(records, signal, told),
    ...(steps.gathers ? { gathered: (partitions, signal) => portions.ofSeveral(partitions, signal) } : {}),
  }
}

class Portions {
  readonly #context: ConsumerContext
  readonly #steps: PortionSteps
  /** What a look at several partitions left to one of them, as it was read. */
  readonly #left = new WeakMap<IncomingRecord, Read>()
  /** Of those, what a group took up and undid: its way to a handler was measured then. */
  readonly #undone = new WeakSet<Work>()

  constructor(context: ConsumerContext, steps: PortionSteps) {
    this.#context = context
    this.#steps = steps
  }

  /** The records of one partition. */
  async ofOne(
    records: readonly IncomingRecord[],
    signal: AbortSignal,
    { finished, tried }: { finished(records: number): void; tried?(): void },
  ): Promise<void> {
    const reads = records.map((record) => this.#left.get(record) ?? this.#steps.read(record))
    while (reads.length > 0) {
      const run = reads.splice(0, runLength(reads))
      const works = worksOf(run)
      this.#received(works)
      if (works.length > 1 && (await this.#steps.together(works, signal))) {
        for (const read of run) this.#pass(read)
        finished(run.length)
        tried?.()
        continue
      }
      for (const read of run) {
        signal.throwIfAborted()
        await this.#alone(read, signal, tried)
        tried?.()
        finished(1)
      }
    }
  }

  /** The records of several partitions; what one of them has alone is left to it, and so is all when it is undone. */
  async ofSeveral(partitions: readonly (readonly IncomingRecord[])[], signal: AbortSignal): Promise<readonly number[]> {
    const runs = partitions.map((records) => {
      const reads = records.map((record) => this.#steps.read(record))
      return { reads, run: reads.slice(0, groupableLength(reads)) }
    })
    const works = runs.flatMap(({ run }) => worksOf(run))
    const isShared = runs.filter(({ run }) => run.some((read) => read.do === 'handle')).length > 1
    if (isShared) this.#received(works)
    const isDone = isShared && (await this.#steps.together(works, signal))
    if (isShared && !isDone) for (const work of works) this.#undone.add(work)
    return runs.map(({ reads, run }) => {
      const length = isDone ? run.length : run.findIndex((read) => read.do !== 'pass')
      const passed = run.slice(0, length === -1 ? run.length : length)
      for (const read of passed) this.#pass(read)
      for (const read of reads.slice(passed.length)) this.#left.set(read.record, read)
      return passed.length
    })
  }

  #received(works: readonly Work[]): void {
    for (const work of works) if (!this.#undone.has(work)) this.#context.metrics.received(work.event)
  }

  #pass(read: Read): void {
    if (read.do === 'pass') this.#context.metrics.handled(read.type, read.why)
  }

  async #alone(read: Read, signal: AbortSignal, tried: (() => void) | undefined): Promise<void> {
    if (read.do === 'handle') return this.#steps.settle(read.work, signal, tried)
    if (read.do === 'pass') return this.#pass(read)
    const { core, group } = this.#context
    core.log.error({ group, topic: read.record.topic, reason: read.broken }, 'a record breaks its contract')
    await this.#steps.giveUp(read.record, { error: read.broken, attempts: 1 }, signal)
  }
}

const worksOf = (reads: readonly Read[]): Work[] => reads.flatMap((read) => (read.do === 'handle' ? [read.work] : []))

/** How many of the first ones may be committed together. */
function groupableLength(reads: readonly Read[]): number {
  const end = reads.findIndex((read) => read.do === 'bury' || (read.do === 'handle' && !isGroupable(read.work)))
  return end === -1 ? reads.length : end
}

/** As many as are taken at once; one at least. */
const runLength = (reads: readonly Read[]): number => Math.max(groupableLength(reads), 1)
