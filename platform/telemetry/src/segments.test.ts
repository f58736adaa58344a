import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openSegments } from './segments.ts'

const limits = { segmentBytesMax: 1_000, segmentsMax: 5, pendingBytesMax: 10_000 }
const fault = (error: unknown) => {
  throw error
}

test('only the owner may read spans, whatever the umask is and was', async () => {
  const root = await mkdtemp(join(tmpdir(), 'segments-'))
  const before = process.umask(0)
  try {
    const folder = join(root, 'spans')
    for (let start = 0; start < 2; start++) {
      const segments = await openSegments(folder, limits, () => {}, fault)
      segments.append(['{"a":1}'])
      await segments[Symbol.asyncDispose]()
      const names = await readdir(folder)
      assert.equal(names.length, start + 1)
      for (const name of names) assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name)
      assert.equal((await stat(folder)).mode & 0o777, 0o700)
      for (const name of ['', ...names]) await chmod(join(folder, name), 0o777)
    }
  } finally {
    process.umask(before)
    await rm(root, { recursive: true, force: true })
  }
})
