import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createDispatch } from './dispatch.ts'
import { routes } from './routes.ts'

const dispatch = createDispatch(routes)

test('the README names each endpoint, and no other', () => {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
  const named = [...readme.matchAll(/`((?:GET|PUT|DELETE) \/[^`]*)`/g)].map((match) => match[1])
  assert.deepEqual(named.sort(), routes.map(({ method, path }) => `${method} ${path}`).sort())
})

test('a path finds its route and its parameters, decoded', () => {
  const cases = [
    ['GET', '/v1/kv/a/b%20c/', '/v1/kv/*key', { key: 'a/b c/' }],
    ['GET', '/v1/kv/', '/v1/kv/*key', { key: '' }],
    ['PUT', '/v1/agent/check/pass/service%3Aweb', '/v1/agent/check/pass/:id', { id: 'service:web' }],
    ['GET', '/v1/agent/services', '/v1/agent/services', {}],
  ] as const
  for (const [method, path, expected, params] of cases) {
    const found = dispatch(method, path)
    assert.equal(found.kind, 'found', path)
    assert.equal(found.kind === 'found' && found.route.path, expected)
    assert.deepEqual(found.kind === 'found' && found.params, params)
  }
})

test('paths, methods and encodings that are not valid', () => {
  for (const path of [
    '/',
    '/v1',
    '/v1/kv',
    '/v1/agent/service',
    '/v1/agent/service/deregister/',
    '/v1/agent/services/x',
  ]) {
    assert.equal(dispatch('GET', path).kind, 'unknown path', path)
  }
  assert.deepEqual(dispatch('POST', '/v1/kv/x'), { kind: 'wrong method', allow: ['OPTIONS', 'GET', 'PUT', 'DELETE'] })
  assert.deepEqual(dispatch('PUT', '/v1/kv/%zz'), { kind: 'bad encoding' })
})
