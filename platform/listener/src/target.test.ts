import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readTarget, targetCharsMax } from './target.ts'

describe('a request target', () => {
  for (const [raw, path, query] of [
    ['/', '/', ''],
    ['//', '//', ''],
    ['//evil.example/a', '//evil.example/a', ''],
    ['/a?b=c?d', '/a', 'b=c?d'],
    ['/?', '/', ''],
    ['/a\\b', '/a\\b', ''],
    ['*', '*', ''],
    ['http://somewhere', '/', ''],
    ['HTTP://somewhere:80/a?b', '/a', 'b'],
    ['http://somewhere?b', '/', 'b'],
  ] as const)
    it(`${raw} is read`, () => assert.deepEqual(readTarget(raw), { path, query }))

  for (const raw of ['', undefined, '\\', '\\\\', 'a', 'a:1', 'ftp://x/', 'http:', 'http://', '?a'])
    it(`${raw} is none`, () => assert.equal(readTarget(raw), undefined))

  it('has a length', () => {
    assert.notEqual(readTarget(`/${'a'.repeat(targetCharsMax - 1)}`), 'too long')
    assert.equal(readTarget(`/${'a'.repeat(targetCharsMax)}`), 'too long')
  })
})
