/**
 * Messaging from end to end over real engines, long because its tests share one bench, and starting PostgreSQL and a
 * broker again for another file would cost more than the length does.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { route } from '@svyaz/contracts/vocabulary.ts'
import { sql } from 'kysely'
import { z } from 'zod'
import type { OpenDatabase } from '../src/database/database.ts'
import { handle } from '../src/declare.ts'
import { Failure, permanent } from '../src/failure.ts'
import { createHttpClients } from '../src/http/client.ts'
import { startHttpServer } from '../src/http/server.ts'
import { createSigner, createVerifier } from '../src/identity/identity.ts'
import { encodeEvent } from '../src/messaging/cloud-events.ts'
import { toDeadLetter, toReplay } from '../src/messaging/dead-letter.ts'
import { createKafkaTransport } from '../src/messaging/kafka/transport.ts'
import { type Operator, openOperator } from '../src/operator.ts'
import { type TestCore, testCore, until } from './core-fixture.ts'
import { type Counted, counted, type EffectsSchema, recordEffect } from './counted-topic.ts'
import { startTestBroker, startTestPostgres, type TestBroker, type TestPostgres } from './engines.ts'
import { instanceAt, knownInstances } from './instance-fixture.ts'
import { createKeys } from './key-fixture.ts'
import { add, Bench, effects, numbers } from './messaging-bench.ts'

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

/** A service that another calls over HTTP, with a clock that a test may move. */
const calleeWithClock = async () => {
  const closing = new AsyncDisposableStack()
  const keys = closing.use(await createKeys('orders', 'payments'))
  const coreOf = (service: string) => testCore({ service, keyFile: keys.keyFile(service), jwksFile: keys.jwksFile })
  const [callee, caller] = [coreOf('orders'), coreOf('payments')]
  let apart = 0
  callee.clock = { ...callee.clock, now: () => Date.now() + apart }
  const ping = route({
    id: 'ping',
    service: 'orders',
    summary: 'a test',
    errors: [],
    access: { services: ['payments'] },
    method: 'GET',
    path: '/ping',
    status: 200,
    reply: z.strictObject({ text: z.string() }),
  })
  const server = closing.use(
    await startHttpServer(callee, {
      verifier: await createVerifier(callee),
      host: '127.0.0.1',
      port: 0,
      handlers: [handle(ping, () => ({ body: { text: 'pong' } }))],
    }),
  )
  const clients = closing.use(
    createHttpClients(caller, {
      discovery: knownInstances([instanceAt('orders-1', { http: server.port })]),
      signer: await createSigner(caller),
    }),
  )
  return {
    move(ms: number) {
      apart = ms
    },
    call: () => clients('orders').call(ping, {}),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

/** What an operator at a terminal works with. */
const operator = (core: TestCore): Operator =>
  openOperator({ bootstrap: [broker.address], name: 'operator', log: core.log })

/** Every record of the topic, as some tap outside would read it. */
const inTopic = async (topic: string, core: TestCore) => {
  await using tap = operator(core)
  const spans = (await tap.reader.spans(topic)) ?? []
  const ranges = new Map(spans.map(({ partition, beginning, end }) => [partition, { from: beginning, until: end }]))
  const records = []
  for await (const { record } of tap.reader.read(topic, ranges)) records.push(record)
  return records
}

describe('from the outbox to the inbox', () => {
  test('an event reaches its consumer once, and one trace leads from the request to the effect', async () => {
    await using bench = await openBench()
    const one = await bench.instance('orders-1', (core) => [
      counted(bench.topic, bench.group, (message, tx) => recordEffect(core, tx, message)),
    ])
    let root = ''
    await one.core.tracer.span('POST /orders', { kind: 'server' }, async (span) => {
      root = span.traceparent
      await add(bench, one, 'order-1', 7)
    })
    await until('it is handled', async () => (await effects(one.database)).length === 1)
    await until('it is marked sent', () => one.core.gauged('svyaz_outbox_pending') === 0)

    const publish = one.core.spans.find((span) => span.name === `publish ${bench.topic.name}`)
    const handle = one.core.spans.find((span) => span.name === 'handle counted')
    assert.ok(publish && handle)
    assert.deepEqual([publish.options.kind, publish.parent], ['producer', root])
    assert.deepEqual(
      [handle.options.kind, handle.parent, handle.options.links],
      ['consumer', publish.traceparent, [publish.traceparent]],
    )
    const [record] = await inTopic(bench.topic.name, one.core)
    assert.equal(record?.headers.traceparent, publish.traceparent)
    for (const span of [publish, handle]) {
      assert.equal(span.attributes['messaging.destination.partition.id'], String(record?.place?.partition))
      assert.equal(span.attributes['messaging.kafka.offset'], Number(record?.place?.offset))
    }
    assert.equal(handle.attributes['svyaz.outcome'], 'done')
    assert.equal(handle.attributes['svyaz.deduplicated'], false)
    const insert = one.core.spans.find((span) => String(span.attributes['db.statement']).includes('svyaz_outbox'))
    assert.equal(insert?.parent, root)
  })

  test('a rolled back transaction sends nothing, a contract that is broken is refused at once', async () => {
    await using bench = await openBench()
    const one = await bench.instance('orders-1')
    await assert.rejects(
      one.database.transaction(async (tx) => {
        await one.messaging.outbox.add(tx, { topic: bench.topic, type: 'counted', key: 'k', data: { n: 1 } })
        throw new Error('no')
      }),
      /no/,
    )
    await assert.rejects(
      one.database.transaction((tx) =>
        one.messaging.outbox.add(tx, { topic: bench.topic, type: 'counted', key: 'k', data: { n: 'x' } as never }),
      ),
      /counted breaks its contract/,
    )
    await add(bench, one, 'k', 2)
    await until('the last one is sent', async () => (await inTopic(bench.topic.name, one.core)).length > 0)
    assert.deepEqual(
      (await inTopic(bench.topic.name, one.core)).map((record) => record.value.toString()),
      ['{"n":2}'],
    )
  })

  test('an event of a slow transaction is sent although later ones were sent before it', async () => {
    await using bench = await openBench()
    const one = await bench.instance('orders-1')
    const added = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const slow = one.database.transaction(async (tx) => {
      await one.messaging.outbox.add(tx, { topic: bench.topic, type: 'counted', key: 'slow', data: { n: 1 } })
      // Behind its insert, which has its position then.
      tx.beforeCommit(async () => {
        added.resolve()
        await release.promise
      })
    })
    await added.promise
    await add(bench, one, 'fast', 2)
    const keys = async () => (await inTopic(bench.topic.name, one.core).catch(() => [])).map((record) => record.key)
    await until('the fast one is sent', async () => (await keys()).includes('fast'))
    assert.deepEqual(await keys(), ['fast'])
    release.resolve()
    await slow
    await until('the slow one is sent', async () => (await keys()).includes('slow'))
  })

  test('a group that comes later starts at the beginning of the topic, and goes on where it was', async () => {
    await using bench = await openBench()
    const writer = await bench.instance('orders-1')
    for (const n of numbers(1, 5)) await add(bench, writer, `k${n}`, n)
    await until('all are sent', async () => (await inTopic(bench.topic.name, writer.core)).length === 5)
    const consumers = (core: TestCore) => [
      counted(bench.topic, bench.group, (message, tx) => recordEffect(core, tx, message)),
    ]
    const first = await bench.instance('payments-1', consumers)
    await until('all are handled', async () => (await effects(writer.database)).length === 5)
    await first.close()
    await add(bench, writer, 'k6', 6)
    const second = await bench.instance('payments-1', consumers)
    await until('the new one is handled', async () => (await effects(writer.database)).length === 6)
    assert.equal(second.core.counted('svyaz_messages_duplicates_total'), 0)
    assert.equal(second.core.counted('svyaz_messages_handled_total', { outcome: 'done' }), 1)
  })

  test('every instance gets what is broadcast', async () => {
    await using bench = await openBench()
    const consumers = (core: TestCore) => [
      counted(bench.topic, { broadcast: true }, (message, tx) => recordEffect(core, tx, message)),
    ]
    const one = await bench.instance('orders-1', consumers)
    await bench.instance('orders-2', consumers)
    await add(bench, one, 'k', 1)
    await until('both have it', async () => (await effects(one.database)).length === 2)
    assert.deepEqual((await effects(one.database)).map((row) => row.instance).sort(), ['orders-1', 'orders-2'])
  })

  test('the same event delivered twice has one effect', async () => {
    await using bench = await openBench()
    const one = await bench.instance('orders-1', (core) => [
      counted(bench.topic, bench.group, (message, tx) => recordEffect(core, tx, message)),
    ])
    const event = {
      id: randomUUID(),
      topic: bench.topic.name,
      type: 'counted',
      key: 'k',
      subject: 'k',
      data: { n: 1 },
      time: one.core.clock.iso(),
      traceparent: undefined,
    }
    const record = encodeEvent(event, '/orders', undefined)
    const transport = createKafkaTransport(one.core)
    await until(
      'the topic is there',
      async () => (await inTopic(bench.topic.name, one.core).catch(() => null)) !== null,
    )
    await transport.send([record, record])
    await transport.send([record])
    await transport.close()
    await until('two are dropped', () => one.core.counted('svyaz_messages_duplicates_total') === 2)
    assert.equal((await effects(one.database)).length, 1)
    const outcomes = one.core.spans
      .filter((span) => span.name === 'handle counted')
      .map((span) => span.attributes['svyaz.deduplicated'])
    assert.deepEqual(outcomes, [false, true, true])
  })
})

describe('failures', () => {
  test('a transient failure holds up its partition alone, without limit, and counts no attempt', async () => {
    await using bench = await openBench()
    let away = true
    const attempts: number[] = []
    const one = await bench.instance('orders-1', (core) => [
      counted(
        bench.topic,
        bench.group,
        async (message, tx) => {
          if (message.key === 'held') {
            attempts.push(message.attempt)
            if (away) throw new Failure('unavailable', 'the processor is away')
          }
          await recordEffect(core, tx, message)
        },
        { attemptsMax: 2 },
      ),
    ])
    await add(bench, one, 'held', 1)
    await add(bench, one, 'held', 2)
    const others = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l']
    for (const key of others) await add(bench, one, key, 1)
    await until('it was tried often', () => attempts.length >= 5)
    const records = await inTopic(bench.topic.name, one.core)
    const held = records.find((record) => record.key === 'held')?.place?.partition
    const free = records.filter((record) => record.place?.partition !== held).map((record) => record.key)
    assert.ok(free.length > 0)
    await until('the other partitions are done', async () => (await effects(one.database)).length === free.length)
    assert.deepEqual((await effects(one.database)).map((row) => row.key).sort(), free.sort())
    const waiting = records.length - free.length
    const lag = () =>
      one.core.gauged('svyaz_consumer_lag', {
        group: bench.group,
        topic: bench.topic.name,
        partition: String(held),
      })
    assert.equal(lag(), waiting)
    away = false
    await until('all are done', async () => (await effects(one.database)).length === 2 + others.length)
    const done = (await effects(one.database)).filter((row) => row.key === 'held')
    assert.deepEqual(
      done.map((row) => row.n),
      [1, 2],
    )
    assert.deepEqual([...new Set(attempts)], [1])
    assert.equal(one.core.counted('svyaz_messages_dead_total'), 0)
    await until('nothing waits for the consumer', () => lag() === 0)
  })

  for (const apart of [3_600_000, -3_600_000])
    test(`a callee's clock that is ${apart / 60_000} minutes off holds a message up and makes no dead letter`, async () => {
      await using bench = await openBench()
      await using callee = await calleeWithClock()
      const refusals: unknown[] = []
      const one = await bench.instance('payments-1', (core) => [
        counted(
          bench.topic,
          bench.group,
          async (message, tx) => {
            await callee.call().catch((error: unknown) => {
              refusals.push(error)
              throw error
            })
            await recordEffect(core, tx, message)
          },
          { attemptsMax: 2 },
        ),
      ])
      callee.move(apart)
      await add(bench, one, 'k', 1)
      await until('it was tried more often than an error may be', () => refusals.length > 3)
      // Said of the clocks until the breaker says it shorter.
      assert.match(String(refusals[0]), /the clocks of their machines are apart/)
      for (const error of refusals) assert.ok(error instanceof Failure && error.code === 'unavailable', String(error))
      callee.move(0)
      await until('it is handled', async () => (await effects(one.database)).length === 1)
      assert.deepEqual(await inTopic(`${bench.topic.name}.dlq`, one.core).catch(() => []), [])
    })

  /** Two consumers of 1, 2 and 3, one of which can't take the 2 until it is cured. */
  const poisonedByTwo = async (bench: Bench) => {
    const other = `${bench.group}-other`
    const seen = { poisoned: true, attempts: [] as number[], byOther: [] as number[] }
    const one = await bench.instance('orders-1', (core) => [
      counted(
        bench.topic,
        bench.group,
        async (message, tx) => {
          if (seen.poisoned && message.data.n === 2) {
            seen.attempts.push(message.attempt)
            throw permanent('cannot count to two')
          }
          await recordEffect(core, tx, message, bench.group)
        },
        { attemptsMax: 3 },
      ),
      counted(bench.topic, other, async (message) => void seen.byOther.push(message.data.n), { dedupe: 'none' }),
    ])
    for (const n of [1, 2, 3]) await add(bench, one, 'k', n)
    await until('the partition moved on', async () => (await effects(one.database)).some((row) => row.n === 3))
    await until('the other consumer has all three', () => seen.byOther.length === 3)
    return { one, other, seen, choice: { topic: bench.topic.name, consumer: bench.group } }
  }

  test('poison goes to the dead letters after the attempts', async () => {
    await using bench = await openBench()
    const { one, seen, choice } = await poisonedByTwo(bench)
    // A try in a group comes before, if records waited with it, and counts for nothing.
    assert.deepEqual(seen.attempts.slice(-3), [1, 2, 3])

    await using operations = operator(one.core)
    const { deadLetters } = operations
    const letters = await deadLetters.list(bench.topic.name)
    assert.equal(letters.length, 1)
    const [letter] = letters
    assert.ok(letter)
    assert.deepEqual(
      [letter.consumer, letter.key, letter.attempts, letter.value, letter.type, letter.state],
      [bench.group, 'k', 3, '{"n":2}', 'counted', 'outstanding'],
    )
    assert.match(letter.error, /cannot count to two/)
    const dry = await deadLetters.plan(choice)
    assert.deepEqual(
      dry.replayed.map(({ id }) => id),
      [letter.id],
    )
    assert.equal((await inTopic(bench.topic.name, one.core)).length, 3)
    assert.equal((await inTopic(`${bench.topic.name}.dlq`, one.core)).length, 1)
  })

  test('a replay reaches its consumer alone, fails again while the poison lasts, and has one effect', async () => {
    await using bench = await openBench()
    const { one, other, seen, choice } = await poisonedByTwo(bench)
    await using operations = operator(one.core)
    const { deadLetters } = operations
    const replay = async (chosen: Parameters<typeof deadLetters.plan>[0]) => {
      const { replayed } = await deadLetters.plan(chosen)
      const outcomes = await deadLetters.outcomes(await deadLetters.replay(replayed), AbortSignal.timeout(20_000))
      return outcomes.map(({ outcome }) => outcome)
    }
    const [letter] = await deadLetters.list(bench.topic.name)
    assert.deepEqual(await replay(choice), ['failed again'], 'it is as poisonous as before')
    const [still] = await deadLetters.list(bench.topic.name)
    assert.deepEqual([still?.id, still?.state, still?.consumer], [letter?.id, 'outstanding', bench.group])

    seen.poisoned = false
    assert.deepEqual(await replay(choice), ['handled'])
    const rows = await effects(one.database)
    assert.deepEqual(
      rows.map((row) => row.n),
      [1, 3, 2],
    )
    assert.equal(rows[2]?.event_id, letter?.id)
    assert.deepEqual(
      (await deadLetters.list(bench.topic.name)).map(({ state }) => state),
      ['settled'],
    )
    assert.deepEqual(await replay(choice), [])

    await replay({ ...choice, ids: [letter?.id ?? ''] })
    assert.equal(one.core.counted('svyaz_messages_duplicates_total'), 1, 'the second replay is dropped')
    assert.equal((await effects(one.database)).length, 3)
    assert.deepEqual(seen.byOther, [1, 2, 3])
    await until(
      'the other consumer has passed all three replays over',
      () => one.core.counted('svyaz_messages_handled_total', { group: other, outcome: 'skipped' }) === 3,
    )
  })

  test('two operators at once, and one that dies before the mark: the event has one effect', async () => {
    await using bench = await openBench()
    let poisoned = true
    const one = await bench.instance('orders-1', (core) => [
      counted(
        bench.topic,
        bench.group,
        async (message, tx) => {
          if (poisoned) throw permanent('not yet')
          await recordEffect(core, tx, message)
        },
        { attemptsMax: 1 },
      ),
    ])
    await add(bench, one, 'k', 1)
    await using first = operator(one.core)
    await using second = operator(one.core)
    const choice = { topic: bench.topic.name }
    await until('there is a letter', async () => (await first.deadLetters.plan(choice)).replayed.length === 1)
    const [here, there] = await Promise.all([first.deadLetters.plan(choice), second.deadLetters.plan(choice)])
    poisoned = false
    const producer = createKafkaTransport(one.core)
    const [letter] = here.replayed
    await producer.send([toReplay(letter!)])
    await producer.close()
    assert.equal((await first.deadLetters.list(bench.topic.name))[0]?.state, 'outstanding', 'nothing was marked')

    const sent = await Promise.all([first.deadLetters.replay(here.replayed), second.deadLetters.replay(there.replayed)])
    const outcomes = await first.deadLetters.outcomes(sent.flat(), AbortSignal.timeout(20_000))
    assert.deepEqual(
      outcomes.map(({ outcome }) => outcome),
      ['handled', 'handled'],
    )
    assert.equal((await effects(one.database)).length, 1)
    assert.equal(one.core.counted('svyaz_messages_duplicates_total'), 2)
    assert.deepEqual(
      (await second.deadLetters.list(bench.topic.name)).map(({ state }) => state),
      ['settled'],
    )
  })

  test('a letter whose consumer is gone, or that is not an event, stays where it is with the reason', async () => {
    await using bench = await openBench()
    const one = await bench.instance('orders-1', (core) => [
      counted(bench.topic, bench.group, (message, tx) => recordEffect(core, tx, message)),
    ])
    await add(bench, one, 'k', 1)
    await until('it is there', async () => (await effects(one.database)).length === 1)
    const record = { topic: bench.topic.name, key: 'k', value: Buffer.from('{}'), place: { partition: 0, offset: 9n } }
    const failure = { error: 'no', attempts: 1, at: one.core.clock.iso() }
    const transport = createKafkaTransport(one.core)
    await transport.send([
      toDeadLetter({ ...record, headers: { ce_id: 'e1' } }, { ...failure, consumer: 'retired' }),
      toDeadLetter({ ...record, headers: {} }, { ...failure, consumer: bench.group }),
    ])
    await transport.close()
    await using operations = operator(one.core)
    const { replayed, refused } = await operations.deadLetters.plan({ topic: bench.topic.name })
    assert.deepEqual(replayed, [])
    const reasons = refused.map(({ reason }) => reason).sort()
    assert.match(reasons[0]!, /it is not an event/)
    assert.match(reasons[1]!, /no consumer retired reads/)
  })

  test('topics and groups as an operator sees them: spans, lag, members; reading from a place and following', async () => {
    await using bench = await openBench()
    const gate = Promise.withResolvers<void>()
    using open = new DisposableStack()
    open.defer(gate.resolve)
    const one = await bench.instance('orders-1', (core) => [
      counted(bench.topic, bench.group, async (message, tx) => {
        if (message.data.n === 2) await gate.promise
        await recordEffect(core, tx, message)
      }),
    ])
    await add(bench, one, 'k', 1)
    await until('one is done', async () => (await effects(one.database)).length === 1)
    for (const n of [2, 3]) await add(bench, one, 'k', n)
    await using operations = operator(one.core)
    const { inspect, reader } = operations
    const summary = async () => (await inspect.topics([bench.topic.name]))[0]
    await until('two wait', async () => {
      const now = await summary()
      return now?.groups[0]?.lag === 2n && now.partitions.reduce((sum, { end }) => sum + end, 0n) === 3n
    })
    const seen = await summary()
    assert.equal(seen?.partitions.length, 6)
    assert.equal(
      seen?.partitions.reduce((sum, { end }) => sum + end, 0n),
      3n,
    )
    assert.ok((seen?.bytes ?? 0) > 100, `${seen?.bytes} bytes`)
    assert.deepEqual(
      seen?.groups.map(({ group, state, members }) => [group, state.toLowerCase(), members]),
      [[bench.group, 'stable', ['orders-1']]],
    )
    assert.equal(await reader.spans('test.nothing.of.the.kind'), undefined)

    const partition = seen!.partitions.find(({ end }) => end > 0n)!
    const stop = new AbortController()
    open.defer(() => stop.abort())
    const troubles: unknown[] = []
    const read: number[] = []
    const following = (async () => {
      const from = new Map([[partition.partition, 1n]])
      for await (const { record, timestampMs } of reader.follow(bench.topic.name, from, stop.signal, (error) =>
        troubles.push(error),
      )) {
        assert.ok(Math.abs(Date.now() - timestampMs) < 60_000)
        read.push(JSON.parse(record.value.toString()).n)
        if (read.length === 3) stop.abort()
      }
    })()
    await until('what is there was read', () => read.length === 2)
    await add(bench, one, 'k', 4)
    await following
    assert.deepEqual(read, [2, 3, 4])
    assert.deepEqual(troubles, [])
  })

  test('an event that was given up just before a crash becomes a dead letter, and is never done as well', async () => {
    await using bench = await openBench()
    const one = await bench.instance('orders-1', (core) => [
      counted(bench.topic, bench.group, (message, tx) => recordEffect(core, tx, message)),
    ])
    const done = async () => (await effects(one.database)).map(({ n }) => n)
    const id = randomUUID()
    await sql`insert into svyaz_inbox (consumer, event_id, type, state)
      values (${bench.group}, ${id}, 'counted', 'dead')`.execute(one.database.query)
    await one.database.transaction((tx) =>
      one.messaging.outbox.add(tx, { topic: bench.topic, type: 'counted', key: 'k', data: { n: 1 }, id }),
    )
    await add(bench, one, 'k', 2)
    await until('the next one is done', async () => (await done()).includes(2))
    await using operations = operator(one.core)
    const { deadLetters } = operations
    assert.deepEqual(
      (await deadLetters.list(bench.topic.name)).map((letter) => letter.id),
      [id],
    )
    assert.deepEqual(await done(), [2])
    await deadLetters.replay((await deadLetters.plan({ topic: bench.topic.name })).replayed)
    await until('the replay is done', async () => (await done()).includes(1))
  })

  test('records that break the contract go to the dead letters, unknown types are passed over', async () => {
    await using bench = await openBench()
    const one = await bench.instance('orders-1', (core) => [
      counted(bench.topic, bench.group, (message, tx) => recordEffect(core, tx, message)),
    ])
    const good = {
      id: randomUUID(),
      topic: bench.topic.name,
      type: 'counted',
      key: 'k',
      subject: 'k',
      data: { n: 1 } as object,
      time: one.core.clock.iso(),
      traceparent: undefined,
    }
    const transport = createKafkaTransport(one.core)
    await until(
      'the topic is there',
      async () => (await inTopic(bench.topic.name, one.core).catch(() => null)) !== null,
    )
    await transport.send([
      { topic: bench.topic.name, key: 'k', value: Buffer.from('junk'), headers: {} },
      encodeEvent({ ...good, id: 'no \0 id' }, '/orders', undefined),
      encodeEvent({ ...good, id: 'x'.repeat(10_000) }, '/orders', undefined),
      encodeEvent({ ...good, id: randomUUID(), data: { n: 'one' } }, '/orders', undefined),
      encodeEvent({ ...good, id: randomUUID(), type: 'invented' }, '/orders', undefined),
      encodeEvent({ ...good, id: randomUUID(), type: 'other', data: {} }, '/orders', undefined),
      encodeEvent(good, '/orders', undefined),
    ])
    // The largest that a topic takes.
    await transport.send([{ topic: bench.topic.name, key: 'k', value: Buffer.alloc(1_048_500, 'x'), headers: {} }])
    await transport.send([encodeEvent({ ...good, id: randomUUID() }, '/orders', undefined)])
    await transport.close()
    await until('the good ones are done', async () => (await effects(one.database)).length === 2)
    await using operations = operator(one.core)
    const letters = await operations.deadLetters.list(bench.topic.name)
    assert.deepEqual(
      letters.map((letter) => [letter.value.slice(0, 20), letter.consumer, letter.attempts]),
      [
        ['junk', bench.group, 1],
        ['{"n":1}', bench.group, 1],
        ['{"n":1}', bench.group, 1],
        ['{"n":"one"}', bench.group, 1],
        ['x'.repeat(20), bench.group, 1],
      ],
    )
    assert.equal(one.core.counted('svyaz_messages_handled_total', { type: 'invented', outcome: 'unknown' }), 1)
    assert.equal(one.core.counted('svyaz_messages_handled_total', { type: 'other', outcome: 'skipped' }), 1)
  })
})

describe('processes that are killed', () => {
  test('between the effect and the commit of its offset: delivered again, and dropped', async () => {
    await using bench = await openBench()
    const writer = await bench.instance('orders-1')
    const killed = bench.member('payments-1', {
      group: bench.group,
      crash: { point: 'consumer.after-effect', times: 3 },
    })
    await killed.says('ready')
    for (const n of numbers(1, 6)) await add(bench, writer, 'k', n)
    await until('it is killed', () => killed.child.signalCode === 'SIGKILL')
    const before = await effects(writer.database)
    const successor = await bench.instance('payments-1', (core) => [
      counted(bench.topic, bench.group, (message, tx) => recordEffect(core, tx, message)),
    ])
    await until('something is delivered again', () => successor.core.counted('svyaz_messages_duplicates_total') > 0)
    await until('all are done', async () => (await effects(writer.database)).length >= 6)
    assert.deepEqual(
      (await effects(writer.database)).map((row) => row.n),
      numbers(1, 6),
    )
    assert.ok(before.length >= 3)
  })

  for (const point of ['outbox.after-commit', 'outbox.after-send'] as const) {
    test(`the publisher at ${point}: another instance takes over, first occurrences keep their order`, async () => {
      await using bench = await openBench()
      const leader = bench.member('orders-1', { crash: { point, times: 40 } })
      await leader.says('ready')
      leader.add('a', 1, 20)
      await leader.says('added a')
      const follower = bench.member('orders-2')
      await follower.says('ready')
      const keys = ['a', 'b', 'c']
      leader.add('a', 21, 60)
      follower.add('b', 1, 60)
      follower.add('c', 1, 60)
      // Sent in few groups, they pass the point too seldom: one more each time until it is enough.
      let more = 0
      await until('it is killed', () => {
        if (leader.child.signalCode === 'SIGKILL') return true
        more += 1
        follower.add('d', more, more)
        return false
      })
      await follower.says('added c')
      const watcher = await bench.instance('orders-3')
      await until('nothing is unsent', async () => (await unsent(watcher.database)).length === 0)
      const committed = await stored(watcher.database)
      const records = await inTopic(bench.topic.name, watcher.core)
      for (const key of keys) {
        const ids = records.filter((record) => record.key === key).map((record) => record.headers.ce_id)
        assert.deepEqual(
          [...new Set(ids)],
          committed.filter((row) => row.key === key).map((row) => row.id),
          `the events of ${key}`,
        )
      }
      assert.ok(committed.filter((row) => row.key === 'a').length >= 20)
      assert.equal(committed.filter((row) => row.key === 'c').length, 60)
    })
  }

  test('a publisher that is frozen longer than its lease: another takes over, and it gives way when it wakes', async () => {
    await using bench = await openBench()
    const frozen = bench.member('orders-1')
    await frozen.says('ready')
    frozen.add('a', 1, 5)
    const tap = testCore({ kafkaBrokers: [broker.address] })
    await until('it leads', async () => (await inTopic(bench.topic.name, tap).catch(() => [])).length === 5)
    const watcher = await bench.instance('orders-2')
    assert.ok(!watcher.core.logs.some((line) => line.message === 'leading'))
    frozen.child.kill('SIGSTOP')
    await add(bench, watcher, 'a', 6)
    await until('the other leads', () => watcher.core.logs.some((line) => line.message === 'leading'))
    await until('it publishes', async () => (await unsent(watcher.database)).length === 0)
    frozen.child.kill('SIGCONT')
    frozen.add('a', 7, 9)
    await until('all are sent', async () => {
      const rows = await stored(watcher.database)
      return rows.length === 9 && rows.every((row) => row.sent_at !== null)
    })
    const ids = (await inTopic(bench.topic.name, watcher.core)).map((record) => record.headers.ce_id)
    assert.deepEqual(
      [...new Set(ids)],
      (await stored(watcher.database)).map((row) => row.id),
    )
  })

  test('instances come, go and die: nothing is lost and nothing has two effects', async () => {
    await using bench = await openBench()
    const consumers = (core: TestCore) => [
      counted(bench.topic, bench.group, (message: Counted, tx) => recordEffect(core, tx, message)),
    ]
    const writer = await bench.instance('orders-1')
    const first = await bench.instance('payments-1', consumers)
    let count = 0
    let enough = false
    const handledBy = async (name: string) => (await effects(writer.database)).some((row) => row.instance === name)
    // Writes all the while, a bounded number ahead of the handlers.
    const writing = (async () => {
      while (!enough) {
        count += 1
        await add(bench, writer, `k${count % 24}`, count)
        if (count % 50 === 0) {
          await until('the handlers follow', async () => (await effects(writer.database)).length > count - 100, 40_000)
        }
      }
    })()
    await until('the first works', () => handledBy('payments-1'))
    const doomed = bench.member('payments-2', {
      group: bench.group,
      crash: { point: 'consumer.before-handler', times: 15 },
    })
    await until('the second works and dies', () => doomed.child.signalCode === 'SIGKILL')
    await bench.instance('payments-3', consumers)
    await until('the third works', () => handledBy('payments-3'))
    await first.close()
    enough = true
    await writing
    await until('all are done', async () => (await effects(writer.database)).length >= count, 40_000)
    const rows = await effects(writer.database)
    assert.deepEqual(
      rows.map((row) => row.n).sort((a, b) => a - b),
      numbers(1, count),
    )
    for (const key of new Set(rows.map((row) => row.key))) {
      const ofKey = rows.filter((row) => row.key === key).map((row) => row.n)
      assert.deepEqual(
        ofKey,
        [...ofKey].sort((a, b) => a - b),
        `the order of ${key}`,
      )
    }
    assert.deepEqual([...new Set(rows.map((row) => row.instance))].sort(), ['payments-1', 'payments-2', 'payments-3'])
  })
})

describe('the broker away', () => {
  test('work is accepted meanwhile, and arrives once when it is back', async (t) => {
    if (!broker.controllable) return t.skip('this Kafka cannot be stopped')
    await using bench = await openBench()
    const one = await bench.instance('orders-1', (core) => [
      counted(bench.topic, bench.group, (message, tx) => recordEffect(core, tx, message)),
    ])
    for (const n of numbers(1, 10)) await add(bench, one, `k${n}`, n)
    await until('it works', async () => (await effects(one.database)).length === 10)
    await broker.kill()
    for (const n of numbers(11, 60)) await add(bench, one, `k${n}`, n)
    assert.deepEqual(one.messaging.notReady(), [])
    await until('the age of what waits shows', () => (one.core.gauged('svyaz_outbox_oldest_age_seconds') ?? 0) > 1)
    await until('the watchdog noticed', () => one.core.logs.some((line) => /rebuilt/.test(line.message)), 40_000)
    await broker.start()
    await until('all are done', async () => (await effects(one.database)).length >= 60, 40_000)
    assert.deepEqual(
      (await effects(one.database)).map((row) => row.n).sort((a, b) => a - b),
      numbers(1, 60),
    )
    await until('nothing waits', () => one.core.gauged('svyaz_outbox_pending') === 0)
    assert.equal(one.core.gauged('svyaz_outbox_oldest_age_seconds'), 0)
  })

  test('a service starts without it', async (t) => {
    if (!broker.controllable) return t.skip('this Kafka cannot be stopped')
    await using bench = await openBench()
    await broker.kill()
    const one = await bench.instance('orders-1', (core) => [
      counted(bench.topic, bench.group, (message, tx) => recordEffect(core, tx, message)),
    ])
    await add(bench, one, 'k', 1)
    await until('it waits', () => one.core.logs.some((line) => line.message === 'waiting for the broker'))
    await broker.start()
    await until('it is done', async () => (await effects(one.database)).length === 1, 40_000)
  })
})

const unsent = async (database: OpenDatabase<EffectsSchema>) =>
  (await stored(database)).filter((row) => row.sent_at === null)

/** The outbox in the order in which each key's events were committed: the adders lock nothing, but add one by one. */
const stored = (database: OpenDatabase<EffectsSchema>) =>
  database.query
    .selectFrom('svyaz_outbox' as never)
    .select(['id', 'key', 'sent_at'] as never[])
    .orderBy('position' as never)
    .execute() as Promise<{ id: string; key: string; sent_at: Date | null }[]>
