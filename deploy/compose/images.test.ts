import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Digests, imagesIn, pinned } from './images.ts'

const compose = readFileSync(join(import.meta.dirname, '../../compose.yaml'), 'utf8')
const digests = JSON.parse(readFileSync(join(import.meta.dirname, 'images.lock.json'), 'utf8')) as Digests
const some = `sha256:${'ab'.repeat(32)}`

test('every image of others is found, with a version that is one', () => {
  const images = imagesIn(compose)
  assert.ok(images.includes('postgres:18.4') && images.includes('docker.angie.software/angie:1.12.2'))
  const named = [...compose.matchAll(/^ *image: (?!svyaz\/)(\S+)$/gm)].map((match) => match[1]?.split('@')[0])
  assert.deepEqual(images.toSorted(), [...new Set(named)].toSorted())
  for (const image of images) assert.doesNotMatch(image, /:latest$/)
})

test('a digest follows its tag everywhere, one that is gone from the lock goes, one that is none is refused', () => {
  const once = pinned(compose, { 'postgres:18.4': some })
  const lines = once.split('\n').filter((line) => /image: postgres:/.test(line))
  assert.ok(lines.length > 1)
  for (const line of lines) assert.ok(line.endsWith(`image: postgres:18.4@${some}`), line)
  assert.doesNotMatch(once, /svyaz\/[^\n]*@sha256/)
  assert.equal(pinned(once, { 'postgres:18.4': some }), once)
  assert.deepEqual(imagesIn(once), imagesIn(compose))
  assert.equal(pinned(once, digests), pinned(compose, digests))
  assert.throws(() => pinned(compose, { 'postgres:18.4': 'sha256:abc' }), /postgres:18\.4 has "sha256:abc"/)
})

test('the lock names only images that are used, and compose.yaml has the digests of the lock', () => {
  const images = imagesIn(compose)
  assert.deepEqual(
    Object.keys(digests).filter((image) => !images.includes(image)),
    [],
  )
  assert.equal(pinned(compose, digests), compose)
})
