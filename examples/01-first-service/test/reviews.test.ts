/** Reviews as a started process, beside a real broker, PostgreSQL, discovery, configuration and telemetry. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type OrderSnapshot, ordersEvents } from '@svyaz/contracts/events/orders.ts'
import type { Role } from '@svyaz/contracts/vocabulary.ts'
import { type Consumer, Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { type System, startSystem } from '../../../system/src/testing.ts'
import { reviewsEvents } from '../src/contract.ts'
import { type Gateway, openGateway } from './gateway.ts'
import { topology } from './topology.ts'

const user = (): { userId: string; roles: readonly Role[] } => ({ userId: randomUUID(), roles: ['user'] })

let system: System
let gateway: Gateway
let producer: Producer
let consumer: Consumer
const heard: { type: string; key: string; data: { userId: string; stars: number } }[] = []

before(async () => {
  system = await startSystem({ topology, only: ['reviews'] })
  gateway = await openGateway(system.home)
  const kafka = new Kafka({ brokers: [new URL(system.url('broker', 'kafka')).host], logLevel: logLevel.ERROR })
  producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  consumer = kafka.consumer({ groupId: 'reviews-test' })
  await Promise.all([producer.connect(), consumer.connect()])
  await consumer.subscribe({ topic: reviewsEvents.name, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      const type = String(message.headers?.ce_type)
      heard.push({ type, key: String(message.key), data: JSON.parse(String(message.value)) })
    },
  })
})

after(async () => {
  await consumer?.disconnect()
  await producer?.disconnect()
  await system?.[Symbol.asyncDispose]()
})

const reviews = (path = '') => `${system.url('reviews')}/reviews${path}`

/** Waits for a condition that another process makes true. */
const until = async <T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> => {
  const deadline = Date.now() + 30_000
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    assert.ok(Date.now() < deadline, `${what}: not within 30 s`)
    await pause(50)
  }
}

/** The event of an order that orders completed, as it would be in the topic. */
const completed = (eventId: string, orderId: string, userId: string, productId: string) => {
  const at = new Date().toISOString()
  const price = { amountMinor: 500, currency: 'EUR' } as const
  const order: OrderSnapshot = {
    orderId,
    userId,
    version: 5,
    itemsVersion: 1,
    status: 'completed',
    items: [{ productId, quantity: 2, unitPrice: price, name: 'Lamp' }],
    total: { amountMinor: 1_000, currency: 'EUR' },
    payment: 'queue',
    paymentMethod: 'pm_ok',
    deliveryMethod: 'dm_ok',
    reserveAt: at,
    at,
  }
  return {
    key: orderId,
    value: JSON.stringify(ordersEvents.events['order.completed'].parse(order)),
    headers: {
      ce_specversion: '1.0',
      ce_id: eventId,
      ce_type: 'order.completed',
      ce_source: '/orders',
      ce_subject: orderId,
      ce_time: at,
      'content-type': 'application/json',
    },
  }
}

const send = (...messages: ReturnType<typeof completed>[]) => producer.send({ topic: ordersEvents.name, messages })

const write = (as: { userId: string; roles: readonly Role[] }, productId: string, text: string, stars = 5) =>
  gateway.call(reviews(), { as, method: 'POST', body: { productId, stars, text } })

/** Until the purchase has arrived, a review is refused. */
const writeOncePurchased = (as: ReturnType<typeof user>, productId: string, text: string) =>
  until(`a review of ${productId} is taken`, async () => {
    const answer = await write(as, productId, text)
    if (answer.status === 403) return undefined
    return answer
  })

test('a user who bought nothing is refused, and so is a caller without a token', async () => {
  const refused = await write(user(), 'P-1001', 'Never had it')
  assert.equal(refused.status, 403)
  assert.equal((refused.body as { code: string }).code, 'forbidden')
  const anonymous = await fetch(reviews(), { method: 'POST', body: '{}' })
  assert.equal(anonymous.status, 401)
})

test('an order completed twice in the topic counts once; its review is published', async () => {
  const buyer = user()
  const orderId = randomUUID()
  const eventId = randomUUID()
  // One key, so one partition: when the last one has had its effect, the repeated one has been handled too.
  await send(
    completed(eventId, orderId, buyer.userId, 'P-1002'),
    completed(eventId, orderId, buyer.userId, 'P-1002'),
    completed(randomUUID(), orderId, buyer.userId, 'P-1003'),
  )
  assert.equal((await writeOncePurchased(buyer, 'P-1003', 'The last one')).status, 201)
  assert.equal((await write(buyer, 'P-1002', 'Bright', 4)).status, 201)

  const list = await gateway.call(reviews('?productId=P-1002'), { as: user() })
  assert.equal(list.status, 200)
  const mine = (list.body as { userId: string; stars: number; orders: number }[]).filter(
    (review) => review.userId === buyer.userId,
  )
  assert.deepEqual(
    mine.map(({ stars, orders }) => ({ stars, orders })),
    [{ stars: 4, orders: 1 }],
  )
  const event = await until('review.written', () =>
    heard.find(({ key, data }) => key === 'P-1002' && data.userId === buyer.userId),
  )
  assert.equal(event.type, 'review.written')
  assert.equal(event.data.stars, 4)
})

test('a setting changed at the config service holds without a restart', async () => {
  const buyer = user()
  await send(completed(randomUUID(), randomUUID(), buyer.userId, 'P-1004'))
  assert.equal((await writeOncePurchased(buyer, 'P-1004', 'Twenty characters!!!')).status, 201)
  // A service reads the key set once a second at most, so a key that it has just missed is refused for a moment.
  await until('the change is taken', async () => {
    const { status, body } = await gateway.call(`${system.url('config')}/admin/reviews/embedded`, {
      as: { userId: randomUUID(), roles: ['admin'] },
      method: 'PUT',
      body: { properties: { textCharsMax: 10 } },
    })
    if (status === 401) return undefined
    assert.equal(status, 200, JSON.stringify(body))
    return true
  })
  const refused = await until('the shorter limit', async () => {
    const answer = await write(buyer, 'P-1004', 'Twenty characters!!!')
    return answer.status === 201 ? undefined : answer
  })
  assert.equal(refused.status, 400)
  assert.match((refused.body as { detail: string }).detail, /at most 10 characters/)
})

test('the kit brings health, metrics, info, a place in discovery and a trace', async () => {
  const management = (path: string) => fetch(`${system.url('reviews', 'management')}${path}`)
  assert.equal((await management('/health/live')).status, 200)
  assert.equal((await management('/health/ready')).status, 200)
  assert.match(await (await management('/metrics')).text(), /^process_cpu_seconds_total\{.*service="reviews"/m)
  assert.equal(((await (await management('/info')).json()) as { service: string }).service, 'reviews')
  const found = (await (
    await fetch(`${system.url('discovery')}/v1/health/service/reviews?passing`)
  ).json()) as unknown[]
  assert.equal(found.length, 1)
  const traced = await until('a trace of reviews', async () => {
    const answer = await fetch(`${system.url('telemetry', 'otlp')}/traces?service=reviews`)
    const { traces } = (await answer.json()) as { traces: { services: string[] }[] }
    return traces[0]
  })
  assert.ok(traced.services.includes('reviews'))
})
