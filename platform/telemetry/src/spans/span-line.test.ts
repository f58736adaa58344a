import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exampleSpan, linkTo, spanIdOf } from '../../test/example-span.ts'
import type { Span } from './span.ts'
import { lineOf, spanOfLine } from './span-line.ts'

const full = exampleSpan(1, 2, {
  parentSpanId: spanIdOf(1),
  attributes: { 'order.id': 'o-1', list: [1, null, { a: true }] },
  status: { code: 'error', message: 'refused' },
  links: [linkTo(3, 4)],
  events: [{ name: 'e', timeUnixNano: '1', attributes: { n: 1 } }],
})

for (const [name, span] of Object.entries<Span>({
  'with everything': full,
  'with as little as may be': exampleSpan(1, 1),
}))
  test(`a span ${name} comes back from its line, and from a line of before`, () => {
    assert.deepEqual(spanOfLine(JSON.parse(lineOf(span))), span)
    assert.deepEqual(spanOfLine(JSON.parse(JSON.stringify(span))), span)
    assert.ok(lineOf(span).length < JSON.stringify(span).length * 0.75)
  })

test('a line that isn’t a span gives none', () => {
  for (const value of [null, 1, {}, [], [1, 2, 3], { ...full, links: 1 }]) assert.equal(spanOfLine(value), undefined)
})
