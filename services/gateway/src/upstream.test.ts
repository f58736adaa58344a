import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { Failure } from '@svyaz/kit'
import { Upstreams } from './upstream.ts'

test('a client that is gone before its request is passed on costs the service nothing', async () => {
  let asked = 0
  await using upstreams = new Upstreams()
  await using server = createServer((_request, response) => {
    asked += 1
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const ends: string[] = []
  const send = (signal: AbortSignal) =>
    upstreams.send(
      { id: 'orders-1', host: '127.0.0.1', ports: { http: port } } as never,
      { method: 'POST', path: '/', headers: [], body: { kind: 'none' } },
      new Writable({ write: (_chunk, _encoding, done) => done() }),
      { head: () => undefined, over: (outcome) => void ends.push(outcome) },
      { timeoutMs: 5_000, signal },
    )
  await send(new AbortController().signal)
  await assert.rejects(send(AbortSignal.abort()), (error) => error instanceof Failure && error.code === 'unavailable')
  assert.deepEqual([asked, ends], [1, ['ok', 'ok']])
})
