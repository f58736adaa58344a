/** Every engine that the services can run against, started for one test: what `npm run start:engines` is given. */

import type { EventTap } from '@svyaz/observe/topics.ts'
import { MongoClient } from 'mongodb'
import { startTestPostgres } from '../../platform/kit/test/engines.ts'
import type { Order } from '../../services/orders/src/domain.ts'
import { type Engines, embeddedExcept } from '../../system/src/engines/addresses.ts'
import { startTestConsul } from '../../system/test/engines/consul.ts'
import { withoutProgram } from '../../system/test/engines/engine.ts'
import { startTestKafka, type TestKafka, withoutKafka } from '../../system/test/engines/kafka.ts'
import { startTestMongo, withoutMongo } from '../../system/test/engines/mongo.ts'
import type { TestRabbit } from '../../system/test/engines/rabbitmq.ts'

export interface TestEngines extends AsyncDisposable {
  readonly engines: Engines
  readonly kafka?: TestKafka
  readonly rabbit?: TestRabbit
  /** What sees the events, where Kafka doesn't carry them. */
  readonly events?: EventTap
  /** What the orders service keeps, read from outside of it; default: its rows in PostgreSQL. */
  storedOrders?(): Promise<{ id: string; userId: string; key: string; document: Order }[]>
  /** Takes the engine that stands for this part away and brings it back; false when none does. */
  restart(part: string): Promise<boolean>
}

/** Why a test that needs all of them is skipped, or false. */
export const withoutEngines = (): string | false => withoutKafka() || withoutProgram('consul') || withoutMongo()

/**
 * Kafka (three nodes), Consul, PostgreSQL and a server of MongoDB's protocol. Mail, payment processor and collector of
 * traces stay ours: the tests look into them.
 */
export async function startTestEngines(): Promise<TestEngines> {
  await using starting = new AsyncDisposableStack()
  const kafka = starting.use(await startTestKafka())
  const consul = starting.use(await startTestConsul())
  const postgres = starting.use(await startTestPostgres())
  const mongo = starting.use(await startTestMongo(await postgres.database('ferretdb')))
  const client = starting.adopt(new MongoClient(mongo.url('orders')), (open) => open.close())
  const restarts: Readonly<Record<string, () => Promise<void>>> = {
    async broker() {
      await kafka.kill(1)
      await kafka.start(1)
    },
    discovery: consul.restart,
    async postgres() {
      await postgres.stop()
      await postgres.start()
    },
  }
  const running = starting.move()
  return {
    kafka,
    engines: embeddedExcept({
      kafka: kafka.brokers,
      consul: consul.url,
      postgres: postgres.adminUrl,
      mongo: mongo.url('').replace(/\/$/, ''),
    }),
    async storedOrders() {
      const rows = await client
        .db()
        .collection<{ _id: string; userId: string; idempotencyKey: string; order: Order }>('orders')
        .find()
        .toArray()
      return rows.map((row) => ({ id: row._id, userId: row.userId, key: row.idempotencyKey, document: row.order }))
    },
    async restart(part) {
      await restarts[part]?.()
      return part in restarts
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
