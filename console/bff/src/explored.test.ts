import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changes, requestIn, shown, withoutTokens } from './explored.ts'

const asked = { method: 'GET', path: '/orders?userId=a', headers: {} }

test('a request is what its form may send, and nothing else', () => {
  assert.deepEqual(requestIn({ ...asked, headers: { 'If-Match': '"1"' }, body: { a: 1 } }), {
    ...asked,
    headers: { 'if-match': '"1"' },
    body: { a: 1 },
  })
  for (const wrong of [
    { ...asked, method: 'CONNECT' },
    { ...asked, path: 'http://elsewhere/' },
    { ...asked, path: '//elsewhere/' },
    { ...asked, path: '/a b' },
    { ...asked, path: '/a\r\nx: y' },
    { ...asked, headers: { authorization: 'Bearer x' } },
    { ...asked, headers: { host: 'x' } },
    { ...asked, headers: { accept: 'a\r\nb: c' } },
  ])
    assert.throws(() => requestIn(wrong), { code: 'invalid_request' }, JSON.stringify(wrong))
})

test('whatever isn’t read changes something, but for questions to the graph', () => {
  assert.equal(changes({ method: 'GET', path: '/orders' }), false)
  assert.equal(changes({ method: 'POST', path: '/orders' }), true)
  assert.equal(changes({ method: 'POST', path: '/graphql' }), false)
  assert.equal(changes({ method: 'POST', path: '/graphql/x' }), true)
})

test('an answer is shown with its trace and its size, without tokens and cookies', () => {
  const text = '{"accessToken":"secret", "refresh_token": "secret","userId":"a"}'
  assert.equal(withoutTokens(text), '{"accessToken":"…", "refresh_token": "…","userId":"a"}')
  const answer = { status: 200, headers: { 'x-trace-id': 'abc', 'set-cookie': ['secret'] }, text }
  assert.deepEqual(shown(answer, 3), {
    status: 200,
    headers: { 'x-trace-id': 'abc' },
    text: withoutTokens(text),
    bytes: text.length,
    ms: 3,
    traceId: 'abc',
  })
})
