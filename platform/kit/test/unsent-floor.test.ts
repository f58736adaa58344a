/** What a read of the outbox walks over while a snapshot is held open, and that no slow transaction is passed over. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type RawBuilder, sql } from 'kysely'
import pg from 'pg'
import type { StoredEvent } from '../src/api.ts'
import { type OpenDatabase, openDatabase } from '../src/database/database.ts'
import { tableSource } from '../src/messaging/outbox.ts'
import { sentBetweenLooks, UnsentFloor, unsentFrom } from '../src/messaging/unsent-floor.ts'
import { testCore } from './core-fixture.ts'
import { startTestPostgres, type TestPostgres } from './engines.ts'

const eventsMax = 500
let postgres: TestPostgres
before(async () => {
  postgres = await startTestPostgres()
})
after(() => postgres[Symbol.asyncDispose]())

const open = async (name: string) => {
  const url = await postgres.database(name)
  const database: OpenDatabase<unknown> = await openDatabase(testCore(), { url, migrations: [] })
  const floor = new UnsentFloor(database)
  const source = tableSource(database, floor)
  const another = new pg.Client({ connectionString: url })
  await another.connect()
  let number = 0
  const commit = async (count: number) => {
    await sql`insert into svyaz_outbox (id, topic, type, key, subject, data, time)
      select n::text, 't', 't', 'k', 'k', json_build_object('text', repeat('x', 1000)), now()
      from generate_series(${number + 1}::integer, ${number + count}::integer) as n order by n`.execute(database.query)
    number += count
  }
  /** Commits events and takes them through the source as the publisher does. */
  const publish = async (count: number) => {
    for (let left = count; left > 0; left -= eventsMax) {
      await commit(Math.min(left, eventsMax))
      const events = await source.pending(eventsMax)
      assert.equal(events.length, Math.min(left, eventsMax))
      assert.deepEqual(await source.markSentAndRead!(events, eventsMax), [])
    }
  }
  return {
    database,
    floor,
    source,
    another,
    publish,
    async [Symbol.asyncDispose]() {
      await another.end()
      await database.close()
    },
  }
}

/** Blocks that a read from this position touches. */
const blocksOf = async (database: OpenDatabase<unknown>, position: string): Promise<number> => {
  const read = unsentFrom(position, [], eventsMax)
  const explained = sql`explain (analyze, buffers, format json) ${read}` as RawBuilder<{
    'QUERY PLAN': { Plan: Record<string, number> }[]
  }>
  const { rows } = await database.transaction(async (tx) => {
    // Statistics come later than this test; with them the index is what a planner takes.
    await sql`set local enable_seqscan = off`.execute(tx)
    await sql`set local enable_bitmapscan = off`.execute(tx)
    return explained.execute(tx)
  })
  const plan = rows[0]!['QUERY PLAN'][0]!.Plan
  return plan['Shared Hit Blocks']! + plan['Shared Read Blocks']!
}

test('a snapshot held open does not make reads dearer with each event that is sent behind it', async () => {
  await using bench = await open('held')
  const { database, floor, another, publish } = bench
  await another.query('begin isolation level repeatable read')
  await another.query('select count(*) from svyaz_outbox')
  const few = 4 * sentBetweenLooks
  await publish(few)
  const early = await blocksOf(database, floor.position)
  await publish(5 * few)
  const late = await blocksOf(database, floor.position)
  const walkedOver = await blocksOf(database, '0')
  assert.ok(late <= 2 * early, `${early} blocks, then ${late}`)
  assert.ok(walkedOver > 4 * late, `the trap is set: a read from the first row touches ${walkedOver} blocks`)
})

test('an event of a transaction that is slower than all that follows is sent once it commits', async () => {
  await using bench = await open('slow')
  const { floor, source, another, publish } = bench
  await publish(1)
  await another.query('begin')
  await another.query(
    `insert into svyaz_outbox (id, topic, type, key, subject, data, time) values ('slow', 't', 't', 's', 's', '{}', now())`,
  )
  await publish(5 * sentBetweenLooks)
  await another.query('commit')
  const ids = (events: readonly StoredEvent[]) => events.map(({ id }) => id)
  assert.deepEqual(ids(await source.pending(eventsMax)), ['slow'])
  await source.markSent(await source.pending(eventsMax))
  const before = BigInt(floor.position)
  await publish(3 * sentBetweenLooks)
  assert.ok(BigInt(floor.position) > before, 'the floor rises again behind it')
})

test('an event that is not marked keeps the floor below it', async () => {
  await using bench = await open('unmarked')
  const { database, floor, source, publish } = bench
  await publish(3 * sentBetweenLooks)
  const { rows } = await sql<{ position: string }>`
    update svyaz_outbox set sent_at = null where position = ${floor.position}::bigint returning position`.execute(
    database.query,
  )
  const again = await source.pending(1)
  assert.equal(rows.length, 1)
  assert.equal(again.length, 1)
  for (let look = 0; look < 3; look++) await floor.sent(sentBetweenLooks)
  assert.equal(floor.position, rows[0]?.position)
  floor.startOver()
  assert.equal(floor.position, '0')
})
