import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nestsTooDeep } from '@svyaz/contracts/json.ts'
import { limits } from '@svyaz/contracts/primitives.ts'
import { jsonDepthMax, parseJson } from '@svyaz/stage'

test('processes with and without the kit have one rule for the depth of JSON', () => {
  assert.equal(jsonDepthMax, limits.jsonDepthMax)
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  const refuses = (text: string) => {
    try {
      parseJson(text)
      return false
    } catch {
      return true
    }
  }
  for (const text of [
    nested(jsonDepthMax),
    nested(jsonDepthMax + 1),
    nested(100_000),
    JSON.stringify({ a: nested(500), [nested(500)]: '\\"' }),
    `{"a":${nested(jsonDepthMax - 1)}}`,
    `{"a":${nested(jsonDepthMax)}}`,
    `[${'[],'.repeat(500)}0]`,
  ])
    assert.equal(refuses(text), nestsTooDeep(text), text.slice(0, 100))
})
