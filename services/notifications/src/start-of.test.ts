import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startOf } from './start-of.ts'

const start = (query: string, last = 43) => startOf(new URLSearchParams(query), last)

test('from the first frame, after a frame, or from the present', () => {
  assert.equal(start(''), 0)
  assert.equal(start('cursor=0'), 0)
  assert.equal(start('cursor=12'), 12)
  assert.equal(start('cursor=43'), 43)
  assert.equal(start('from=now'), 43)
  assert.equal(start('cursor=0&from=now'), 43)
  assert.equal(start('cursor=12&from=now'), 12)
  assert.equal(start('', 0), 0)
})

for (const query of ['cursor=1e3', 'cursor=-1', 'cursor=1.0', 'cursor=', 'cursor=0x10', 'cursor=%201', 'from=then'])
  test(`${query} is refused`, () => assert.equal(typeof start(query), 'string'))

test('a cursor that no frame has yet is refused, and names the newest', () => {
  assert.match(String(start('cursor=99999')), /43/)
})
