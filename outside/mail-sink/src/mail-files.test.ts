/** Mails that were accepted are there, or the start says which are not. */
import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { acceptLostMails, openMailFiles } from './mail-files.ts'

const limits = { fileBytesMax: 300, filesMax: 10 }
const broken = (error: unknown) => {
  throw error
}

async function temporary(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'mail-files-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

async function fill(directory: string, mails: number): Promise<string[]> {
  const files = await openMailFiles(directory, limits, () => {}, broken)
  for (let n = 0; n < mails; n++) {
    const envelope = { from: 'shop@example.org', to: ['ann@example.org'] }
    await files.append({ receivedAt: '2026-01-01T00:00:00.000Z', envelope, raw: `Subject: ${n}\r\n\r\ntext` }, () => {})
  }
  await files[Symbol.asyncDispose]()
  return (await readdir(directory)).filter((name) => name.endsWith('.ndjson')).sort()
}

async function numbers(directory: string): Promise<number[]> {
  const found: number[] = []
  const files = await openMailFiles(directory, limits, ({ sequence }) => found.push(sequence), broken)
  await files[Symbol.asyncDispose]()
  return found
}

test('a damaged file of mails, and one that is missing between others or at the end, are refused by name', async () => {
  await using directory = await temporary()
  const names = await fill(directory.path, 12)
  assert.ok(names.length >= 4)
  for (const name of names) {
    const path = join(directory.path, name)
    const whole = await readFile(path)
    const damaged = Buffer.from(whole)
    damaged[damaged.length - 20]! ^= 1
    await writeFile(path, damaged)
    await assert.rejects(numbers(directory.path), new RegExp(`${name}: line \\d \\(byte \\d+\\) is damaged`))
    await rm(path)
    await assert.rejects(numbers(directory.path), new RegExp(`${name} is missing`))
    await writeFile(path, whole)
  }
  // Without its mark too, a file in the middle is missed by the numbers on both sides.
  await rm(join(directory.path, names[1]!))
  await rm(join(directory.path, `${names[1]}.synced`))
  await assert.rejects(numbers(directory.path), new RegExp(`${names[1]} is missing`))
})

test('accepting the loss gives up what is damaged, says so, and the rest is there', async () => {
  await using directory = await temporary()
  const names = await fill(directory.path, 12)
  const whole = await numbers(directory.path)
  assert.deepEqual(await acceptLostMails(directory.path), [])
  const path = join(directory.path, names[1]!)
  const damaged = await readFile(path)
  damaged[3]! ^= 1
  await writeFile(path, damaged)
  const lost = await acceptLostMails(directory.path)
  assert.match(lost.join('\n'), /0 mails kept, \d+ bytes lost.*\nmails \d+ to \d+ are lost/)
  const left = await numbers(directory.path)
  assert.ok(left.length < whole.length && left.at(-1) === whole.at(-1), `${left}`)
})

test('only the owner may read mails, whatever the umask is and was', async () => {
  await using directory = await temporary()
  const before = process.umask(0)
  try {
    const folder = join(directory.path, 'mails')
    const names = await fill(folder, 6)
    for (const name of ['', ...names]) await chmod(join(folder, name), 0o777)
    await numbers(folder)
    for (const name of await readdir(folder)) assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name)
    assert.equal((await stat(folder)).mode & 0o777, 0o700)
  } finally {
    process.umask(before)
  }
})
