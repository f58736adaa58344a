import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DirectoryInUse, lockDirectory } from './directory-lock.ts'

/** A take-over of a dead owner's lock that was interrupted itself, this many seconds ago by the clock of now. */
const interrupted = async (secondsAgo: number) => {
  const directory = await mkdtemp(join(tmpdir(), 'svyaz-lock-'))
  await lockDirectory(directory)
  const lock = join(directory, 'lock')
  const owner = JSON.parse(await readFile(lock, 'utf8')) as object
  await writeFile(lock, JSON.stringify({ ...owner, pid: 2 ** 30, token: 'gone' }))
  const guard = join(directory, 'lock.taking-over')
  await mkdir(guard)
  const at = new Date(Date.now() - secondsAgo * 1000)
  await utimes(guard, at, at)
  return directory
}

test('a take-over that just began is left alone', async () => {
  const directory = await interrupted(0)
  await assert.rejects(lockDirectory(directory), DirectoryInUse)
  await rm(directory, { recursive: true })
})

for (const [what, secondsAgo] of [
  ['an hour ago', 3_600],
  ['in the future, before the clock was set back', -3_600],
] as const)
  test(`a take-over that was interrupted ${what} blocks nobody`, async () => {
    const directory = await interrupted(secondsAgo)
    const release = await lockDirectory(directory)
    await release()
    await rm(directory, { recursive: true })
  })
