import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { ask, demand } from './http.ts'

async function server(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const listening = createServer(answer)
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => {
      listening.closeAllConnections()
      listening.close()
    },
  }
}

test('a path is sent as it is, even when it is not one', async () => {
  const seen: (string | undefined)[] = []
  using asked = await server((request, response) => {
    seen.push(request.url)
    response.end()
  })
  for (const path of ['/a/../b', '/%2e%2e/%', '']) await ask('GET', `${asked.url}${path}`)
  assert.deepEqual(seen, ['/a/../b', '/%2e%2e/%', '/'])
  // Node's own server refuses this one before anybody sees it.
  assert.equal((await ask('GET', `${asked.url}users`)).status, 400)
})

test('JSON comes as a value, what only claims to be JSON as text, and a refusal is shown', async () => {
  using asked = await server((request, response) => {
    response.writeHead(request.url === '/broken' ? 200 : 409, { 'content-type': 'application/problem+json' })
    response.end(request.url === '/broken' ? '{"half' : '{"code":"conflict"}')
  })
  assert.equal((await ask('GET', `${asked.url}/broken`)).body, '{"half')
  const answer = await ask('POST', asked.url, { body: {} })
  assert.deepEqual([answer.status, answer.body], [409, { code: 'conflict' }])
  await assert.rejects(demand(200, Promise.resolve(answer)), /^Error: 409 instead of 200: \{"code":"conflict"\}$/)
})

test('a GET on a kept connection that the server has closed is asked again; an answer that is late is not waited for', async () => {
  let count = 0
  using asked = await server((request, response) => {
    count++
    if (request.url === '/never') return
    if (count === 2) request.socket.destroy()
    else response.end('here')
  })
  assert.equal((await ask('GET', asked.url)).body, 'here')
  assert.equal((await ask('GET', asked.url)).body, 'here')
  assert.equal(count, 3)
  await assert.rejects(ask('GET', `${asked.url}/never`, { timeoutMs: 50 }), /no answer to GET .* in 0\.05 s/)
})
