import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isNotModified, nextLink } from './validation.ts'

describe('the link to the next page', () => {
  it('keeps the query and replaces the cursor', () => {
    assert.equal(
      nextLink('/orders?limit=5&cursor=old&q=a%26b', 'new/+'),
      '</orders?limit=5&cursor=new%2F%2B&q=a%26b>; rel="next"',
    )
  })
  it('adds a query where there was none', () =>
    assert.equal(nextLink('/orders', 'c'), '</orders?cursor=c>; rel="next"'))
})

describe('If-None-Match', () => {
  const cases: [string | undefined, string | undefined, boolean][] = [
    ['"7"', '7', true],
    ['W/"7"', '7', true],
    ['"1", "7"', '7', true],
    ['*', '7', true],
    ['"8"', '7', false],
    ['7', '7', false],
    [undefined, '7', false],
    ['"7"', undefined, false],
    ['*', undefined, false],
  ]
  for (const [header, version, expected] of cases)
    it(`${header} against ${version}`, () => assert.equal(isNotModified(header, version), expected))
})
