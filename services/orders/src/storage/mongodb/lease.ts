/**
 * One instance does some work, the others stand by: a lease in a document. The holder counts `renewals` up; who waits
 * looks at the counter with its own monotonic clock and takes over, by compare-and-set, when it stood still for the length
 * of a lease. So no two clocks are compared. A holder that could not renew for that long, counted from before its last
 * good try, stops by itself. Two may overlap for a moment all the same — a process may freeze between look and work —
 * so what is done under this lease must be safe to do twice, as it is under the kit's advisory lock.
 */
import { limits } from '../../config.ts'
import type { LeaseRow } from './collections.ts'
import type { MongoContext } from './context.ts'
import type { Holder, LeaseDocument } from './lease-document.ts'

const { leaseMs } = limits.mongo

/** What is done to a lease, by whatever keeps it. */
export type LeaseAccess = Pick<LeaseDocument, 'name' | 'me' | 'read' | 'create' | 'takeFrom' | 'renew' | 'giveBack'>

/** What one waiting process saw of a lease, and when it first saw that. */
export interface Sighting {
  holder: string
  process: string
  renewals: number
  /** Monotonic ms. */
  at: number
}

export type Verdict = 'take' | 'wait'

/**
 * Pure: what to do about a lease as it stands now.
 *
 * @param seen the last sighting, undefined for the first look
 */
export const judge = (
  row: Omit<LeaseRow, '_id'>,
  seen: Sighting | undefined,
  me: Holder,
  now: number,
  lengthMs: number,
): { verdict: Verdict; seen: Sighting } => {
  const same = seen?.holder === row.holder && seen.process === row.process && seen.renewals === row.renewals
  const sighting = same ? seen : { holder: row.holder, process: row.process, renewals: row.renewals, at: now }
  const given = row.holder === ''
  // An instance runs once: whoever had my name before me has ended.
  const before = row.holder === me.holder && row.process !== me.process
  const silent = now - sighting.at >= lengthMs
  return { verdict: given || before || silent ? 'take' : 'wait', seen: sighting }
}

/** A process that wants a lease, to do its work while it has it. */
export class Candidate {
  readonly #context: Pick<MongoContext, 'clock' | 'log' | 'random'>
  readonly #document: LeaseAccess
  #seen: Sighting | undefined

  constructor(context: Pick<MongoContext, 'clock' | 'log' | 'random'>, document: LeaseAccess) {
    this.#context = context
    this.#document = document
  }

  /** Resolves when `signal` is aborted and `work` has returned. An error is logged, and the lease is stood for again. */
  async lead(signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { clock, log, random } = this.#context
    while (!signal.aborted) {
      try {
        if (await this.#take()) await this.#hold(signal, work)
      } catch (error) {
        if (!signal.aborted) log.warn({ leader: this.#document.name, error: String(error) }, 'not leading for now')
      }
      if (!signal.aborted) await clock.delay((0.75 + random() / 2) * (leaseMs / 4), signal).catch(() => undefined)
    }
  }

  async #take(): Promise<boolean> {
    const row = await this.#document.read()
    if (!row) return this.#document.create()
    const judged = judge(row, this.#seen, this.#document.me, this.#context.clock.monotonic(), leaseMs)
    this.#seen = judged.seen
    return judged.verdict === 'take' && this.#document.takeFrom(row)
  }

  async #hold(signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const tenure = new AbortController()
    const resign = () => tenure.abort()
    signal.addEventListener('abort', resign, { once: true })
    if (signal.aborted) resign()
    this.#context.log.info({ leader: this.#document.name }, 'leading')
    const keeping = this.#keep(tenure)
    try {
      await work(tenure.signal)
    } finally {
      resign()
      signal.removeEventListener('abort', resign)
      await keeping
      await this.#document.giveBack().catch(() => undefined)
    }
  }

  /** Until the tenure ends; ends it when the lease is no longer this process's, or may not be. */
  async #keep(tenure: AbortController): Promise<void> {
    const { clock, log } = this.#context
    let good = clock.monotonic()
    while (!tenure.signal.aborted) {
      await clock.delay(leaseMs / 4, tenure.signal).catch(() => undefined)
      if (tenure.signal.aborted) return
      const askedAt = clock.monotonic()
      try {
        if (!(await this.#renew(tenure.signal))) return tenure.abort()
        good = askedAt
      } catch (error) {
        if (clock.monotonic() - good < leaseMs) continue
        log.warn({ leader: this.#document.name, error: String(error) }, 'the lease could not be renewed')
        return tenure.abort()
      }
    }
  }

  /** A server that says nothing must not keep the lease from running out. */
  #renew(signal: AbortSignal): Promise<boolean> {
    return Promise.race([
      this.#document.renew(),
      this.#context.clock.delay(leaseMs / 2, signal).then(() => Promise.reject(new Error('no answer'))),
    ])
  }
}
