/** The peer is complete: one order through all of it, with what it leaves behind everywhere. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { ask } from '@svyaz/observe/http.ts'
import { until } from '@svyaz/observe/until.ts'
import { withoutKafka } from '../kafka.ts'
import { installPeer } from './peer-install.ts'
import { type PeerStack, startPeer } from './peer-stack.ts'
import { Shopper } from './shopper.ts'
import type { Customer } from './stack.ts'

suite('the usual stack', { skip: withoutKafka() }, () => {
  let stack: PeerStack
  let customer: Customer

  before(async () => {
    await installPeer(() => {})
    stack = await startPeer({ traced: true, synced: true })
    customer = await stack.signUp('smoke')
  })
  after(() => stack?.[Symbol.asyncDispose]())

  const stockOf = async (id: string) => {
    const { body } = await ask('GET', `${stack.urls.inventory}/products`)
    return (body as { productId: string; available: number; reserved: number; sold: number }[]).find(
      ({ productId }) => productId === id,
    )!
  }

  test('one order is completed: stock sold, charged once, two mails, spans', async () => {
    const [productId = ''] = stack.products
    const stocked = await stockOf(productId)
    using shopper = await Shopper.open(stack.ordersUrl, customer)
    const outcome = await shopper.order([{ productId, quantity: 2 }], performance.now())
    assert.equal(outcome.status, 201)
    assert.ok(outcome.completedMs !== undefined, 'no frame said completed')

    const left = await stockOf(productId)
    assert.deepEqual([left.available, left.reserved, left.sold], [stocked.available - 2, 0, 2])
    const { body: totals } = await ask('GET', `${stack.urls.processor}/totals`)
    assert.equal(totals.count, 1)
    const mails = async () =>
      ((await ask('GET', `${stack.urls.mails}/mails?to=smoke%40example.org`)).body as { mails: { subject: string }[] })
        .mails
    await until('two mails', async () => (await mails()).length === 2)
    assert.deepEqual((await mails()).map(({ subject }) => subject).sort(), ['Order delivered', 'Payment received'])
    await until('spans at the collector', async () => (await stack.spanBytes()) > 0)
  })

  test('what nobody signed, and what there is none of, is refused', async () => {
    const body = { items: [{ productId: stack.products[0], quantity: 1 }] }
    assert.equal((await ask('POST', `${stack.ordersUrl}/orders`, { body })).status, 401)
    const unknown = { items: [{ productId: 'P-9999', quantity: 1 }] }
    const { token } = customer
    assert.equal((await ask('POST', `${stack.ordersUrl}/orders`, { token, body: unknown })).status, 400)
  })
})
