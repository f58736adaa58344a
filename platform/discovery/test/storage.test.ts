/** The journal on a real directory, with a disk that refuses when told to. */
import assert from 'node:assert/strict'
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import * as fileSystem from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Disk } from '../src/disk.ts'
import { type Journal, openJournal, readStored, StorageRefused } from '../src/journal.ts'
import { readMark } from '../src/journal-mark.ts'
import { defaultLimits, type Limits } from '../src/limits.ts'
import { silentLog } from '../src/log.ts'
import { step } from '../src/registry.ts'
import type { Event } from '../src/registry-event.ts'
import type { State } from '../src/state.ts'
import { decodeLine, encodeLine } from '../src/stored-lines.ts'
import { FakeClock } from './fake-clock.ts'
import { temporaryDirectory } from './processes.ts'

const facts = { name: 'node', address: '127.0.0.1', datacenter: 'dc1' }

interface Stored {
  state: State
  readonly journal: Journal
  readonly clock: FakeClock
  apply(event: Event): void
}

async function openStored(directory: string, disk: Disk = fileSystem, limits: Limits = defaultLimits): Promise<Stored> {
  const clock = new FakeClock()
  const { state, generation } = await readStored(directory, facts, silentLog)
  const stored: { state: State } = { state }
  const currentState = () => stored.state
  const journal = await openJournal({ directory, generation, currentState, limits, clock, log: silentLog, disk })
  return Object.assign(stored, {
    journal,
    clock,
    apply(event: Event) {
      const result = step(stored.state, event, 0, limits)
      stored.state = result.state
      for (const effect of result.effects) if (effect.kind === 'store') journal.append(effect.index, effect.rows)
    },
  })
}

const put = (key: string, value = 'eA=='): Event => ({ type: 'put key', key, value, flags: 0, cas: null })

/** What a process that dies now leaves behind. */
async function readAgain(directory: string): Promise<State> {
  return (await readStored(directory, facts, silentLog)).state
}

test('what is settled is read again, without a goodbye', async () => {
  using directory = temporaryDirectory()
  const stored = await openStored(directory.path)
  for (const key of ['a', 'b', 'c']) stored.apply(put(key))
  stored.apply({ type: 'delete keys', key: 'b', recurse: false, cas: null })
  await stored.journal.settled()
  const again = await readAgain(directory.path)
  assert.deepEqual([...again.keys], [...stored.state.keys])
  assert.deepEqual([...again.tombstones], [...stored.state.tombstones])
  assert.equal(again.index, stored.state.index)
  assert.equal(again.node.id, stored.state.node.id)
  await stored.journal[Symbol.asyncDispose]()
})

test('many changes at once share few syncs', async () => {
  using directory = temporaryDirectory()
  const stored = await openStored(directory.path)
  await Promise.all(
    Array.from({ length: 100 }, (_, number) => {
      stored.apply(put(`k${number}`))
      return stored.journal.settled()
    }),
  )
  assert.ok(stored.journal.syncs <= 3, `${stored.journal.syncs} syncs`)
  assert.equal((await readAgain(directory.path)).keys.size, 100)
  await stored.journal[Symbol.asyncDispose]()
})

test('a journal that has grown is folded into a snapshot, and only one generation stays', async () => {
  using directory = temporaryDirectory()
  const stored = await openStored(directory.path, fileSystem, { ...defaultLimits, journalBytesMax: 500 })
  for (let number = 0; number < 50; number++) {
    stored.apply(put(`k${number}`))
    await stored.journal.settled()
  }
  assert.ok(stored.journal.bytes < 1000)
  assert.equal(readdirSync(directory.path).filter((name) => name.startsWith('journal-')).length, 1)
  assert.equal((await readAgain(directory.path)).keys.size, 50)
  await stored.journal[Symbol.asyncDispose]()
})

test('a torn end is dropped; the changes before it are there', async () => {
  using directory = temporaryDirectory()
  const stored = await openStored(directory.path)
  stored.apply(put('kept'))
  await stored.journal.settled()
  appendFileSync(journalFile(directory.path), '01234567 {"i":99,"r":[["keys","half"')
  const again = await readAgain(directory.path)
  assert.deepEqual([...again.keys.keys()], ['kept'])
  await stored.journal[Symbol.asyncDispose]()
})

test('damage that no crash makes is refused with the file and the line', async () => {
  using directory = temporaryDirectory()
  const stored = await openStored(directory.path)
  for (const key of ['a', 'b', 'c']) stored.apply(put(key))
  await stored.journal.settled()
  const file = journalFile(directory.path)
  writeFileSync(file, readFileSync(file, 'utf8').replace('"b"', '"B"'))
  await assert.rejects(readAgain(directory.path), /journal-1\.log: line 2 is damaged/)
  await stored.journal[Symbol.asyncDispose]()
  const snapshot = join(directory.path, 'snapshot.json')
  writeFileSync(snapshot, readFileSync(snapshot, 'utf8').replace('"format":1', '"format":7'))
  await assert.rejects(readAgain(directory.path), /snapshot\.json is damaged/)
})

test('a flipped bit in any acknowledged line of the journal, the last too, and an end that is gone are refused', async () => {
  using directory = temporaryDirectory()
  const stored = await openStored(directory.path)
  for (const key of ['a', 'b', 'c']) stored.apply(put(key))
  await stored.journal.settled()
  await untilMarked(directory.path, stored.journal.bytes)
  const file = journalFile(directory.path)
  const whole = readFileSync(file)
  for (let at = 0; at < whole.length; at += 2) {
    const damaged = Buffer.from(whole)
    damaged[at]! ^= 1 << (at % 7)
    writeFileSync(file, damaged)
    await assert.rejects(readAgain(directory.path), /journal-1\.log: line \d .*is damaged/, `byte ${at}`)
  }
  writeFileSync(file, whole.subarray(0, whole.length - 50))
  await assert.rejects(readAgain(directory.path), /bytes were acknowledged/)
  writeFileSync(file, Buffer.concat([whole.subarray(0, 20), Buffer.alloc(whole.length - 20)]))
  await assert.rejects(readAgain(directory.path), /bytes were acknowledged/)
  writeFileSync(file, whole)
  assert.equal((await readAgain(directory.path)).keys.size, 3)
  await stored.journal[Symbol.asyncDispose]()
})

test('journal, snapshot and mark name each other: without one the start is refused by its name', async () => {
  using directory = temporaryDirectory()
  const stored = await openStored(directory.path)
  stored.apply(put('a'))
  await stored.journal.settled()
  for (const [path, missing] of [
    [journalFile(directory.path), /journal-1\.log is missing/],
    [join(directory.path, 'snapshot.json'), /snapshot\.json is missing/],
    [join(directory.path, 'journal.synced'), /journal\.synced is missing/],
  ] as const) {
    const content = readFileSync(path)
    rmSync(path)
    await assert.rejects(readAgain(directory.path), missing)
    writeFileSync(path, content)
  }
  await stored.journal[Symbol.asyncDispose]()
})

test('data from before there was a mark is read', async () => {
  using directory = temporaryDirectory()
  const stored = await openStored(directory.path)
  stored.apply(put('a'))
  await stored.journal[Symbol.asyncDispose]()
  rmSync(join(directory.path, 'journal.synced'))
  const snapshot = join(directory.path, 'snapshot.json')
  const { mark, ...older } = decodeLine(readFileSync(snapshot, 'utf8').trimEnd()) as Record<string, unknown>
  assert.equal(mark, true)
  writeFileSync(snapshot, encodeLine(older))
  assert.equal((await readAgain(directory.path)).keys.size, 1)
})

test('a full disk refuses writers, takes them again by itself, and nothing accepted is lost', async () => {
  using directory = temporaryDirectory()
  let full = false
  const refuse = () => {
    if (full) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  }
  const disk: Disk = {
    ...fileSystem,
    open: async (...parameters: Parameters<typeof fileSystem.open>) => {
      refuse()
      const file = await fileSystem.open(...parameters)
      const datasync = file.datasync.bind(file)
      file.datasync = async () => {
        refuse()
        await datasync()
      }
      return file
    },
  }
  const stored = await openStored(directory.path, disk)
  stored.apply(put('before'))
  await stored.journal.settled()
  full = true
  stored.apply(put('during'))
  await assert.rejects(stored.journal.settled(), StorageRefused)
  assert.equal(stored.journal.healthy, false)
  await assert.rejects(stored.journal.settled(), StorageRefused)
  full = false
  const recovered = untilHealthy(stored.journal)
  stored.clock.advance(defaultLimits.storageRetryMs)
  await recovered
  stored.apply(put('after'))
  await stored.journal.settled()
  const again = await readAgain(directory.path)
  assert.deepEqual([...again.keys.keys()].sort(), ['after', 'before', 'during'])
  assert.equal(again.index, stored.state.index)
  await stored.journal[Symbol.asyncDispose]()
})

/** The mark is written behind the sync. */
async function untilMarked(directory: string, bytes: number): Promise<void> {
  while ((await readMark(directory))?.bytes !== bytes) await new Promise((resolve) => setImmediate(resolve))
}

async function untilHealthy(journal: Journal): Promise<void> {
  while (!journal.healthy) await new Promise((resolve) => setImmediate(resolve))
}

function journalFile(directory: string): string {
  return join(directory, readdirSync(directory).find((name) => name.startsWith('journal-'))!)
}
