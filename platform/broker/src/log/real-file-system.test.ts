import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLog } from './open.ts'
import { realFileSystem } from './real-file-system.ts'

const fail = (error: Error) => {
  throw error
}

test('only the owner may read records, whatever the umask is and was', {
  skip: process.platform === 'win32' ? 'no modes there' : false,
}, async () => {
  const root = await mkdtemp(join(tmpdir(), 'broker-modes-'))
  const before = process.umask(0)
  try {
    const directory = join(root, 'data')
    for (let start = 0; start < 2; start++) {
      const log = await openLog({ directory, onFatal: fail })
      await log.append([{ kind: 'internal', key: 'a', value: Buffer.from('1') }])
      assert.equal((await stat(join(directory, 'lock'))).mode & 0o777, 0o600)
      await log[Symbol.asyncDispose]()
      await realFileSystem.makeDirectory(join(directory, 'partitions', 'one'))
      const names = await readdir(directory, { recursive: true })
      assert.ok(names.length >= 5, names.join())
      for (const name of ['', ...names]) {
        const found = await stat(join(directory, name))
        assert.equal(found.mode & 0o777, found.isDirectory() ? 0o700 : 0o600, name)
      }
      // As an earlier version left the directories: what is in them can't be reached.
      await chmod(directory, 0o755)
    }
  } finally {
    process.umask(before)
    await rm(root, { recursive: true, force: true })
  }
})
