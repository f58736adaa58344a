import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const script = fileURLToPath(new URL('./full-disk.ts', import.meta.url))

test('a write that the disk refuses half-way leaves the file as it was, and smaller ones go on without a gap', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'full-disk-'))
  try {
    // `ulimit -f` counts blocks of 512 or 1024 bytes: 20 of them are between 2 × 1000 and 50000 bytes either way.
    const shell = `trap '' XFSZ; ulimit -f 20; exec "$0" "$1" "$2"`
    const { stdout } = await promisify(execFile)('sh', ['-c', shell, process.execPath, script, join(directory, 'file')])
    assert.deepEqual(JSON.parse(stdout), {
      answers: ['kept', 'kept', 'refused', 'kept', 'kept'],
      synced: [1, 2, 3, 4],
      kept: [1, 2, 3, 4],
      tornBytes: 0,
      sameLength: true,
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
