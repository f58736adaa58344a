/** What becomes of an order, one user each, with the settings as they are shipped. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import type { Delivery } from '@svyaz/contracts/http/delivery.ts'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import type { User } from '@svyaz/contracts/http/users.ts'
import type { Feed } from '@svyaz/observe/feed.ts'
import { ask } from '@svyaz/observe/http.ts'
import { aboutOf, type Person } from '@svyaz/observe/person.ts'
import { until } from '@svyaz/observe/until.ts'
import type { World } from './world.ts'

const one = (productId: string, quantity = 1) => [{ productId, quantity }]

/** Each step of a completed order came as a frame, in order, and the parcel was seen. */
function assertSeenInFeed(feed: Feed, orderId: string): void {
  const kinds = feed.framesOf(orderId)
  const inOrder = kinds.filter((kind) => kind.startsWith('order.'))
  assert.deepEqual(inOrder, ['order.created', 'order.processing', 'order.paid', 'order.shipped', 'order.completed'])
  assert.ok(kinds.includes('payment.completed') && kinds.includes('delivery.scheduled'), kinds.join())
  const positions = feed.messages.flatMap((message) => (message.type === 'position' ? [message.data] : []))
  assert.ok(
    positions.some((position) => position.orderId === orderId),
    'the parcel was seen on its way',
  )
}

/** The story of a completed order has a step of every way that services talk. */
async function assertStoryIsWhole(user: Person, orderId: string): Promise<void> {
  await user.untilTold(orderId, 'mail_sent', 'order.completed')
  const story = await user.untilTold(orderId, 'frame_sent', 'order.completed')
  assert.deepEqual(story.remaining, [])
  const told = story.steps.map(
    (step) => `${step.service} ${step.via}: ${step.code}${aboutOf(step) && ` ${aboutOf(step)}`}`,
  )
  for (const step of [
    'orders http: order_accepted',
    'inventory topic: stock_reserved',
    'orders queue: charge_queued',
    'payments topic: payment_charged',
    'delivery topic: delivery_scheduled',
    'delivery topic: delivery_shipped',
    'delivery topic: delivery_delivered',
    'notifications smtp: mail_sent payment.completed',
    'notifications websocket: frame_sent order.created',
  ]) {
    assert.ok(told.includes(step), `"${step}" is not in the story:\n${told.join('\n')}`)
  }
  assert.ok(
    story.steps.every((step) => step.traceId !== undefined),
    'each step names its trace',
  )
}

/** Follows one order each to every end that it can have. */
export const orderScenarios = (world: () => World): void => {
  describe('an order', { concurrency: 4 }, () => {
    it('goes through every service, and tells its story on every way', async () => {
      const w = world()
      const user = await w.register('Vera Complete')
      const [first, second] = [w.product(), w.product()]
      const before = await Promise.all([w.stock(first), w.stock(second)])
      const feed = await user.openFeed()
      const answer = await user.tryOrder({
        items: [
          { productId: first, quantity: 2 },
          { productId: second, quantity: 1 },
        ],
      })
      assert.equal(answer.status, 201)
      const placed = answer.body as OrderView
      assert.equal(answer.headers.location, `/orders/${placed.id}`)
      assert.equal(placed.status, 'pending')
      assert.equal(placed.userId, user.id)
      const total = placed.items.reduce((sum, item) => sum + item.quantity * item.unitPrice.amountMinor, 0)
      assert.deepEqual(placed.total, { amountMinor: total, currency: 'EUR' })
      assert.equal(placed.totalPrice, total / 100)

      const done = await user.untilStatus(placed.id, 'completed')
      assert.equal(done.version, 5)
      const [payment] = (await user.ask('GET', `/payments?orderId=${placed.id}`)).body
      assert.deepEqual([payment.status, payment.amount], ['charged', placed.total])
      assert.match(payment.worker, /^payments-[12]$/)
      assert.equal(await w.held(placed.id), total)
      const [delivery] = (await user.ask<Delivery[]>('GET', `/deliveries?orderId=${placed.id}`)).body
      assert.deepEqual([delivery?.status, delivery?.position.progress], ['delivered', 1])

      const moved = { reserved: 0, stocked: before[0]!.stocked }
      await until('the stock to be sold', async () => (await w.stock(first)).sold === before[0]!.sold + 2)
      assert.deepEqual(await w.stock(first), {
        ...moved,
        available: before[0]!.available - 2,
        sold: before[0]!.sold + 2,
      })
      const other = await w.stock(second)
      assert.deepEqual([other.reserved, other.sold], [0, before[1]!.sold + 1])

      await until('the last frame', () => feed.framesOf(placed.id).includes('order.completed'))
      assertSeenInFeed(feed, placed.id)
      await w.untilMailed(user, /welcome/i)
      await w.untilMailed(user, /payment received/i)
      await w.untilMailed(user, /order delivered/i)

      await assertStoryIsWhole(user, placed.id)
    })

    it('for more than there is gets 409 at once, and leaves nothing', async () => {
      const w = world()
      const user = await w.register('Oskar Empty')
      const product = w.scarceProduct()
      const before = await w.stock(product)
      const answer = await user.tryOrder({ items: one(product, before.available + 1) })
      assert.equal(answer.status, 409)
      assert.equal((answer.body as { code: string }).code, 'out_of_stock')
      assert.deepEqual((await user.ask('GET', `/orders?userId=${user.id}`)).body, [])
      assert.deepEqual(await w.stock(product), before)
    })

    it('that is declined is rejected, and its stock released', async () => {
      const w = world()
      const user = await w.register('Dana Declined')
      const product = w.product()
      const before = await w.stock(product)
      const placed = await user.order({ items: one(product, 3), paymentMethod: 'pm_declined' })
      const ended = await user.untilStatus(placed.id, 'rejected')
      assert.equal(ended.reason, 'payment_declined')
      await user.untilTold(placed.id, 'stock_released')
      assert.deepEqual(await w.stock(product), before)
      assert.equal((await user.payment(placed.id))?.status, 'declined')
      assert.equal(await w.held(placed.id), 0)
      await w.untilMailed(user, /order rejected/i)
    })

    // The answer of the call and the event about it race; whichever comes first is in the story.
    it('with payment "now" is charged by a call, without a task', async () => {
      const user = await world().register('Nora Now')
      const placed = await user.order({ items: one(world().product()), payment: 'now' })
      await user.untilStatus(placed.id, 'completed')
      const told = (await user.story(placed.id)).steps.map((step) => `${step.via}: ${step.code}`)
      assert.ok(told.includes('grpc: charge_called'), told.join('\n'))
      assert.ok(!told.some((step) => step.startsWith('queue')), told.join('\n'))
      assert.equal((await world().ledger(placed.id)).length, 1)
    })

    it('with payment "now" that is refused is rejected, without a task', async () => {
      const user = await world().register('Nils Now')
      const placed = await user.order({ items: one(world().product()), payment: 'now', paymentMethod: 'pm_declined' })
      const ended = await user.untilStatus(placed.id, 'rejected')
      assert.equal(ended.reason, 'payment_declined')
      const told = (await user.story(placed.id)).steps.map((step) => `${step.via}: ${step.code}`)
      assert.ok(told.includes('grpc: charge_called'), told.join('\n'))
      assert.ok(!told.some((step) => step.startsWith('queue')), told.join('\n'))
      assert.equal(await world().held(placed.id), 0)
    })

    it('outlives a slow payment provider', async () => {
      const user = await world().register('Sara Slow')
      const placed = await user.order({ items: one(world().product()), paymentMethod: 'pm_slow' })
      await user.untilStatus(placed.id, 'completed', 45_000)
      assert.equal((await world().ledger(placed.id)).length, 1)
    })

    it('is charged once when the provider charges and never answers', async () => {
      const user = await world().register('Tim Timeout')
      const placed = await user.order({ items: one(world().product()), paymentMethod: 'pm_timeout_but_charged' })
      await user.untilStatus(placed.id, 'completed', 45_000)
      assert.deepEqual(
        (await world().ledger(placed.id)).map((entry) => [entry.type, entry.amountMinor]),
        [['charge', placed.total.amountMinor]],
      )
      assert.ok(((await user.payment(placed.id))?.attempts ?? 0) >= 2, 'the answer had to be asked for again')
    })

    it('that is cancelled while the provider is still charging ends with nothing charged', async () => {
      const w = world()
      const user = await w.register('Viktor Void')
      const product = w.product()
      const before = await w.stock(product)
      const placed = await user.order({ items: one(product), paymentMethod: 'pm_slow' })
      await until('the provider to be asked', async () => (await user.payment(placed.id))?.status === 'charging', {
        explain: () => w.explain(placed.id),
      })
      assert.equal((await user.ask<OrderView>('POST', `/orders/${placed.id}/cancel`)).body.status, 'cancelling')
      await user.untilStatus(placed.id, 'cancelled', 45_000)
      assert.ok((await w.ledger(placed.id)).length > 0, 'the provider heard of it')
      assert.equal(await w.held(placed.id), 0)
      await user.untilTold(placed.id, 'stock_released')
      assert.deepEqual(await w.stock(product), before)
    })

    it('that cannot be delivered is refunded and cancelled', async () => {
      const w = world()
      const user = await w.register('Frida Failed')
      const product = w.product()
      const before = await w.stock(product)
      const placed = await user.order({ items: one(product), deliveryMethod: 'dm_fail' })
      const ended = await user.untilStatus(placed.id, 'cancelled')
      assert.equal(ended.reason, 'delivery_failed')
      assert.equal(await w.held(placed.id), 0)
      assert.equal((await user.payment(placed.id))?.status, 'refunded')
      await user.untilTold(placed.id, 'stock_restocked')
      assert.deepEqual(await w.stock(product), before)
      await w.untilMailed(user, /payment refunded/i)
    })

    it('is made once per Idempotency-Key: again, at the same time, and not with another body', async () => {
      const w = world()
      const user = await w.register('Ida Idempotent')
      const product = w.product()
      const key = randomUUID()
      const same = await Promise.all([1, 2, 3, 4].map(() => user.tryOrder({ items: one(product) }, key)))
      assert.deepEqual(
        same.map((answer) => answer.status),
        [201, 201, 201, 201],
      )
      assert.equal(new Set(same.map((answer) => (answer.body as OrderView).id)).size, 1)
      assert.equal(same.filter((answer) => answer.headers['idempotency-replayed'] === undefined).length, 1)
      const placed = same[0]!.body as OrderView
      await user.untilStatus(placed.id, 'completed')
      const again = await user.tryOrder({ items: one(product) }, key)
      assert.deepEqual([again.status, again.headers['idempotency-replayed']], [201, 'true'])
      assert.deepEqual(again.body, placed, 'the first answer is repeated as it was')
      // The refusal of another body is not an attempt at another order, so it is not remembered as one.
      const other = await user.ask('POST', '/orders', {
        body: { items: one(product, 2) },
        headers: { 'idempotency-key': key },
      })
      assert.deepEqual([other.status, other.body.code], [422, 'idempotency_key_reused'])
      assert.equal((await user.ask<OrderView[]>('GET', `/orders?userId=${user.id}`)).body.length, 1)
      const stranger = await w.register('Igor Idempotent')
      const theirs = await stranger.tryOrder({ items: one(product) }, key)
      assert.notEqual((theirs.body as OrderView).id, placed.id, 'a key is the own one of each user')
    })

    it('can be followed as server-sent events until it is final', async () => {
      const user = await world().register('Flora Follow')
      const placed = await user.order({ items: one(world().product()) })
      const answer = await user.ask<string>('GET', `/orders/${placed.id}/follow`)
      assert.equal(answer.status, 200)
      assert.match(answer.headers['content-type'] ?? '', /^text\/event-stream/)
      const seen = [...answer.body.matchAll(/^data: (.+)$/gm)].map((line) => JSON.parse(line[1]!) as OrderView)
      assert.equal(seen.at(-1)?.status, 'completed')
      const versions = seen.map((order) => order.version)
      assert.deepEqual(versions, [...new Set(versions)].sort(), 'each change once, in order')
    })

    it('shows with its user, through the gRPC call of users to orders', async () => {
      const user = await world().register('Uwe User')
      const placed = await user.order({ items: one(world().product()) })
      const answer = await user.ask<User>('GET', `/users/${user.id}?include=orders`)
      assert.deepEqual(
        answer.body.orders?.map((order) => order.id),
        [placed.id],
      )
    })
  })

  it('many orders are shared by two payment workers, each charged once', { timeout: 90_000 }, async () => {
    const w = world()
    const user = await w.register('Mia Many')
    const product = w.product()
    await w.admin.ask('POST', `/products/${product}/restock`, { body: { quantity: 100 } })
    const placed: OrderView[] = []
    for (let round = 0; round < 4; round++)
      placed.push(...(await Promise.all(Array.from({ length: 8 }, () => user.order({ items: one(product) })))))
    for (const order of placed) await user.untilStatus(order.id, 'completed', 60_000)
    const ids = new Set(placed.map((order) => order.id))
    const workers = await Promise.all(placed.map(async (order) => (await user.payment(order.id))?.worker))
    assert.deepEqual(new Set(workers), new Set(['payments-1', 'payments-2']))
    const charges = (await w.ledger()).filter((fact) => ids.has(fact.key.slice('charge:'.length)))
    assert.equal(charges.length, placed.length, 'one entry per order in the ledger')
    const said = (await w.events.read('payments.events')).filter((record) => ids.has(record.key))
    assert.equal(said.length, placed.length)
    assert.ok(said.every((record) => record.headers.ce_type === 'payment.completed'))
  })

  it('pages of orders are linked, newest first, none twice', async () => {
    const w = world()
    const user = await w.register('Petra Pages')
    const product = w.product()
    const placed = []
    for (let n = 0; n < 5; n++) placed.push(await user.order({ items: one(product), paymentMethod: 'pm_declined' }))
    const seen: string[] = []
    let path: string | undefined = `/orders?userId=${user.id}&limit=2`
    while (path !== undefined) {
      const page: { body: OrderView[]; headers: Readonly<Record<string, string | undefined>> } = await user.ask<
        OrderView[]
      >('GET', path)
      seen.push(...page.body.map((order) => order.id))
      path = /<([^>]+)>; rel="next"/.exec(page.headers.link ?? '')?.[1]
    }
    assert.deepEqual(seen, placed.map((order) => order.id).reverse())
  })

  it('a bulk restock adds each line once per key, and names products that nobody knows', async () => {
    const w = world()
    const [first, second] = [w.product(), w.product()]
    const before = await Promise.all([w.stock(first), w.stock(second)])
    const key = randomUUID()
    const restock = () =>
      w.admin.ask('POST', '/products/restock', {
        headers: { 'idempotency-key': key },
        body: {
          items: [
            { productId: first, quantity: 5 },
            { productId: 'P-9999', quantity: 1 },
            { productId: second, quantity: 7 },
          ],
        },
      })
    const answer = await restock()
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    assert.deepEqual(answer.body, { lines: 3, units: 12, unknown: ['P-9999'] })
    assert.equal((await restock()).status, 200)
    assert.equal((await w.stock(first)).available, before[0]!.available + 5)
    assert.equal((await w.stock(second)).stocked, before[1]!.stocked + 7)
  })

  it('the catalogue is public', async () => {
    const answer = await ask('GET', `${world().gateway}/products?limit=100`)
    assert.equal(answer.status, 200)
    assert.ok(answer.body.length >= 50)
  })
}
