/**
 * Below which position of the outbox nothing unsent can ever appear, so that a read need not begin at the first row.
 * While a snapshot is held open anywhere in the cluster (a backup, a forgotten psql), nothing of what was sent since can
 * be cleaned away, and each read would walk over all of it (docs/decisions/0053).
 *
 * "Above the last one sent" would be wrong: a slower transaction may hold a smaller position and commit later. So: note
 * the newest position handed out, then who holds a lock to write the table. Whoever could still commit a position up to
 * that one is among them, as the lock is taken before the position and given back after the commit. When all of them
 * have ended and no unsent row is left below, none will come.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../api.ts'

/** Sent events between two looks: what a read walks over at most, give or take those under way. */
export const sentBetweenLooks = 500

interface Candidate {
  position: string
  /** The transactions that were writing when it was noted. */
  writers: ReadonlySet<string>
}

export class UnsentFloor {
  readonly #database: Pick<Database, 'query'>
  #position = '0'
  #candidate: Candidate | undefined
  #sent = 0

  constructor(database: Pick<Database, 'query'>) {
    this.#database = database
  }

  /** Every unsent row has this position or a greater one. */
  get position(): string {
    return this.#position
  }

  /** Another instance may have led meanwhile, or the database have been put back to an earlier state. */
  startOver(): void {
    this.#position = '0'
    this.#candidate = undefined
    this.#sent = 0
  }

  /** To be called behind the marking of events; now and then it looks whether the floor can be raised. */
  async sent(events: number): Promise<void> {
    this.#sent += events
    if (this.#sent < sentBetweenLooks) return
    this.#sent = 0
    if (this.#candidate && (await this.#holds(this.#candidate))) {
      this.#position = this.#candidate.position
      this.#candidate = undefined
    }
    // In this order: who writes is asked behind the position.
    this.#candidate ??= { position: await this.#newest(), writers: await this.#writers() }
  }

  async #newest(): Promise<string> {
    const { rows } = await sql<{ last_value: string }>`select last_value from svyaz_outbox_position_seq`.execute(
      this.#database.query,
    )
    return rows[0]?.last_value ?? '0'
  }

  async #writers(): Promise<Set<string>> {
    const { rows } = await sql<{ writer: string }>`
      select virtualtransaction as writer from pg_locks
      where relation = 'svyaz_outbox'::regclass and mode = 'RowExclusiveLock'
        and database = (select oid from pg_database where datname = current_database())`.execute(this.#database.query)
    return new Set(rows.map(({ writer }) => writer))
  }

  async #holds({ position, writers }: Candidate): Promise<boolean> {
    const writing = await this.#writers()
    if ([...writers].some((writer) => writing.has(writer))) return false
    const { rows } = await sql`
      select from svyaz_outbox where sent_at is null and position >= ${this.#position}::bigint
        and position < ${position}::bigint limit 1`.execute(this.#database.query)
    return rows.length === 0
  }
}

/** The unsent rows from a position on, in order, but those with the ids given. */
export const unsentFrom = (position: string, ids: readonly string[], eventsMax: number): RawBuilder<unknown> => sql`
  select id, topic, type, key, subject, data, time, traceparent from svyaz_outbox
  where sent_at is null and position >= ${position}::bigint and id <> all(${[...ids]}::text[])
  order by position limit ${eventsMax}`
