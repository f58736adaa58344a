import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appendAnswerHeaders, headersToForward } from './headers.ts'

test('nothing that a client says about identity or route goes on', () => {
  const claims = [
    'Authorization',
    'X-Forwarded-For',
    'x-forwarded-host',
    'X-FORWARDED-user',
    'Forwarded',
    'X-Real-IP',
    'X-Svyaz-Deadline-Ms',
    'x-svyaz-user',
    'X-Authenticated-Userid',
    'traceparent',
    'tracestate',
    'baggage',
    'X-B3-TraceId',
    'Via',
    'X-Original-URL',
    'X-HTTP-Method-Override',
    'X_Forwarded_For',
    'Host',
    'Expect',
  ]
  assert.deepEqual(
    headersToForward(
      claims.flatMap((name) => [name, 'evil']),
      undefined,
    ),
    [],
  )
})

test('hop-by-hop fields and those that Connection names end here (RFC 9110, 7.6.1)', () => {
  const raw = ['Connection', 'close, X-Secret', 'X-Secret', '1', 'TE', 'trailers', 'Upgrade', 'h2c', 'Accept', 'a/b']
  assert.deepEqual(headersToForward([...raw, 'Keep-Alive', '5', 'Proxy-Connection', 'x'], 'close, X-Secret'), [
    'accept',
    'a/b',
  ])
})

test('the rest goes on in its order, repeated fields too', () => {
  const raw = ['Accept', 'a', 'Cookie', 'x=1', 'accept', 'b', 'Idempotency-Key', 'k', 'Content-Length', '3']
  assert.deepEqual(headersToForward(raw, 'keep-alive'), [
    'accept',
    'a',
    'cookie',
    'x=1',
    'accept',
    'b',
    'idempotency-key',
    'k',
    'content-length',
    '3',
  ])
})

test('an answer loses what reveals the inside and keeps the rest', () => {
  const kept: string[] = []
  const said = appendAnswerHeaders(kept, {
    'content-type': 'a/b',
    'set-cookie': ['a=1', 'b=2'],
    server: 'x',
    'transfer-encoding': 'chunked',
    connection: 'keep-alive, x-inner',
    'x-inner': '1',
    'x-svyaz-instance': 'orders-1',
    'access-control-allow-origin': '*',
    'cache-control': 'max-age=5',
  })
  assert.deepEqual(kept, [
    'content-type',
    'a/b',
    'set-cookie',
    'a=1',
    'set-cookie',
    'b=2',
    'cache-control',
    'max-age=5',
  ])
  assert.equal(said.cacheControl, true)
})
