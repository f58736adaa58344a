import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asCurl, asGrpcurl, quoted } from './commands.ts'

test('nothing of a request is read by the shell', () => {
  assert.equal(quoted(`it's $HOME "x" \`y\``), `'it'\\''s $HOME "x" \`y\`'`)
})

test('a request as curl, with and without a token', () => {
  const request = { method: 'POST', path: '/orders', headers: { 'Idempotency-Key': 'k' }, body: { a: "b'c" } }
  assert.equal(
    asCurl('http://127.0.0.1:8080', request, false),
    [
      `curl -s -X POST 'http://127.0.0.1:8080/orders'`,
      `-H "authorization: Bearer $TOKEN"`,
      `-H 'idempotency-key: k'`,
      `-H 'content-type: application/json'`,
      `-d '{"a":"b'\\''c"}'`,
    ].join(' \\\n  '),
  )
  assert.equal(
    asCurl('http://h', { method: 'GET', path: '/products', headers: {} }, true),
    `curl -s 'http://h/products'`,
  )
})

test('a call as grpcurl names its file and its method', () => {
  const method = { name: 'a.B/C', file: 'b.proto', request: {}, answer: {}, kind: 'unary', open: true } as const
  assert.match(
    asGrpcurl('localhost:8443', method, { id: 1 }),
    /-proto b\.proto[\s\S]*-d '\{"id":1\}'[\s\S]*localhost:8443 a\.B\/C$/,
  )
})
