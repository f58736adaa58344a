/**
 * The outbox (reliability rule 2): an event is written in the transaction that changes the state, and sent later by
 * the publisher. To keep the order of an aggregate's events, lock its row before `add`.
 */
import type { Topic } from '@svyaz/contracts/vocabulary.ts'
import { type RawBuilder, sql } from 'kysely'
import type { Database, Outbox, OutboxSource, OutgoingEvent, StoredEvent } from '../api.ts'
import type { Core } from '../core.ts'
import { collected } from '../database/collected.ts'
import { UnsentFloor, unsentFrom } from './unsent-floor.ts'

/** Far enough below the 1 MiB that a broker takes by default for headers and a compressed envelope. */
export const eventBytesMax = 512 * 1024

/**
 * Makes the event that waits to be sent.
 *
 * @throws Error when the topic is not one this service writes, or the data break the contract: a fault of the caller's.
 */
export function toStoredEvent(core: Core, writes: ReadonlyMap<string, Topic>, event: OutgoingEvent): StoredEvent {
  const topic = writes.get(event.topic.name)
  if (!topic) throw new Error(`${core.environment.service} does not write the topic ${event.topic.name}`)
  const schema = topic.events[event.type]
  if (!schema) throw new Error(`the topic ${topic.name} has no event ${event.type}`)
  const checked = schema.safeParse(event.data)
  if (!checked.success) throw new Error(`${event.type} breaks its contract: ${checked.error.message}`)
  return {
    id: event.id ?? core.ids.uuid(),
    topic: topic.name,
    type: event.type,
    key: event.key,
    subject: event.subject ?? event.key,
    data: checked.data,
    time: core.clock.iso(),
    traceparent: event.traceparent ?? core.tracer.current(),
  }
}

/**
 * @param committed is called after each commit that added events
 * @param wake wakes the publisher
 */
export function createOutbox(
  core: Core,
  writes: readonly Topic[],
  { committed, wake }: { committed: () => void; wake: () => void },
): Outbox {
  const byName = new Map(writes.map((topic) => [topic.name, topic]))
  // One statement for all that a transaction adds; it holds its rows' locks until then, so the order stays.
  const insert = collected<StoredEvent>(async (tx, events) => {
    await tx.hold(outboxInsertion(events))
    tx.afterCommit(committed)
  })
  return {
    async add(tx, ...events) {
      if (events.length === 0) return
      insert(tx, ...events.map((event) => toStoredEvent(core, byName, event as unknown as OutgoingEvent)))
    },
    wake,
  }
}

/**
 * A statement that writes events into the outbox, or a part of one (`WITH … AS (…)`). Its text is the same for any
 * number of events, so that it is prepared once. A repeated cause gives the same id: the event is there already.
 *
 * @param only a condition on an event's `key`: those that don't meet it are left out
 * @throws Error for an event that is larger than a broker takes
 */
export function outboxInsertion(
  events: readonly StoredEvent[],
  only: RawBuilder<unknown> = sql`true`,
): RawBuilder<unknown> {
  const data = events.map((event) => JSON.stringify(event.data))
  const tooLarge = events.find((_, index) => Buffer.byteLength(data[index]!) > eventBytesMax)
  if (tooLarge) throw new Error(`${tooLarge.type} is over ${eventBytesMax} bytes`)
  const column = (name: 'id' | 'topic' | 'type' | 'key' | 'subject' | 'time') => events.map((event) => event[name])
  const traceparents = events.map((event) => event.traceparent ?? null)
  return sql`
    insert into svyaz_outbox (id, topic, type, key, subject, data, time, traceparent)
    select id, topic, type, key, subject, data::json, time::timestamptz, traceparent
      from unnest(${column('id')}::text[], ${column('topic')}::text[], ${column('type')}::text[],
        ${column('key')}::text[], ${column('subject')}::text[], ${data}::text[], ${column('time')}::text[],
        ${traceparents}::text[])
        with ordinality as events (id, topic, type, key, subject, data, time, traceparent, place)
      where ${only}
      order by place
    on conflict (id) do nothing`
}

interface OutboxRow extends Omit<StoredEvent, 'time' | 'traceparent'> {
  time: Date
  traceparent: string | null
}

const eventOf = (row: OutboxRow): StoredEvent => ({
  ...row,
  time: row.time.toISOString(),
  traceparent: row.traceparent ?? undefined,
})

/**
 * The unsent rows, in order. By status and never "above the last one sent": a row of a slower transaction appears
 * later with a smaller position, and must not be skipped.
 */
export function tableSource(database: Database, floor = new UnsentFloor(database)): OutboxSource {
  const markSent: OutboxSource['markSent'] = async (events) => {
    const ids = events.map((event) => event.id)
    await sql`update svyaz_outbox set sent_at = now() where id = any(${ids}::text[]) and sent_at is null`.execute(
      database.query,
    )
  }
  return {
    startOver: () => floor.startOver(),
    async pending(eventsMax) {
      const { rows } = await (unsentFrom(floor.position, [], eventsMax) as RawBuilder<OutboxRow>).execute(
        database.query,
      )
      return rows.map(eventOf)
    },
    markSent,
    async markSentAndRead(events, eventsMax) {
      const ids = events.map((event) => event.id)
      // Both parts see what was there before: what is being marked has to be left out by name.
      const { rows } = await sql<OutboxRow>`
        with marked as (
          update svyaz_outbox set sent_at = now() where id = any(${ids}::text[]) and sent_at is null)
        ${unsentFrom(floor.position, ids, eventsMax)}`.execute(database.query)
      await floor.sent(events.length)
      return rows.map(eventOf)
    },
    async oldestAt() {
      const { rows } = await sql<{ time: Date }>`
      select time from svyaz_outbox where sent_at is null order by position limit 1`.execute(database.query)
      return rows[0]?.time.getTime()
    },
  }
}

/** What was sent stays a day to be looked at. */
const sentKeptHours = 24
const rowsMax = 5_000

/** Deletes a bounded number of rows that were sent long ago; returns the number. */
export async function purgeOutbox(database: Database): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from svyaz_outbox where position in (
      select position from svyaz_outbox where sent_at < now() - make_interval(hours => ${sentKeptHours})
      limit ${rowsMax})`.execute(database.query)
  return Number(numAffectedRows ?? 0n)
}
