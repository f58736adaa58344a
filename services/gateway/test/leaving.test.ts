/** A gateway that stops, as a balancer sees it that asks another one when this one doesn't answer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bearer, rawExchange, startGateway, startUpstream } from './gateway-fixture.ts'

const request = (method: string, balanced: boolean) =>
  `${method} /orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${bearer('alice-token').authorization}\r\n` +
  `${balanced ? 'X-Svyaz-Balanced: 1\r\n' : ''}Content-Length: 0\r\nConnection: close\r\n\r\n`

test('before its port closes, what a balancer can ask of another is let go of, and all else is answered', async () => {
  await using orders = await startUpstream('orders-1')
  await using edge = await startGateway({ instances: { orders: [orders.instance] } })
  const ask = (method: string, balanced: boolean) => rawExchange(edge.port, request(method, balanced))
  assert.match(await ask('GET', true), /^HTTP\/1\.1 200 /)
  const drained = edge.running.drain(5_000)
  const [balanced, changing, direct] = await Promise.all([ask('GET', true), ask('POST', true), ask('GET', false)])
  assert.equal(balanced, '')
  assert.match(changing, /^HTTP\/1\.1 200 /)
  assert.match(direct, /^HTTP\/1\.1 200 /)
  await drained
  await assert.rejects(ask('POST', true), /ECONNREFUSED/)
})

test('without a balancer its port closes at once', async () => {
  await using orders = await startUpstream('orders-1')
  await using edge = await startGateway({ instances: { orders: [orders.instance] } })
  assert.match(await rawExchange(edge.port, request('GET', false)), /^HTTP\/1\.1 200 /)
  void edge.running.drain(5_000)
  await assert.rejects(rawExchange(edge.port, request('GET', false)), /ECONNREFUSED/)
})
