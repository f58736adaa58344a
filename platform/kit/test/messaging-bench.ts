/** A database, a topic and a group that no other test knows; everything opened here is closed with it. */
import { randomUUID } from 'node:crypto'
import type { Subscription } from '../src/api.ts'
import { type OpenDatabase, openDatabase } from '../src/database/database.ts'
import { type Messaging, openMessaging } from '../src/messaging/messaging.ts'
import type { KitEnvironment } from '../src/process/environment.ts'
import { type TestCore, testCore } from './core-fixture.ts'
import { type CountedTopic, countedTopic, type EffectsSchema, effectsMigrations } from './counted-topic.ts'
import { startMember, type TestBroker, type TestPostgres } from './engines.ts'

export interface BenchInstance {
  readonly core: TestCore
  readonly database: OpenDatabase<EffectsSchema>
  readonly messaging: Messaging
  close(): Promise<void>
}

export class Bench implements AsyncDisposable {
  readonly topic: CountedTopic
  readonly group = `g-${randomUUID().slice(0, 8)}`
  readonly databaseUrl: string
  readonly #broker: TestBroker
  readonly #opened: (() => Promise<void>)[] = []

  private constructor(name: string, databaseUrl: string, broker: TestBroker) {
    this.topic = countedTopic(name)
    this.databaseUrl = databaseUrl
    this.#broker = broker
  }

  static async open(postgres: TestPostgres, broker: TestBroker): Promise<Bench> {
    const name = `t${randomUUID().slice(0, 8)}`
    return new Bench(`test.${name}`, await postgres.database(name), broker)
  }

  async instance(
    name: string,
    consumers: (core: TestCore, messaging: () => Messaging) => Subscription[] = () => [],
    environment: Partial<KitEnvironment> = {},
  ): Promise<BenchInstance> {
    const core = testCore({ instance: name, kafkaBrokers: [this.#broker.address], ...environment })
    const database = await openDatabase<EffectsSchema>(core, { url: this.databaseUrl, migrations: effectsMigrations })
    const messaging: Messaging = await openMessaging(core, {
      database: database as never,
      writes: [this.topic],
      consumers: consumers(core, () => messaging),
    })
    await messaging.start()
    let closed: Promise<void> | undefined
    const close = () => {
      closed ??= (async () => {
        await messaging.stopConsumers(5_000)
        await messaging.close()
        await database.close()
      })()
      return closed
    }
    this.#opened.push(close)
    return { core, database, messaging, close }
  }

  member(instance: string, options: object = {}) {
    const member = startMember({
      instance,
      databaseUrl: this.databaseUrl,
      broker: this.#broker.address,
      topic: this.topic.name,
      ...options,
    })
    this.#opened.push(async () => {
      member.child.kill('SIGKILL')
      await member.ended
    })
    return member
  }

  async [Symbol.asyncDispose]() {
    for (const close of this.#opened.reverse()) await close()
  }
}

/** Adds one number under a key, in a transaction of its own. */
export const add = (
  bench: Bench,
  { database, messaging }: Pick<BenchInstance, 'database' | 'messaging'>,
  key: string,
  n: number,
): Promise<void> =>
  database.transaction((tx) => messaging.outbox.add(tx, { topic: bench.topic, type: 'counted', key, data: { n } }))

/** Every effect, in the order in which they happened. */
export const effects = (database: OpenDatabase<EffectsSchema>): Promise<EffectsSchema['effects'][]> =>
  database.query
    .selectFrom('effects')
    .selectAll()
    .orderBy('at' as never)
    .execute()

/** `from`, …, `to`. */
export const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)
