import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonDepthMax, nestsTooDeep } from './json-depth.ts'

const nested = (depth: number, open = '[', close = ']') => open.repeat(depth) + close.repeat(depth)

test('arrays and objects may nest as deep as the limit, and no deeper', () => {
  assert.equal(nestsTooDeep(nested(jsonDepthMax)), false)
  assert.equal(nestsTooDeep(nested(jsonDepthMax + 1)), true)
  assert.equal(nestsTooDeep(nested(jsonDepthMax + 1, '{"a":', '}')), true)
  assert.equal(nestsTooDeep(nested(1_000_000)), true)
})

test('what is beside each other is not deep, and brackets in strings are text', () => {
  assert.equal(nestsTooDeep(`[${'[],'.repeat(1_000)}[]]`, 2), false)
  assert.equal(nestsTooDeep(JSON.stringify({ a: '[[[[', 'b"[[[[': '\\"[[[[', c: '\\' }), 1), false)
  assert.equal(nestsTooDeep('{"a":"\\\\",', 1), false)
  assert.equal(nestsTooDeep('{"a\\"":[[', 2), true)
})
