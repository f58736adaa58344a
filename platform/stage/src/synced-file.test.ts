/** What a crash may leave is dropped, what was acknowledged and is damaged or gone is refused. */
import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { markPathOf } from './acknowledged-mark.ts'
import { encodeLine } from './checked-line.ts'
import { acceptLoss, openSyncedFile } from './synced-file.ts'

async function temporary(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'synced-file-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

const broken = (error: unknown) => {
  throw error
}

/** A file of this many acknowledged lines, as a process leaves it. */
async function written(path: string, lines: number): Promise<Buffer> {
  const { file } = await openSyncedFile(path, broken)
  for (let n = 1; n <= lines; n++)
    await file.append(
      () => encodeLine({ n }),
      () => {},
    )
  await file[Symbol.asyncDispose]()
  return readFile(path)
}

const valuesOf = async (path: string) => {
  const { file, values, tornBytes } = await openSyncedFile(path, broken)
  await file[Symbol.asyncDispose]()
  return { values, tornBytes }
}

test('a flipped bit anywhere in what was acknowledged is refused with line and byte, whatever the seed', async () => {
  await using directory = await temporary()
  const path = join(directory.path, 'ledger.ndjson')
  const whole = await written(path, 5)
  for (let at = 0; at < whole.length; at += 3) {
    const damaged = Buffer.from(whole)
    damaged[at]! ^= 1 << (at % 8)
    await writeFile(path, damaged)
    await assert.rejects(openSyncedFile(path, broken), /ledger\.ndjson: line \d \(byte \d+\) is damaged.*--accept-loss/)
  }
})

test('an acknowledged end that was cut off or overwritten with zeros is refused; a torn line behind it is dropped', async () => {
  await using directory = await temporary()
  const path = join(directory.path, 'ledger.ndjson')
  const whole = await written(path, 5)
  const line = whole.length / 5
  await writeFile(path, whole.subarray(0, 4 * line))
  await assert.rejects(openSyncedFile(path, broken), /it ends at byte \d+, but \d+ bytes were acknowledged/)
  await writeFile(path, Buffer.concat([whole.subarray(0, 3 * line), Buffer.alloc(2 * line)]))
  await assert.rejects(openSyncedFile(path, broken), /line 4 \(byte \d+\) is damaged/)
  for (let cut = 1; cut < line; cut++) {
    await writeFile(path, Buffer.concat([whole, whole.subarray(0, cut)]))
    assert.deepEqual((await valuesOf(path)).tornBytes, cut)
    assert.deepEqual(await readFile(path), whole)
  }
})

test('a file that is gone while its mark is there is missed; a damaged mark is refused too', async () => {
  await using directory = await temporary()
  const path = join(directory.path, 'ledger.ndjson')
  const whole = await written(path, 3)
  await rm(path)
  await assert.rejects(openSyncedFile(path, broken), /ledger\.ndjson is missing, and \d+ bytes of it were acknowledged/)
  await writeFile(path, whole)
  await writeFile(markPathOf(path), 'nonsense')
  await assert.rejects(openSyncedFile(path, broken), /ledger\.ndjson\.synced is damaged/)
})

test('a file from before there were marks is opened and gets one', async () => {
  await using directory = await temporary()
  const path = join(directory.path, 'ledger.ndjson')
  const whole = await written(path, 3)
  await rm(markPathOf(path))
  assert.equal((await valuesOf(path)).values.length, 3)
  await writeFile(path, whole.subarray(0, 10))
  await assert.rejects(openSyncedFile(path, broken), /is damaged/)
})

test('accepting the loss keeps what is good, puts the rest aside and changes nothing in a good file', async () => {
  await using directory = await temporary()
  const path = join(directory.path, 'ledger.ndjson')
  const whole = await written(path, 5)
  assert.equal(await acceptLoss(path), undefined)
  const line = whole.length / 5
  const damaged = Buffer.from(whole)
  damaged[2 * line + 3]! ^= 1
  await writeFile(path, damaged)
  const lost = await acceptLoss(path)
  assert.deepEqual([lost?.keptLines, lost?.keptBytes, lost?.lostBytes], [2, 2 * line, 3 * line])
  assert.deepEqual(await readFile(lost!.aside), damaged.subarray(2 * line))
  assert.deepEqual((await valuesOf(path)).values, [{ n: 1 }, { n: 2 }])
})

test('only the owner may read the file, its mark and its folder, also when they were there before', async () => {
  await using directory = await temporary()
  const folder = join(directory.path, 'kept')
  const path = join(folder, 'ledger.ndjson')
  const before = process.umask(0)
  try {
    await mkdir(folder)
    await written(path, 1)
    const modes = async () =>
      Promise.all([folder, path, markPathOf(path)].map(async (each) => ((await stat(each)).mode & 0o777).toString(8)))
    assert.deepEqual(await modes(), ['700', '600', '600'])
    for (const each of [folder, path, markPathOf(path)]) await chmod(each, 0o777)
    await written(path, 1)
    assert.deepEqual(await modes(), ['700', '600', '600'])
  } finally {
    process.umask(before)
  }
})

test('the mark is never ahead of the file', async () => {
  await using directory = await temporary()
  const path = join(directory.path, 'ledger.ndjson')
  const { file } = await openSyncedFile(path, broken)
  for (let n = 0; n < 20; n++) {
    await Promise.all(
      [1, 2, 3].map((each) =>
        file.append(
          () => encodeLine({ n, each }),
          () => {},
        ),
      ),
    )
    await using mark = await open(markPathOf(path), 'r')
    const { bytes } = JSON.parse((await mark.readFile('utf8')).trim()) as { bytes: number }
    assert.ok(bytes <= file.syncedBytes, `${bytes} of ${file.syncedBytes}`)
  }
  await file[Symbol.asyncDispose]()
})
