import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codingOf, pageAnswer } from './page-answer.ts'
import type { PageFile } from './page-files.ts'

const file: PageFile = {
  type: 'text/css; charset=utf-8',
  immutable: false,
  plain: { body: Buffer.from('body {}'), etag: '"plain"' },
  forms: new Map([
    ['br', { body: Buffer.from('b'), etag: '"br"' }],
    ['gzip', { body: Buffer.from('g'), etag: '"gzip"' }],
  ]),
}

test('the client’s weights choose the coding, then our order; what it refuses is never sent', () => {
  const ours = ['br', 'gzip'] as const
  const cases: [string, string][] = [
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['GZIP;Q=0.5, br;q=0.1', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['*', 'br'],
    ['*;q=0', 'identity'],
    ['br;q=0, *', 'gzip'],
    ['identity, br;q=0.5', 'identity'],
    ['deflate', 'identity'],
    ['', 'identity'],
    ['br;q=nonsense', 'identity'],
  ]
  for (const [accepted, coding] of cases) assert.equal(codingOf(accepted, ours), coding, accepted)
  assert.equal(codingOf('gzip, br', []), 'identity')
})

test('each form has its own tag, and caches are told that there are several', () => {
  for (const [accepted, coding, etag] of [
    ['br, gzip', 'br', '"br"'],
    ['gzip', 'gzip', '"gzip"'],
    ['', undefined, '"plain"'],
  ] as const) {
    const { status, headers } = pageAnswer(file, { 'accept-encoding': accepted })
    assert.equal(status, 200)
    assert.equal(headers['content-encoding'], coding)
    assert.equal(headers.etag, etag)
    assert.equal(headers.vary, 'accept-encoding')
  }
  assert.equal(pageAnswer({ ...file, forms: new Map() }, {}).headers.vary, undefined)
})

test('who holds the form is answered 304 without a body, who holds another form is not', () => {
  const asked = (tag: string) => pageAnswer(file, { 'accept-encoding': 'br', 'if-none-match': tag })
  for (const tag of ['"br"', 'W/"br"', '"old", "br"', '*']) {
    const { status, body, headers } = asked(tag)
    assert.deepEqual([status, body, headers.etag, headers['content-length']], [304, undefined, '"br"', undefined], tag)
  }
  for (const tag of ['"plain"', '', 'br']) assert.equal(asked(tag).status, 200, tag)
})
