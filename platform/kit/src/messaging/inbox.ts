/**
 * The inbox (reliability rule 3): which events a consumer has handled, written in the transaction of their effect, so
 * that a second delivery changes nothing. Its second state, `dead`, keeps a task from being both done and a dead
 * letter: it is written before the dead letter is sent, and from then on only a replay may handle the event.
 */
import { sql } from 'kysely'
import type { Database, Held, Tx } from '../api.ts'

export type Claim = 'claimed' | 'duplicate' | 'dead'

/**
 * Takes the event for this consumer. A delivery of the same event at the same time waits here until this transaction
 * ends, and is then told what became of it.
 */
export async function claim<Schema>(
  tx: Tx<Schema>,
  event: { consumer: string; id: string; type: string; replayed: boolean },
): Promise<Claim> {
  const taken = await sql`
    insert into svyaz_inbox (consumer, event_id, type) values (${event.consumer}, ${event.id}, ${event.type})
    on conflict (consumer, event_id) do update set state = 'done', handled_at = now()
      where svyaz_inbox.state = 'dead' and ${event.replayed}::boolean
    returning 1`.execute(tx)
  if (taken.rows.length > 0) return 'claimed'
  const { rows } = await sql<{ state: 'done' | 'dead' }>`
    select state from svyaz_inbox where consumer = ${event.consumer} and event_id = ${event.id}`.execute(tx)
  return rows[0]?.state === 'dead' ? 'dead' : 'duplicate'
}

/**
 * Takes new events without waiting to hear it: the statement leaves with the next one, and where one of them was taken
 * before, PostgreSQL refuses it and all that follows, the commit too. So it decides nothing, and costs no trip.
 *
 * @param events each once
 * @returns answered when they are this consumer's
 */
export function claimAhead<Schema>(
  tx: Tx<Schema>,
  consumer: string,
  events: readonly { id: string; type: string }[],
): Promise<Held<unknown>> {
  return tx.hold(sql`
    insert into svyaz_inbox (consumer, event_id, type)
    select ${consumer}, id, type
      from unnest(${events.map(({ id }) => id)}::text[], ${events.map(({ type }) => type)}::text[]) as events (id, type)`)
}

/** Hears what became of a claim that still waits to leave, for a handler that failed without asking anything. */
export async function hearClaim<Schema>(tx: Tx<Schema>, claim: Held<unknown>): Promise<void> {
  // What was lost with its trip has been heard: the transaction can only be undone.
  if (claim.state === 'waiting') await sql`select 1`.execute(tx)
}

/**
 * Takes several new events in one statement, in their order, so that two instances that claim the same ones don't wait
 * for each other. One that came twice among them is claimed for its first coming.
 */
export async function claimTogether<Schema>(
  tx: Tx<Schema>,
  consumer: string,
  events: readonly { id: string; type: string }[],
): Promise<Map<string, Claim>> {
  const taken = await sql<{ event_id: string }>`
    insert into svyaz_inbox (consumer, event_id, type)
    select ${consumer}, id, type
      from unnest(${events.map(({ id }) => id)}::text[], ${events.map(({ type }) => type)}::text[]) as events (id, type)
    on conflict (consumer, event_id) do nothing
    returning event_id`.execute(tx)
  const claims = new Map<string, Claim>(taken.rows.map(({ event_id }) => [event_id, 'claimed']))
  const before = events.map(({ id }) => id).filter((id) => !claims.has(id))
  if (before.length === 0) return claims
  const { rows } = await sql<{ event_id: string; state: 'done' | 'dead' }>`
    select event_id, state from svyaz_inbox
    where consumer = ${consumer} and event_id = any(${before}::text[])`.execute(tx)
  for (const { event_id, state } of rows) claims.set(event_id, state === 'dead' ? 'dead' : 'duplicate')
  return claims
}

/** Closes the event for every delivery but a replay; leaves one alone that was done after all. */
export async function bury(
  database: Database,
  event: { consumer: string; id: string; type: string },
): Promise<'buried' | 'done before'> {
  const { rows } = await sql<{ state: string }>`
    insert into svyaz_inbox (consumer, event_id, type, state)
    values (${event.consumer}, ${event.id}, ${event.type}, 'dead')
    on conflict (consumer, event_id) do update set handled_at = svyaz_inbox.handled_at
    returning state`.execute(database.query)
  return rows[0]?.state === 'done' ? 'done before' : 'buried'
}

/** Longer than topics are kept and replays are allowed, so no delivery outlives its row. */
const keptDays = 7
const rowsMax = 5_000

/** Deletes a bounded number of rows past their time; returns the number. */
export async function purgeInbox(database: Database): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from svyaz_inbox where ctid in (
      select ctid from svyaz_inbox where handled_at < now() - make_interval(days => ${keptDays}) limit ${rowsMax})`.execute(
    database.query,
  )
  return Number(numAffectedRows ?? 0n)
}
