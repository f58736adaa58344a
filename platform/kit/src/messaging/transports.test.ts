import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { test } from 'node:test'
import { testCore } from '../../test/core-fixture.ts'

test('only the client of what carries the events is loaded', async () => {
  const loaded: string[] = []
  using hooks = new DisposableStack()
  hooks.adopt(
    registerHooks({
      load(url, context, next) {
        loaded.push(url)
        return next(url, context)
      },
    }),
    (registered) => registered.deregister(),
  )
  const kafka = () => loaded.some((url) => /kafka/.test(url))
  const { openMessaging } = await import('./messaging.ts')
  assert.ok(loaded.some((url) => url.endsWith('/messaging.ts')))
  const rabbitmq = testCore({ messages: 'rabbitmq', rabbitmqUrl: 'amqp://127.0.0.1:1' })
  await (await openMessaging(rabbitmq, { writes: [] })).close()
  assert.equal(kafka(), false)
  await (await openMessaging(testCore(), { writes: [] })).close()
  assert.equal(kafka(), true)
})
