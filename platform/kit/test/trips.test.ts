/** Statements that leave together: how many trips a transaction makes, and what an error in one of them does. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { openDatabase } from '../src/database/database.ts'
import { testCore } from './core-fixture.ts'
import { startTestPostgres, type TestPostgres } from './engines.ts'

let postgres: TestPostgres
before(async () => {
  postgres = await startTestPostgres()
})
after(() => postgres[Symbol.asyncDispose]())

interface Schema {
  notes: { id: number; text: string }
}
const notes = { id: '0001-notes', sql: 'create table notes (id int primary key, text text not null)' }

/** One connection, so that each test knows what was prepared on it. */
async function open() {
  const core = testCore()
  const url = await postgres.database(`t${randomUUID().slice(0, 8)}`)
  const database = await openDatabase<Schema>(core, { url, migrations: [notes], connectionsMax: 1 })
  const before = core.counted('svyaz_database_trips_total')
  return {
    core,
    database,
    trips: () => core.counted('svyaz_database_trips_total') - before,
    all: async () => (await database.query.selectFrom('notes').selectAll().orderBy('id').execute()).map(({ id }) => id),
    [Symbol.asyncDispose]: () => database.close(),
  }
}

const insertion = (id: number) => sql<{ id: number }>`insert into notes values (${id}, 'n') returning id`

describe('a transaction', () => {
  test('begins with its first statement and ends with its last: two trips for a question and what follows', async () => {
    await using one = await open()
    const held = await one.database.transaction(async (tx) => {
      assert.deepEqual((await sql<{ n: number }>`select 1 as n`.execute(tx)).rows, [{ n: 1 }])
      const first = await tx.hold(insertion(1))
      await tx.hold(insertion(2))
      assert.throws(() => first.rows, /no rows yet/)
      return first
    })
    assert.equal(one.trips(), 2)
    assert.deepEqual([held.rows, await one.all()], [[{ id: 1 }], [1, 2]])
  })

  test('that asked nothing and changed nothing makes none', async () => {
    await using one = await open()
    assert.equal(await one.database.transaction(async () => 'done'), 'done')
    await assert.rejects(
      one.database.transaction(async (tx) => {
        await tx.hold(insertion(1))
        throw new Error('changed my mind')
      }),
      /changed my mind/,
    )
    assert.equal(one.trips(), 0)
    assert.deepEqual(await one.all(), [])
  })

  test('what was held before a question is answered with it, in its order', async () => {
    await using one = await open()
    await one.database.transaction(async (tx) => {
      const held = await tx.hold(insertion(1))
      assert.deepEqual(
        (await tx.selectFrom('notes').select('id').execute()).map(({ id }) => id),
        [1],
      )
      assert.deepEqual(held.rows, [{ id: 1 }])
    })
    assert.equal(one.trips(), 2)
  })

  test('is undone by whatever a held statement throws, and says what', async () => {
    await using one = await open()
    await one.database.transaction((tx) => tx.hold(insertion(1)))
    let committed = false
    await assert.rejects(
      one.database.transaction(async (tx) => {
        tx.afterCommit(() => {
          committed = true
        })
        await tx.hold(insertion(2))
        await tx.hold(insertion(1))
        await tx.hold(insertion(3))
      }),
      { code: '23505' },
    )
    assert.deepEqual([committed, await one.all()], [false, [1]])
    // The connection is outside of any transaction again.
    await one.database.transaction((tx) => tx.hold(insertion(4)))
    assert.deepEqual(await one.all(), [1, 4])
  })

  test('an error that its function swallows leaves nothing to commit, and the transaction says so', async () => {
    await using one = await open()
    await assert.rejects(
      one.database.transaction(async (tx) => {
        await tx.hold(insertion(1))
        await sql`select 1 / 0`.execute(tx).catch(() => undefined)
      }),
    )
    assert.deepEqual(await one.all(), [])
  })
})

describe('prepared statements', () => {
  test('survive an error in their trip, before and behind it, and come twice in one', async () => {
    await using one = await open()
    const text = (id: number) => sql`insert into notes values (${id}, 'again') returning text`
    for (let round = 0; round < 4; round++) {
      const id = round * 10
      await one.database.transaction(async (tx) => {
        await tx.hold(text(id + 1))
        await tx.hold(text(id + 2))
      })
      await assert.rejects(
        one.database.transaction(async (tx) => {
          await tx.hold(text(id + 3))
          await tx.hold(text(id + 1))
          await tx.hold(sql`update notes set text = ${String(round)} where id = ${id}`)
        }),
        { code: '23505' },
      )
    }
    assert.deepEqual(await one.all(), [1, 2, 11, 12, 21, 22, 31, 32])
  })

  test('give their columns also when these are not told again', async () => {
    await using one = await open()
    await one.database.query.insertInto('notes').values({ id: 7, text: 'seven' }).execute()
    for (let round = 0; round < 4; round++) {
      const found = await one.database.query.selectFrom('notes').selectAll().where('id', '=', 7).execute()
      assert.deepEqual(found, [{ id: 7, text: 'seven' }])
      assert.deepEqual(await one.database.query.selectFrom('notes').selectAll().where('id', '=', 8).execute(), [])
      const { numUpdatedRows } = await one.database.query.updateTable('notes').set({ text: 'seven' }).executeTakeFirst()
      assert.equal(numUpdatedRows, 1n)
    }
  })
})

test('values arrive as they were given', async () => {
  await using one = await open()
  const at = new Date('2026-11-26T10:11:12.345Z')
  const words = ['plain', '', 'NULL', 'with "quotes"', 'back\\slash', 'comma, {brace}', 'ärger\n']
  const { rows } = await sql`
    select ${words}::text[] as words, ${[1, null, 3]}::int[] as numbers, ${[[true], [false]]}::boolean[] as nested,
      ${[at]}::timestamptz[] as times, ${at}::timestamptz as at, ${Buffer.from('\0\xff', 'latin1')}::bytea as bytes,
      ${[Buffer.from([0, 255])]}::bytea[] as bytes_list, ${{ a: ['"'] }}::jsonb as document,
      ${[JSON.stringify({ a: '\\"' })]}::jsonb[] as documents, ${12n}::bigint as large, ${null}::text as nothing,
      ${false}::boolean as no, ${1.5}::float8 as half`.execute(one.database.query)
  assert.deepEqual(rows[0], {
    words,
    numbers: [1, null, 3],
    nested: [[true], [false]],
    times: [at],
    at,
    bytes: Buffer.from([0, 255]),
    bytes_list: [Buffer.from([0, 255])],
    document: { a: ['"'] },
    documents: [{ a: '\\"' }],
    large: '12',
    nothing: null,
    no: false,
    half: 1.5,
  })
})
