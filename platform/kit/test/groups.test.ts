/** Records that wait are handled together: what that saves, and that nothing else changes by it. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { permanent, transient } from '../src/failure.ts'
import type { Messaging } from '../src/messaging/messaging.ts'
import { openOperator } from '../src/operator.ts'
import { type TestCore, until } from './core-fixture.ts'
import { type Counted, counted, recordEffect } from './counted-topic.ts'
import { startTestBroker, startTestPostgres, type TestBroker, type TestPostgres } from './engines.ts'
import { add, Bench, type BenchInstance, effects, numbers } from './messaging-bench.ts'

let postgres: TestPostgres
let broker: TestBroker
before(async () => {
  ;[postgres, broker] = await Promise.all([startTestPostgres(), startTestBroker()])
})
after(async () => {
  await broker[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})
const openBench = () => Bench.open(postgres, broker)

/** Ten records of one key are in the topic before any consumer comes. */
const tenWaiting = async (bench: Bench): Promise<BenchInstance> => {
  const writer = await bench.instance('orders-1')
  for (const n of numbers(1, 10)) await add(bench, writer, 'k', n)
  await until('all are sent', async () => (await unsent(writer)) === 0)
  return writer
}

/** Six keys, four records each, their numbers interleaved. */
const keysWaiting = async (bench: Bench): Promise<BenchInstance> => {
  const writer = await bench.instance('orders-1')
  for (const n of numbers(1, 24)) await add(bench, writer, `k${n % 6}`, n)
  await until('all are sent', async () => (await unsent(writer)) === 0)
  return writer
}

const assertOrderedByKey = async ({ database }: Pick<BenchInstance, 'database'>): Promise<void> => {
  for (const [key, rows] of Map.groupBy(await effects(database), (row) => row.key)) {
    const order = rows.map(({ n }) => n)
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      key,
    )
  }
}

const unsent = async ({ database }: Pick<BenchInstance, 'database'>): Promise<number> => {
  const { rows } = await sql<{ count: string }>`select count(*) from svyaz_outbox where sent_at is null`.execute(
    database.query,
  )
  return Number(rows[0]?.count)
}

/** Transactions that wrote the effects: their numbers, in order. */
const byTransaction = async ({ database }: Pick<BenchInstance, 'database'>): Promise<number[][]> => {
  const { rows } = await sql<{ numbers: number[] }>`
    select array_agg(n order by at) as numbers from effects group by xmin::text order by min(at)`.execute(
    database.query,
  )
  return rows.map((row) => row.numbers)
}

const committed = async (bench: Bench, core: TestCore): Promise<number> => {
  await using operator = openOperator({ bootstrap: [broker.address], name: 'operator', log: core.log })
  const positions = await operator.inspect.committed(bench.group, bench.topic.name)
  return Number([...positions.values()].reduce((sum, position) => sum + (position > 0n ? position : 0n), 0n))
}

const recording = (bench: Bench) => (core: TestCore) => [
  counted(bench.topic, bench.group, (message, tx) => recordEffect(core, tx, message)),
]

describe('records that wait', () => {
  test('share one transaction, one claim and one insert into the outbox, and each keeps its span', async () => {
    await using bench = await openBench()
    const writer = await tenWaiting(bench)
    const one = await bench.instance('payments-1', (core, messaging: () => Messaging) => [
      counted(bench.topic, bench.group, async (message, tx) => {
        await recordEffect(core, tx, message)
        await messaging().outbox.add(tx, { topic: bench.topic, type: 'other', key: 'k', data: {} })
      }),
    ])
    await until('all are done', async () => (await effects(writer.database)).length === 10)
    await until('their events are sent', async () => (await unsent(writer)) === 0)
    assert.deepEqual(await byTransaction(writer), [numbers(1, 10)])
    const { rows } = await sql<{ transactions: string }>`
      select count(distinct xmin::text) as transactions from svyaz_inbox`.execute(writer.database.query)
    assert.deepEqual(rows, [{ transactions: '1' }])
    // Written by one statement: its number within the transaction.
    const added = await sql<{ statements: string }>`
      select count(distinct xmin::text || ' ' || cmin::text) as statements from svyaz_outbox
      where type = 'other'`.execute(writer.database.query)
    assert.deepEqual(added.rows, [{ statements: '1' }])
    const spans = one.core.spans.filter((span) => span.name === 'handle counted')
    assert.deepEqual(
      spans.map((span) => [span.attributes['svyaz.outcome'], span.attributes['svyaz.group.records'], span.failed]),
      numbers(1, 10).map(() => ['done', 10, false]),
    )
    const published = one.core.spans.filter((span) => span.name === `publish ${bench.topic.name}`)
    const others = [...published, ...writer.core.spans.filter((span) => span.name === `publish ${bench.topic.name}`)]
      .filter((span) => span.attributes['svyaz.event.type'] === 'other')
      .map((span) => span.parent)
    assert.deepEqual(
      others,
      spans.map((span) => span.traceparent),
    )
    assert.equal(one.core.counted('svyaz_messages_handled_total', { outcome: 'done' }), 10)
  })

  test('one that came twice among them has one effect', async () => {
    await using bench = await openBench()
    const writer = await tenWaiting(bench)
    await sql`update svyaz_outbox set sent_at = null where position in (select position from svyaz_outbox limit 3)`.execute(
      writer.database.query,
    )
    writer.messaging.outbox.wake()
    await until('they are sent again', async () => (await unsent(writer)) === 0)
    const one = await bench.instance('payments-1', recording(bench))
    await until('all are settled', () => one.core.counted('svyaz_messages_handled_total') === 13)
    assert.deepEqual(await byTransaction(writer), [numbers(1, 10)])
    assert.equal(one.core.counted('svyaz_messages_duplicates_total'), 3)
  })

  test('those that were handled before, among others, have no second effect; the others still share one transaction', async () => {
    await using bench = await openBench()
    const writer = await bench.instance('orders-1')
    const before = await bench.instance('payments-1', recording(bench))
    for (const n of numbers(1, 3)) await add(bench, writer, 'k', n)
    await until('the first are done', async () => (await effects(writer.database)).length === 3)
    await before.close()
    await until('all are marked', async () => (await unsent(writer)) === 0)
    await sql`update svyaz_outbox set sent_at = null`.execute(writer.database.query)
    for (const n of numbers(4, 10)) await add(bench, writer, 'k', n)
    await until('all are sent', async () => (await unsent(writer)) === 0)
    const one = await bench.instance('payments-1', recording(bench))
    await until('all are settled', () => one.core.counted('svyaz_messages_handled_total') === 10)
    assert.equal(one.core.counted('svyaz_messages_duplicates_total'), 3)
    assert.deepEqual((await byTransaction(writer)).at(-1), numbers(4, 10))
    assert.deepEqual(
      (await effects(writer.database)).map(({ n }) => n),
      numbers(1, 10),
    )
  })

  test('without claims, as the checker sabotages them, what comes again has a second effect', async () => {
    await using bench = await openBench()
    const writer = await tenWaiting(bench)
    await bench.instance('payments-1', recording(bench), { sabotage: new Set(['skip-inbox']) })
    await until('all are done', async () => (await effects(writer.database)).length === 10)
    await sql`update svyaz_outbox set sent_at = null`.execute(writer.database.query)
    writer.messaging.outbox.wake()
    await until('all are done again', async () => (await effects(writer.database)).length === 20)
  })

  test('the claim leaves with the effect: a handler that asks nothing makes one trip, alone or with others', async () => {
    await using bench = await openBench()
    const writer = await tenWaiting(bench)
    const one = await bench.instance('payments-1', (core) => [
      counted(bench.topic, bench.group, async (message, tx) => {
        const { id, key, data } = message
        await tx.hold(sql`insert into effects (event_id, key, n, instance, consumer)
          values (${id}, ${key}, ${data.n}, ${core.environment.instance}, '')`)
      }),
    ])
    const handled = () => one.core.counted('svyaz_messages_handled_total', { outcome: 'done' })
    await until('all are done', () => handled() === 10)
    assert.deepEqual(await byTransaction(writer), [numbers(1, 10)])
    assert.equal(one.core.counted('svyaz_database_trips_total'), 1)
    await add(bench, writer, 'k', 11)
    await until('that one is too', () => handled() === 11)
    assert.equal(one.core.counted('svyaz_database_trips_total'), 2)
  })

  test('a poison record in the middle harms nobody else: the others are done in order, it alone is a dead letter', async () => {
    await using bench = await openBench()
    const writer = await tenWaiting(bench)
    const poisoned = async (core: TestCore, message: Counted, tx: Parameters<typeof recordEffect>[1]) => {
      await recordEffect(core, tx, message)
      if (message.data.n === 5) throw permanent('poison')
    }
    const one = await bench.instance('payments-1', (core) => [
      counted(bench.topic, bench.group, (message, tx) => poisoned(core, message, tx), { attemptsMax: 2 }),
    ])
    await until('the others are done', async () => (await effects(writer.database)).length === 9)
    assert.deepEqual(
      await byTransaction(writer),
      numbers(1, 10).flatMap((n) => (n === 5 ? [] : [[n]])),
    )
    await using operator = openOperator({ bootstrap: [broker.address], name: 'operator', log: one.core.log })
    const letters = await operator.deadLetters.list(bench.topic.name)
    assert.deepEqual(
      letters.map(({ value, attempts, consumer }) => [value, attempts, consumer]),
      [['{"n":5}', 2, bench.group]],
    )
    // The tries inside the group count for nothing, and their spans say that they were undone.
    assert.equal(one.core.counted('svyaz_messages_handled_total', { outcome: 'permanent' }), 2)
    const undone = one.core.spans.filter((span) => span.attributes['svyaz.outcome'] === 'undone')
    assert.deepEqual(
      undone.map((span) => span.failed),
      [false, false, false, false, true],
    )
    await until('the offset is behind all of them', async () => (await committed(bench, one.core)) === 10)
  })

  test('of several partitions share one transaction too, each partition in its order', async () => {
    await using bench = await openBench()
    const writer = await keysWaiting(bench)
    await bench.instance('payments-1', recording(bench))
    await until('all are done', async () => (await effects(writer.database)).length === 24)
    const [together] = await byTransaction(writer)
    assert.deepEqual(
      together?.toSorted((a, b) => a - b),
      numbers(1, 24),
    )
    await assertOrderedByKey(writer)
  })

  test('a poison record in one partition harms no other: each is a group of its own then, and it alone is a dead letter', async () => {
    await using bench = await openBench()
    const writer = await keysWaiting(bench)
    const one = await bench.instance('payments-1', (core) => [
      counted(
        bench.topic,
        bench.group,
        async (message, tx) => {
          await recordEffect(core, tx, message)
          if (message.data.n === 9) throw permanent('poison')
        },
        { attemptsMax: 1 },
      ),
    ])
    await until('the others are done', async () => (await effects(writer.database)).length === 23)
    await assertOrderedByKey(writer)
    const sizes = (await byTransaction(writer)).map((group) => group.length)
    assert.ok(
      sizes.some((size) => size > 1),
      `the other partitions are committed in groups: ${sizes}`,
    )
    await using operator = openOperator({ bootstrap: [broker.address], name: 'operator', log: one.core.log })
    const letters = await operator.deadLetters.list(bench.topic.name)
    assert.deepEqual(
      letters.map(({ value, attempts }) => [value, attempts]),
      [['{"n":9}', 1]],
    )
    await until('the offset is behind all of them', async () => (await committed(bench, one.core)) === 24)
  })

  test('a partition whose record waits for its turn to come again leaves the others to go on', async () => {
    await using bench = await openBench()
    const writer = await keysWaiting(bench)
    let away = true
    const one = await bench.instance('payments-1', (core) => [
      counted(bench.topic, bench.group, async (message, tx) => {
        if (message.key === 'k3' && away) throw transient('away')
        await recordEffect(core, tx, message)
      }),
    ])
    const others = async () => (await effects(writer.database)).filter(({ key }) => key === 'k0').length
    await until('others are done', async () => (await others()) === 4)
    for (const n of numbers(25, 27)) await add(bench, writer, 'k0', n)
    await until('what came later too', async () => (await others()) === 7)
    assert.ok(!(await effects(writer.database)).some(({ key }) => key === 'k3'))
    away = false
    await until('all are done', async () => (await effects(writer.database)).length === 27)
    await assertOrderedByKey(writer)
    await until('the offset is behind all of them', async () => (await committed(bench, one.core)) === 27)
  })

  test('a record that comes alone is handled at once', async () => {
    await using bench = await openBench()
    const one = await bench.instance('payments-1', recording(bench))
    for (const n of numbers(1, 3)) {
      await add(bench, one, 'k', n)
      await until('it is done', async () => (await effects(one.database)).length === n)
    }
    assert.deepEqual(await byTransaction(one), [[1], [2], [3]])
    assert.ok(one.core.spans.every((span) => !('svyaz.group.records' in span.attributes)))
  })
})

describe('a kill inside a group', () => {
  for (const { point, done } of [
    { point: 'consumer.before-handler', done: 0 },
    { point: 'consumer.after-effect', done: 10 },
    { point: 'outbox.after-commit', done: 10 },
  ] as const)
    test(`at ${point}: ${done} effects are there, and in the end each once and in order`, async () => {
      await using bench = await openBench()
      const writer = await tenWaiting(bench)
      // The commit of a group is one, so its own point is passed once.
      const times = point === 'outbox.after-commit' ? 1 : 5
      const killed = bench.member('payments-1', { group: bench.group, echo: true, crash: { point, times } })
      assert.equal(await killed.ended, 'SIGKILL')
      assert.equal((await effects(writer.database)).length, done)
      const successor = await bench.instance('payments-1', recording(bench))
      await until(
        'all are settled',
        () => successor.core.counted('svyaz_messages_handled_total', { type: 'counted' }) >= 10,
      )
      assert.deepEqual(
        (await effects(writer.database)).map(({ n }) => n),
        numbers(1, 10),
      )
      assert.equal(successor.core.counted('svyaz_messages_duplicates_total'), done)
      await until('nothing waits in the outbox', async () => (await unsent(writer)) === 0)
    })

  test('a rebalance during one: it is finished and committed before the partition goes, and nothing is done twice', async () => {
    await using bench = await openBench()
    const writer = await tenWaiting(bench)
    const gate = Promise.withResolvers<void>()
    using open = new DisposableStack()
    open.defer(gate.resolve)
    const reached = Promise.withResolvers<void>()
    const first = await bench.instance('payments-1', (core) => [
      counted(bench.topic, bench.group, async (message, tx) => {
        if (message.data.n === 3) {
          reached.resolve()
          await gate.promise
        }
        await recordEffect(core, tx, message)
      }),
    ])
    await reached.promise
    const second = await bench.instance('payments-2', recording(bench))
    await using operator = openOperator({ bootstrap: [broker.address], name: 'operator', log: first.core.log })
    const state = async () => (await operator.inspect.topics([bench.topic.name]))[0]?.groups[0]?.state.toLowerCase()
    await until('the group is being rebalanced', async () => (await state()) !== 'stable')
    gate.resolve()
    await until('both have joined', () => second.core.logs.some(({ message }) => message === 'joined the group'))
    for (const n of numbers(11, 30)) await add(bench, writer, `k${n}`, n)
    await until('all are done', async () => (await effects(writer.database)).length >= 30)
    const rows = await effects(writer.database)
    assert.deepEqual(
      rows.filter(({ key }) => key === 'k').map(({ n, instance }) => [n, instance]),
      numbers(1, 10).map((n) => [n, 'payments-1']),
    )
    assert.deepEqual(
      rows.map(({ n }) => n).toSorted((a, b) => a - b),
      numbers(1, 30),
    )
    assert.equal(second.core.counted('svyaz_messages_duplicates_total'), 0)
  })
})
