import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { cachesKept, cachesOf, removeOtherCaches } from './caches.ts'

function newCache(t: TestContext): string {
  const cache = mkdtempSync(join(tmpdir(), 'svyaz-caches-'))
  t.after(() => rmSync(cache, { recursive: true, force: true }))
  return cache
}

test('caches of the checkouts used last stay, this one among them', (t) => {
  const cache = newCache(t)
  const use = (root: string, nowMs: number) => {
    const caches = cachesOf(root, cache)
    mkdirSync(caches.bundles, { recursive: true })
    removeOtherCaches(caches, 0, nowMs)
    return basename(caches.folder)
  }
  const [a, b, c] = [use('/a', 1_000_000), use('/b', 2_000_000), use('/c', 3_000_000)]
  assert.equal(new Set([a, b, c]).size, 3)
  assert.deepEqual(readdirSync(cache).sort(), [b, c].sort())
  use('/b', 4_000_000)
  use('/a', 5_000_000)
  assert.deepEqual(readdirSync(cache).sort(), [a, b].sort())
  assert.equal(readdirSync(cache).length, cachesKept)
})

test('in a folder that others use too, what was used lately stays', (t) => {
  const cache = newCache(t)
  const ageMs = 60_000
  for (const [index, root] of ['/a', '/b', '/c', '/d'].entries())
    removeOtherCaches(cachesOf(root, cache), ageMs, 1_000_000 + index * 1_000)
  assert.equal(readdirSync(cache).length, 4)
  removeOtherCaches(cachesOf('/d', cache), ageMs, 2_000_000)
  assert.equal(readdirSync(cache).length, cachesKept)
})
