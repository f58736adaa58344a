import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { testCore, until } from '../../../platform/kit/test/core-fixture.ts'
import { startTestMongo, withoutMongo } from '../../../system/test/engines/mongo.ts'
import { openMongoOrderStore } from '../src/storage/mongodb.ts'
import { orderStoreSuite } from './order-store.suite.ts'

const missing = withoutMongo()
if (missing) {
  describe('order store: MongoDB', () => test('needs a server', { skip: missing }, () => {}))
} else {
  await using closing = new AsyncDisposableStack()
  const cleanUp = closing.move()
  after(() => cleanUp.disposeAsync())
  const mongo = cleanUp.use(await startTestMongo())
  const url = mongo.url(`orders_${process.pid}`)

  const open = async (instance: string) => {
    const opened = await openMongoOrderStore({ ...testCore({ service: 'orders' }), instance }, url)
    cleanUp.defer(() => opened.close())
    return opened
  }

  orderStoreSuite(`MongoDB's protocol (${mongo.name})`, async () => ({
    store: (await open('orders-1')).store,
    another: (await open('orders-2')).store,
  }))

  describe('MongoDB', () => {
    test('one instance publishes; the next takes over when it ends', { timeout: 30_000 }, async () => {
      const stores = [(await open('first')).store, (await open('second')).store]
      const stops = stores.map(() => new AbortController())
      const leading = new Set<number>()
      const ended = stores.map((store, index) =>
        store.whileLeader!(stops[index]!.signal, async (signal) => {
          leading.add(index)
          assert.equal(leading.size, 1)
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          leading.delete(index)
        }),
      )
      await until('one to lead', () => leading.size === 1)
      const [first] = leading
      stops[first!]!.abort()
      await ended[first!]
      await until('the other to lead', () => leading.has(1 - first!))
      stops[1 - first!]!.abort()
      await Promise.all(ended)
    })

    test('a server that is not there is waited for, and told as unavailable afterwards', async () => {
      const { store, notReady, close } = await open('third')
      assert.deepEqual(notReady(), [])
      await close()
      await assert.rejects(store.get('x'), (error: { code?: string }) => error.code === 'unavailable')
    })
  })
}
