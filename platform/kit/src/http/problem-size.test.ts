import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '@svyaz/contracts/primitives.ts'
import { Failure } from '../failure.ts'
import { problemOf } from './problem.ts'

test('an answer names no more faults, in no more words, than the contract says', () => {
  const long = 'x'.repeat(100_000)
  const faults = Array.from({ length: 10_000 }, () => ({ in: 'body' as const, pointer: `/${long}`, detail: long }))
  const problem = problemOf(new Failure('invalid_request', long, { faults }), '0'.repeat(32))
  assert.equal(problem.errors?.length, limits.problemFaultsMax)
  const texts = [problem.detail, ...problem.errors.flatMap(({ pointer, detail }) => [pointer, detail])]
  assert.ok(texts.every((text) => text.length === limits.problemTextCharsMax))
})
