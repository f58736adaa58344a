/**
 * One instance does some work, the others stand by: a lease in a document. The holder counts `renewals` up; who waits
 * looks at the counter with its own monotonic clock and takes over, by compare-and-set, when it stood still for the length
 * of a lease. So no two clocks are compared. A holder that could not renew for that long, counted from before its last
 * good try, stops by itself. Two may overlap for a moment all the same — a process may freeze between look and work —
 * so what is done under this lease must be safe to do twice, as it is under the kit's advisory lock.
 */
import type { Collection } from 'mongodb'
import { limits } from '../../config.ts'
import type { MongoContext } from '../mongodb.ts'
import type { Calls } from './calls.ts'
import type { LeaseRow } from './collections.ts'
import { isDuplicateKey } from './errors.ts'

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
  me: { instance: string; process: string },
  now: number,
  leaseMs: number,
): { verdict: Verdict; seen: Sighting } => {
  const same = seen?.holder === row.holder && seen.process === row.process && seen.renewals === row.renewals
  const sighting = same ? seen : { holder: row.holder, process: row.process, renewals: row.renewals, at: now }
  const given = row.holder === ''
  // An instance runs once: whoever had my name before me has ended.
  const before = row.holder === me.instance && row.process !== me.process
  const silent = now - sighting.at >= leaseMs
  return { verdict: given || before || silent ? 'take' : 'wait', seen: sighting }
}

/** Resolves when `signal` is aborted and `work` has returned. An error is logged and it stands for the lease again. */
export const leadByLease = async (
  context: MongoContext,
  { call }: Calls,
  leases: Collection<LeaseRow>,
  name: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> => {
  const { clock, log } = context
  const { leaseMs } = limits.mongo
  const me = { instance: context.instance, process: context.ids.uuid() }
  const holding = { holder: me.instance, process: me.process }
  const mine = { _id: name, ...holding }
  const pause = () => clock.delay((0.75 + context.random() / 2) * (leaseMs / 4), signal).catch(() => undefined)
  let seen: Sighting | undefined

  const take = async (): Promise<boolean> => {
    const row = await call('find', 'leases', () => leases.findOne({ _id: name }))
    if (!row) {
      await call('insert', 'leases', () => leases.insertOne({ ...mine, renewals: 1 }))
      return true
    }
    const judged = judge(row, seen, me, clock.monotonic(), leaseMs)
    seen = judged.seen
    if (judged.verdict === 'wait') return false
    const { holder, process, renewals } = row
    const taken = await call('update', 'leases', () =>
      leases.updateOne({ _id: name, holder, process, renewals }, { $set: { ...holding, renewals: renewals + 1 } }),
    )
    return taken.matchedCount === 1
  }

  /** Until the tenure ends; ends it when the lease is no longer this process's, or may not be. */
  const keep = async (tenure: AbortController) => {
    let good = clock.monotonic()
    while (!tenure.signal.aborted) {
      await clock.delay(leaseMs / 4, tenure.signal).catch(() => undefined)
      if (tenure.signal.aborted) return
      const askedAt = clock.monotonic()
      try {
        // A server that says nothing must not keep the lease from running out.
        const renewed = await Promise.race([
          call('update', 'leases', () => leases.updateOne(mine, { $inc: { renewals: 1 } })),
          clock.delay(leaseMs / 2, tenure.signal).then(() => Promise.reject(new Error('no answer'))),
        ])
        if (renewed.matchedCount !== 1) return tenure.abort()
        good = askedAt
      } catch (error) {
        if (clock.monotonic() - good < leaseMs) continue
        log.warn({ leader: name, error: String(error) }, 'the lease could not be renewed')
        return tenure.abort()
      }
    }
  }

  const lead = async () => {
    const tenure = new AbortController()
    const resign = () => tenure.abort()
    signal.addEventListener('abort', resign, { once: true })
    if (signal.aborted) resign()
    log.info({ leader: name }, 'leading')
    const keeping = keep(tenure)
    try {
      await work(tenure.signal)
    } finally {
      resign()
      signal.removeEventListener('abort', resign)
      await keeping
      await call('update', 'leases', () => leases.updateOne(mine, { $set: { holder: '' } })).catch(() => undefined)
    }
  }

  while (!signal.aborted) {
    try {
      if (await take()) await lead()
    } catch (error) {
      if (!signal.aborted && !isDuplicateKey(error))
        log.warn({ leader: name, error: String(error) }, 'not leading for now')
    }
    if (!signal.aborted) await pause()
  }
}
