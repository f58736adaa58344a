import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isThere, readPath } from './json-path.ts'

const value = Buffer.from(
  JSON.stringify({
    status: 'paid',
    reason: null,
    total: { amountMinor: 9980 },
    items: [
      { productId: 'P-1', quantity: 2 },
      { productId: 'P-2', quantity: 1 },
    ],
  }),
)

test('a path finds members, elements, and any of the elements; without a value it asks only whether something is there', () => {
  const cases: readonly (readonly [text: string, there: boolean])[] = [
    ['status=paid', true],
    ['$.status = paid', true],
    ['status=pai', false],
    ['status', true],
    ['reason', true],
    ['reason=null', true],
    ['total.amountMinor=9980', true],
    ['total.amountMinor', true],
    ['total.amount', false],
    ['items[1].productId=P-2', true],
    ['items[0].productId=P-2', false],
    ['items[*].productId=P-2', true],
    ['items[*].productId=P-3', false],
    ['$.items[2]', false],
    ['status.length', false],
    ['constructor', false],
    ['items.length', false],
  ]
  for (const [text, there] of cases) assert.equal(isThere(readPath(text)!, value), there, text)
})

test('a value may have = and spaces in it', () => {
  assert.deepEqual(readPath('a.b=c=d e ')?.wanted, 'c=d e')
})

test('anything else is told apart from a path, and text that is not JSON has nothing', () => {
  for (const text of ['', '=', '$', 'a..b', 'a[', 'a[x]', 'a b', 'a.', `a${'.b'.repeat(30)}`, 'x'.repeat(501)])
    assert.equal(readPath(text), undefined, text)
  assert.equal(isThere(readPath('a')!, Buffer.from('{a')), false)
})
