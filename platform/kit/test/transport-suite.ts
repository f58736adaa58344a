/** What the kit's messaging needs of whatever carries its records: one suite, run on each of them. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type {
  Consumption,
  IncomingRecord,
  OutgoingRecord,
  Transport,
  TransportTopic,
} from '../src/messaging/transport.ts'
import { testCore, until } from './core-fixture.ts'
import { numbers } from './messaging-bench.ts'

export interface TransportServer extends AsyncDisposable {
  open(core: ReturnType<typeof testCore>, topics: readonly TransportTopic[]): Transport
  kill(): Promise<void>
  /** Again, on its data. */
  start(): Promise<void>
  /** As an operator does; where it isn't there, the server is only killed. */
  stop?(): Promise<void>
}

const patienceMs = 90_000
const partitions = 6

type Handle = (records: readonly IncomingRecord[]) => Promise<void>

/** One member of a group, with all that it was given. */
class Reader {
  readonly name: string
  readonly got: IncomingRecord[] = []
  readonly #consumption: Consumption
  readonly #transport: Transport

  constructor(
    name: string,
    transport: Transport,
    options: Omit<Parameters<Transport['consume']>[0], 'handle'>,
    handle: Handle | undefined,
  ) {
    this.name = name
    this.#transport = transport
    const together = async (records: readonly IncomingRecord[]) => {
      await handle?.(records)
      this.got.push(...records)
    }
    this.#consumption = transport.consume({ ...options, handle: { recordsMax: 8, together } })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#consumption.stop(5_000)
    await this.#transport.close()
  }
}

/** A topic of its own with two groups, and whoever writes and reads it; all closed at the end. */
class Stage implements AsyncDisposable {
  readonly topic: TransportTopic
  readonly groups: readonly [string, string]
  readonly sender: Transport
  readonly #server: TransportServer
  readonly #opened = new AsyncDisposableStack()

  private constructor(server: TransportServer) {
    const name = `test.${randomUUID().slice(0, 8)}`
    this.groups = [`${name}-first`, `${name}-second`]
    this.topic = { name, partitions, groups: this.groups }
    this.#server = server
    this.sender = this.#open('sender')
    this.#opened.defer(() => this.sender.close())
  }

  static async open(server: TransportServer): Promise<Stage> {
    const stage = new Stage(server)
    await stage.sender.ensureTopics([stage.topic], AbortSignal.timeout(patienceMs))
    return stage
  }

  #open(instance: string): Transport {
    return this.#server.open(testCore({ instance: `${this.topic.name}-${instance}` }), [this.topic])
  }

  /** @param more.handle what becomes of a portion; default: it is done */
  reader(group: string, instance: string, { handle, ...more }: { handle?: Handle; alone?: boolean } = {}): Reader {
    const options = { group, topics: [this.topic.name], ...more }
    return this.#opened.use(new Reader(instance, this.#open(instance), options, handle))
  }

  record(key: string, n: number, more: Partial<OutgoingRecord> = {}): OutgoingRecord {
    return {
      topic: this.topic.name,
      key,
      value: Buffer.from(JSON.stringify({ n })),
      headers: { ce_id: `${key}-${n}`, ce_type: 'counted' },
      ...more,
    }
  }

  /** Repeated until it is confirmed, as the outbox does. */
  async sendSurely(records: readonly OutgoingRecord[]): Promise<void> {
    await until(
      'it is sent',
      () =>
        this.sender.send(records).then(
          () => true,
          () => false,
        ),
      patienceMs,
    )
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync()
  }
}

const numberOf = (record: IncomingRecord): number => (JSON.parse(record.value.toString()) as { n: number }).n

/** The numbers of a key in the order of their first occurrence, which is all that the kit promises. */
const firstOf = (records: readonly IncomingRecord[], key: string): number[] => [
  ...new Set(records.filter((record) => record.key === key).map(numberOf)),
]

const keys = numbers(1, 12).map((n) => `key-${n}`)

/** @param start the server; it is ended with the suite */
export const transportSuite = (
  name: string,
  start: () => Promise<TransportServer>,
  skip: string | false = false,
): void => {
  describe(`records over ${name}`, { skip, timeout: 12 * 60_000 }, () => {
    let server: TransportServer
    before(
      async () => {
        server = await start()
      },
      { timeout: 270_000 },
    )
    after(() => server?.[Symbol.asyncDispose](), { timeout: 90_000 })
    deliveryTests(() => server)
    membershipTests(() => server)
    outageTests(() => server)
  })
}

function deliveryTests(server: () => TransportServer): void {
  it('each group gets every record, by key in order, with key, value and headers as they were', async () => {
    await using stage = await Stage.open(server())
    const readers = stage.groups.map((group) => stage.reader(group, `${group}-1`))
    const sent = numbers(1, 20).flatMap((n) => keys.map((key) => stage.record(key, n)))
    const special = stage.record('ключ', 0, {
      value: Buffer.from([0, 255, 10]),
      headers: { ce_id: 'ü', 'content-type': 'application/octet-stream', long: 'x'.repeat(2_000), empty: '' },
    })
    const large = stage.record('large', 0, { value: Buffer.alloc(900_000, 7) })
    await stage.sender.send([...sent, special])
    await stage.sender.send([large])
    for (const { got, name } of readers) {
      await until(`${name} has all`, () => got.length >= sent.length + 2, patienceMs)
      for (const key of keys) assert.deepEqual(firstOf(got, key), numbers(1, 20), `${name}, ${key}`)
      const found = got.find(({ key }) => key === special.key)
      assert.deepEqual([found?.value, { ...found?.headers }], [special.value, special.headers])
      assert.equal(got.find(({ key }) => key === 'large')?.value.equals(large.value), true)
    }
  })

  it('a topic that nobody made takes nothing: the sender is told', async () => {
    const topic = { name: `test.${randomUUID().slice(0, 8)}`, partitions, groups: ['nobody'] }
    const transport = server().open(testCore({ instance: 'sender' }), [topic])
    const record = { topic: topic.name, key: 'k', value: Buffer.from('{}'), headers: {} }
    await assert.rejects(transport.send([record]))
    await transport.close()
  })

  it('a handler that waits holds up the records of its partition and no others', async () => {
    await using stage = await Stage.open(server())
    const held = Promise.withResolvers<void>()
    const reader = stage.reader(stage.groups[0], 'reader-1', {
      handle: (records) => (records.some(({ key }) => key === keys[0]) ? held.promise : Promise.resolve()),
    })
    await stage.sender.send(keys.map((key) => stage.record(key, 1)))
    // Twelve keys over six partitions: more than one of them is free.
    await until('others are handled', () => reader.got.length >= 2, patienceMs)
    assert.deepEqual(firstOf(reader.got, keys[0]!), [])
    held.resolve()
    await until('all are handled', () => reader.got.length === keys.length, patienceMs)
  })

  it('a group that is alone gets what is sent while it is there', async () => {
    await using stage = await Stage.open(server())
    const reader = stage.reader(`${stage.topic.name}.broadcast`, 'reader-1', { alone: true })
    const records = keys.map((key) => stage.record(key, 1))
    await until(
      'it is there',
      async () => {
        await stage.sender.send([stage.record('probe', 0)])
        return reader.got.length > 0
      },
      patienceMs,
    )
    await stage.sender.send(records)
    await until('all have come', () => keys.every((key) => firstOf(reader.got, key).length === 1), patienceMs)
  })
}

function membershipTests(server: () => TransportServer): void {
  it('what is sent while a group has no member waits for it', async () => {
    await using stage = await Stage.open(server())
    await using first = stage.reader(stage.groups[0], 'reader-1')
    await stage.sender.send(keys.map((key) => stage.record(key, 1)))
    await until('the first ones are there', () => first.got.length === keys.length, patienceMs)
    await first[Symbol.asyncDispose]()
    await stage.sender.send(keys.map((key) => stage.record(key, 2)))
    const second = stage.reader(stage.groups[0], 'reader-1')
    await until('the others are there', () => second.got.length >= keys.length, patienceMs)
    for (const key of keys) assert.deepEqual(firstOf(second.got, key), [2], key)
  })

  it('members share the records: each goes to one of them, and by key in order', async () => {
    await using stage = await Stage.open(server())
    const all: IncomingRecord[] = []
    const collect = async (records: readonly IncomingRecord[]) => void all.push(...records)
    const one = stage.reader(stage.groups[0], 'reader-1', { handle: collect })
    await stage.sender.send(keys.map((key) => stage.record(key, 1)))
    await until('the first has all', () => one.got.length === keys.length, patienceMs)
    const two = stage.reader(stage.groups[0], 'reader-2', { handle: collect })
    let n = 1
    await until(
      'the second is given some',
      async () => {
        n += 1
        await stage.sender.send(keys.map((key) => stage.record(key, n)))
        return two.got.length > 0
      },
      patienceMs,
    )
    await until('all are handled', () => all.length >= n * keys.length, patienceMs)
    assert.equal(all.length, n * keys.length, 'each by one of them')
    for (const key of keys) assert.deepEqual(firstOf(all, key), numbers(1, n), key)
  })

  it('what a member did not finish goes to another, in order, and what it finished does not', async () => {
    await using stage = await Stage.open(server())
    const stuck = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const transport = server().open(testCore({ instance: 'dying' }), [stage.topic])
    const done: number[] = []
    const consumption = transport.consume({
      group: stage.groups[0],
      topics: [stage.topic.name],
      handle: {
        recordsMax: 8,
        async together(records, signal, { finished }) {
          for (const record of records) {
            if (numberOf(record) > 3) {
              begun.resolve()
              signal.addEventListener('abort', () => stuck.reject(new Error('given up')))
              await stuck.promise
            }
            done.push(numberOf(record))
            finished(1)
          }
        },
      },
    })
    await stage.sender.send(numbers(1, 9).map((n) => stage.record('k', n)))
    await begun.promise
    await consumption.stop(5_000)
    await transport.close()
    assert.deepEqual(done, [1, 2, 3])
    const other = stage.reader(stage.groups[0], 'reader-2')
    await until('the rest is there', () => other.got.length >= 6, patienceMs)
    assert.deepEqual(other.got.map(numberOf), numbers(4, 9))
  })

  it('stopping waits for what is being handled, which is not delivered again', async () => {
    await using stage = await Stage.open(server())
    const begun = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    const first = stage.reader(stage.groups[0], 'reader-1', {
      handle: async () => {
        begun.resolve()
        await held.promise
      },
    })
    await stage.sender.send([stage.record('k', 1)])
    await begun.promise
    const stopped = first[Symbol.asyncDispose]()
    held.resolve()
    await stopped
    assert.deepEqual(first.got.map(numberOf), [1])
    const second = stage.reader(stage.groups[0], 'reader-1')
    await stage.sender.send([stage.record('k', 2)])
    await until('the next is there', () => second.got.length > 0, patienceMs)
    assert.deepEqual(second.got.map(numberOf), [2])
  })
}

function outageTests(server: () => TransportServer): void {
  /** Sends while the server goes and comes; what was confirmed must come, by key in order. */
  const through = async (outage: (s: TransportServer) => Promise<void>) => {
    await using stage = await Stage.open(server())
    const readers = stage.groups.map((group) => stage.reader(group, `${group}-1`))
    const sendRounds = async (first: number, last: number) => {
      for (const n of numbers(first, last)) await stage.sendSurely(keys.map((key) => stage.record(key, n)))
    }
    await sendRounds(1, 10)
    const sending = sendRounds(11, 60)
    await outage(server())
    await sending
    await sendRounds(61, 70)
    for (const { got, name } of readers)
      for (const key of keys) {
        await until(`${name} has all of ${key}`, () => firstOf(got, key).length >= 70, patienceMs)
        assert.deepEqual(firstOf(got, key), numbers(1, 70), `${name}, ${key}`)
      }
  }

  it('nothing that was confirmed is lost to kill -9 of the server, nor its order', { timeout: 240_000 }, () =>
    through(async (s) => {
      await s.kill()
      await s.start()
    }),
  )

  it('nor to a restart', { timeout: 240_000 }, () =>
    through(async (s) => {
      await (s.stop ?? s.kill)()
      await s.start()
    }),
  )

  it('what waits for a group is there after kill -9 with nobody connected', { timeout: 240_000 }, async () => {
    await using stage = await Stage.open(server())
    await stage.sender.send(keys.map((key) => stage.record(key, 1)))
    await server().kill()
    await server().start()
    const reader = stage.reader(stage.groups[0], 'reader-1')
    await until('all are there', () => reader.got.length >= keys.length, patienceMs)
    for (const key of keys) assert.deepEqual(firstOf(reader.got, key), [1], key)
  })
}
