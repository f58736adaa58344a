import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '@svyaz/kit'
import type { RequestBody } from '../request-body.ts'
import { requestHead } from './request-head.ts'

const none: RequestBody = { kind: 'none' }
const bytes: RequestBody = { kind: 'bytes', bytes: Buffer.from('hello') }
const stream = { kind: 'stream' } as RequestBody
const headOf = (method: string, body: RequestBody, headers: string[] = []) =>
  requestHead({ method, path: '/a?b=c', headers, body }, 'orders:80')
/** Lines that frame the message. */
const framing = (method: string, body: RequestBody, headers?: string[]) =>
  headOf(method, body, headers).text.split('\r\n').slice(2, -2)

test('a head is the request line, where it goes, and the fields', () => {
  const { text } = headOf('GET', none, ['accept', '*/*', 'x-text', '\xe9'])
  assert.equal(
    text,
    'GET /a?b=c HTTP/1.1\r\nhost: orders:80\r\nconnection: keep-alive\r\naccept: */*\r\nx-text: \xe9\r\n\r\n',
  )
})

test('what frames a message is the body that there is, whatever its headers claim', () => {
  assert.deepEqual(framing('GET', none), ['connection: keep-alive'])
  assert.deepEqual(framing('GET', none, ['content-length', '0']), ['connection: keep-alive'])
  assert.deepEqual(framing('POST', none), ['connection: keep-alive', 'content-length: 0'])
  assert.deepEqual(framing('POST', bytes, ['content-length', '7']), ['connection: keep-alive', 'content-length: 5'])
  assert.deepEqual(framing('POST', stream), ['connection: keep-alive', 'transfer-encoding: chunked'])
  assert.deepEqual(framing('POST', stream, ['content-length', '7']), ['connection: keep-alive', 'content-length: 7'])
  assert.equal(headOf('POST', stream, ['content-length', '7']).streamBytes, 7)
  assert.equal(headOf('POST', stream).streamBytes, undefined)
})

test('after HEAD, and after a body that nobody expects, the connection closes', () => {
  for (const [method, body] of [
    ['HEAD', none],
    ['GET', bytes],
    ['DELETE', stream],
  ] as const) {
    assert.equal(headOf(method, body).reusable, false)
    assert.ok(headOf(method, body).text.includes('\r\nconnection: close\r\n'))
  }
  assert.ok(headOf('DELETE', none).reusable)
  assert.ok(headOf('PATCH', bytes).reusable)
})

test('what would begin another line, or another request, is refused', () => {
  const requests: Parameters<typeof requestHead>[0][] = [
    { method: 'GET /x HTTP/1.1\r\nX:', path: '/', headers: [], body: none },
    { method: 'CONNECT', path: '/', headers: [], body: none },
    { method: '', path: '/', headers: [], body: none },
    ...['/a b', '/a\r\nX: y', '/a\n', '/\u010a', 'a', '', '*', 'http://other/'].map((path) => ({
      method: 'GET',
      path,
      headers: [],
      body: none,
    })),
    ...['a\r\nX: y', 'a\n', 'a\r', 'a\0', 'a\u010a', 'a\u560a'].map((value) => ({
      method: 'GET',
      path: '/',
      headers: ['x', value],
      body: none,
    })),
    ...['X', 'a b', 'a:', 'a\r\n', '', 'host', 'connection', 'transfer-encoding', 'upgrade', 'expect', 'te'].map(
      (name) => ({ method: 'GET', path: '/', headers: [name, 'a'], body: none }),
    ),
    ...['+1', '1,1', '', '1e1'].map((value) => ({
      method: 'POST',
      path: '/',
      headers: ['content-length', value],
      body: stream,
    })),
    { method: 'POST', path: '/', headers: ['content-length', '1', 'content-length', '1'], body: stream },
  ]
  for (const request of requests)
    assert.throws(
      () => requestHead(request, 'orders:80'),
      (error) => error instanceof Failure && error.code === 'invalid_request',
      JSON.stringify(request),
    )
})
