/** Bodies both ways: gathered, streamed, too large, cut short. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import type { Problem } from '@svyaz/contracts/errors.ts'
import { until } from '../../../platform/kit/test/core-fixture.ts'
import { bearer, rawExchange, startGateway, startUpstream } from './gateway-fixture.ts'

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Answers the hash of the body, and whether it came in pieces of unknown length. */
const startHashing = async () => {
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of incoming) chunks.push(chunk)
    } catch {
      return
    }
    const body = Buffer.concat(chunks)
    response.end(JSON.stringify({ sha: sha(body), bytes: body.length, length: incoming.headers['content-length'] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    server,
    instance: { id: 'orders-1', host: '127.0.0.1', ports: { http: (server.address() as AddressInfo).port } },
  }
}

test('small, large and chunked bodies arrive whole', async (t) => {
  const { server, instance } = await startHashing()
  t.after(() => server.close())
  await using edge = await startGateway({ instances: { orders: [instance] } })
  for (const size of [1, 64 * 1024, 64 * 1024 + 1, 1024 * 1024]) {
    const body = randomBytes(size)
    const sent = await fetch(`${edge.base}/orders`, { method: 'POST', headers: bearer('alice-token'), body })
    assert.deepEqual(await sent.json(), { sha: sha(body), bytes: size, length: String(size) })
    const chunked = await fetch(`${edge.base}/orders`, {
      method: 'POST',
      headers: bearer('alice-token'),
      body: new ReadableStream({
        start(controller) {
          for (let at = 0; at < size; at += 100_000) controller.enqueue(body.subarray(at, at + 100_000))
          controller.close()
        },
      }),
      duplex: 'half',
    } as RequestInit)
    // A small one is gathered first, and its length is known then.
    const gathered = size <= 64 * 1024 ? { length: String(size) } : {}
    assert.deepEqual(await chunked.json(), { sha: sha(body), bytes: size, ...gathered })
  }
})

test('a body over 1 MiB is refused before it is read, or as soon as it is seen', async () => {
  await using orders = await startUpstream('orders-1')
  await using edge = await startGateway({ instances: { orders: [orders.instance] } })
  const head = 'POST /orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alice-token\r\n'
  const declared = await rawExchange(edge.port, `${head}Content-Length: 1048577\r\n\r\n`)
  assert.match(declared, /^HTTP\/1\.1 413 /)
  assert.match(declared, /connection: close/i)
  assert.match(declared, /"code":"body_too_large"/)

  const chunk = 'x'.repeat(65_536)
  const chunked = await rawExchange(
    edge.port,
    `${head}Transfer-Encoding: chunked\r\n\r\n${`10000\r\n${chunk}\r\n`.repeat(17)}`,
  )
  assert.match(chunked, /^HTTP\/1\.1 413 /)
  assert.equal(orders.seen.length, 0)
})

test('Expect: 100-continue is answered only when the body is wanted', async () => {
  await using orders = await startUpstream('orders-1')
  await using edge = await startGateway({ instances: { orders: [orders.instance] } })
  const head = (length: number, token: string) =>
    `POST /orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`
  const refused = await rawExchange(edge.port, head(3_000_000, 'alice-token'))
  assert.match(refused, /^HTTP\/1\.1 413 /)
  assert.match(
    await rawExchange(edge.port, head(2, 'stranger'), (text) => text.includes('traceId')),
    /^HTTP\/1\.1 401 /,
  )
  const wanted = await rawExchange(edge.port, head(2, 'alice-token'), (text) => text.includes('100 Continue'))
  assert.match(wanted, /^HTTP\/1\.1 100 Continue/)
})

test('a large answer flows through with back-pressure and arrives whole', async () => {
  const body = randomBytes(8 * 1024 * 1024)
  await using orders = await startUpstream('orders-1', (_request, response) => response.end(body))
  await using edge = await startGateway({ instances: { orders: [orders.instance] } })
  const answer = await fetch(`${edge.base}/orders`, { headers: bearer('alice-token') })
  assert.equal(sha(new Uint8Array(await answer.arrayBuffer())), sha(body))
})

test('HEAD, 204 and 304 pass without a body', async () => {
  await using orders = await startUpstream('orders-1', (incoming, response) => {
    if (incoming.method === 'DELETE') response.writeHead(204).end()
    else if (incoming.headers['if-none-match']) response.writeHead(304, { etag: '"1"' }).end()
    else response.writeHead(200, { 'content-length': '5' }).end(incoming.method === 'HEAD' ? undefined : 'hello')
  })
  await using edge = await startGateway({ instances: { orders: [orders.instance] } })
  const ask = (method: string, more = {}) =>
    fetch(`${edge.base}/orders/1`, { method, headers: { ...bearer('alice-token'), ...more } })
  const head = await ask('HEAD')
  assert.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '5', ''])
  assert.equal((await ask('DELETE')).status, 204)
  assert.equal((await ask('GET', { 'if-none-match': '"1"' })).status, 304)
  assert.equal(await (await ask('GET')).text(), 'hello')
})

test('a client that leaves ends the request behind the gateway', async () => {
  let aborted = false
  await using orders = await startUpstream('orders-1', (_incoming, response) => {
    response.once('close', () => {
      aborted = !response.writableFinished
    })
  })
  await using edge = await startGateway({ instances: { orders: [orders.instance] } })
  const leaving = request({ port: edge.port, path: '/orders', headers: bearer('alice-token') })
  leaving.on('error', () => undefined)
  leaving.end()
  await until('the service is asked', () => orders.seen.length === 1)
  leaving.destroy()
  await until('the service saw it end', () => aborted)
  await until('nothing is in flight', () => edge.running.inFlight() === 0)
  assert.equal(edge.core.counted('http_server_request_duration_seconds', { status: '499', route: '/orders' }), 1)
})

test('an answer that breaks off breaks off at the client too', async () => {
  await using orders = await startUpstream('orders-1', (_incoming, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('half')
    setImmediate(() => response.destroy())
  })
  await using edge = await startGateway({ instances: { orders: [orders.instance] } })
  const asked = request({ port: edge.port, path: '/orders', headers: bearer('alice-token') })
  asked.end()
  const [answer] = await once(asked, 'response')
  answer.resume()
  const [error] = await once(answer, 'error')
  assert.equal(error.code, 'ECONNRESET')
})

test('the gateway says what it can not pass on, when the body ends early', async () => {
  await using orders = await startUpstream('orders-1')
  await using edge = await startGateway({ instances: { orders: [orders.instance] } })
  const answer = await fetch(`${edge.base}/products/restock`, {
    method: 'POST',
    headers: { ...bearer('admin-token'), 'content-type': 'application/json' },
    body: '{"items":',
  })
  assert.equal(((await answer.json()) as Problem).code, 'invalid_json')
})

test('bodies that never come hold nobody up', async (t) => {
  const { server, instance } = await startHashing()
  t.after(() => server.close())
  await using edge = await startGateway({
    routes: [{ prefix: '/orders', service: 'orders', auth: 'none' }],
    settings: { requestsInFlightMax: 4 },
    instances: { orders: [instance] },
  })
  const slow = Array.from({ length: 12 }, (_, index) => {
    const socket = connect(edge.port, '127.0.0.1')
    socket.on('error', () => undefined)
    const length = index % 2 === 0 ? 'Content-Length: 9' : 'Transfer-Encoding: chunked'
    socket.write(`POST /orders HTTP/1.1\r\nHost: localhost\r\n${length}\r\n\r\n${index % 2 === 0 ? 'x' : '1\r\nx\r\n'}`)
    return socket
  })
  await until('all have begun', () => edge.running.inFlight() === slow.length)
  for (const body of ['one', 'two', 'three']) {
    const answer = await fetch(`${edge.base}/orders`, { method: 'POST', body })
    assert.equal(answer.status, 200)
  }
  for (const socket of slow) socket.destroy()
  await until('all are gone', () => edge.running.inFlight() === 0)
})
