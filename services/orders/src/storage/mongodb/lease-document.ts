/** A lease as a document of MongoDB: what one process does to it, each a write that says whether it held. */
import type { Collection } from 'mongodb'
import type { Calls } from './calls.ts'
import type { LeaseRow } from './collections.ts'
import { isDuplicateKey } from './errors.ts'

/** Who has a lease. */
export type Holder = Pick<LeaseRow, 'holder' | 'process'>

/** One lease, as one process reads and writes it. */
export class LeaseDocument {
  readonly name: string
  readonly me: Holder
  readonly #calls: Calls
  readonly #leases: Collection<LeaseRow>

  constructor(calls: Calls, leases: Collection<LeaseRow>, name: string, me: Holder) {
    this.#calls = calls
    this.#leases = leases
    this.name = name
    this.me = me
  }

  /** Null before anybody ever had it. @throws Failure('unavailable') when MongoDB is away */
  read(): Promise<LeaseRow | null> {
    return this.#calls.call('find', 'leases', () => this.#leases.findOne({ _id: this.name }))
  }

  /** The first to have it; false when another was faster. @throws Failure('unavailable') when MongoDB is away */
  async create(): Promise<boolean> {
    const row = { _id: this.name, ...this.me, renewals: 1 }
    try {
      await this.#calls.call('insert', 'leases', () => this.#leases.insertOne(row))
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }

  /** False when it isn't any more as it was read. @throws Failure('unavailable') when MongoDB is away */
  takeFrom({ holder, process, renewals }: LeaseRow): Promise<boolean> {
    return this.#update({ _id: this.name, holder, process, renewals }, { ...this.me, renewals: renewals + 1 })
  }

  /** False when it is another's now. @throws Failure('unavailable') when MongoDB is away */
  async renew(): Promise<boolean> {
    const mine = { _id: this.name, ...this.me }
    const renewed = await this.#calls.call('update', 'leases', () =>
      this.#leases.updateOne(mine, { $inc: { renewals: 1 } }),
    )
    return renewed.matchedCount === 1
  }

  /** Whoever waits need not wait for it to run out. @throws Failure('unavailable') when MongoDB is away */
  async giveBack(): Promise<void> {
    await this.#update({ _id: this.name, ...this.me }, { holder: '' })
  }

  async #update(where: Partial<LeaseRow>, set: Partial<LeaseRow>): Promise<boolean> {
    const written = await this.#calls.call('update', 'leases', () => this.#leases.updateOne(where, { $set: set }))
    return written.matchedCount === 1
  }
}
