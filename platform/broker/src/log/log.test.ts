/** The log on the simulated disk: what it promises to its caller, and what survives. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBatchHeader, stampBatch } from './batch-header.ts'
import { InvalidAppend, LogFailed, OffsetOutOfRange, StorageFull } from './errors.ts'
import type { Durability, Log } from './log.ts'
import { mulberry32, SimulatedDisk } from './simulated-disk.ts'
import { batchOf, fill, open, readAll, SMALL, stamped, TOPIC_A, TOPIC_B } from './simulated-log.ts'

test('what was appended reads back, from memory, from the write-ahead log and from partition segments', async () => {
  const disk = new SimulatedDisk({ seed: 1 })
  await using log = await open(disk)
  const written = await fill(log, 300)
  await log.checkpoint()
  const found = await readAll(log, TOPIC_A, 0)
  assert.deepEqual([...found.values()], written)
  assert.deepEqual(log.bounds(TOPIC_A, 0), { logStartOffset: 0n, nextOffset: 600n })
  const [size] = [...log.sizes()]
  assert.ok(size!.segments > 2, `${size!.segments} segments`)
  assert.ok(log.stats().ringBytes <= SMALL.ringBytes!)
})

test('an offset inside a batch gives the whole batch, and one batch comes even above maxBytes', async () => {
  const disk = new SimulatedDisk({ seed: 2 })
  await using log = await open(disk)
  const written = await fill(log, 300)
  for (const i of [0, 7, 150, 298, 299]) {
    const [first] = await log.read(TOPIC_A, 0, BigInt(i * 2 + 1), 1)
    assert.deepEqual(first, written[i])
  }
  assert.deepEqual(await log.read(TOPIC_A, 0, 600n, 1000), [])
  assert.throws(() => log.read(TOPIC_A, 0, 601n, 1000), OffsetOutOfRange)
})

test('the tail is served synchronously', async () => {
  const disk = new SimulatedDisk({ seed: 3 })
  await using log = await open(disk)
  const written = await fill(log, 3)
  const tail = log.read(TOPIC_A, 0, 2n, 1 << 20)
  assert.deepEqual(tail, written.slice(1))
})

test('an append that was written at the wrong offset, or for no topic, changes nothing', async () => {
  const disk = new SimulatedDisk({ seed: 4 })
  await using log = await open(disk)
  await fill(log, 1)
  const wrong = batchOf('wrong')
  stampBatch(wrong, 9n, 0)
  const sound = stamped(log, TOPIC_A, 0, batchOf('sound'))
  await assert.rejects(
    log.append([sound, { kind: 'batch', topicId: TOPIC_B, partition: 0, batch: wrong }]),
    InvalidAppend,
  )
  await assert.rejects(
    log.append([{ kind: 'batch', topicId: 'orders', partition: 0, batch: batchOf('x') }]),
    InvalidAppend,
  )
  assert.equal(log.stampOffset(TOPIC_A, 0), 2n)
  await log.append([sound])
  assert.equal(log.bounds(TOPIC_A, 0).nextOffset, 3n)
})

test('listeners hear of growth after the sync and before the append resolves', async () => {
  const disk = new SimulatedDisk({ seed: 5 })
  await using log = await open(disk)
  const heard: string[] = []
  const stop = log.onDurable((changed) => heard.push(...changed, String(log.bounds(TOPIC_A, 0).nextOffset)))
  await log.append([stamped(log, TOPIC_A, 0, batchOf('one'))])
  assert.deepEqual(heard, [`${TOPIC_A}/0`, '1'])
  stop()
  await log.append([stamped(log, TOPIC_A, 0, batchOf('two'))])
  assert.equal(heard.length, 2)
})

test('appends that wait together share one unit and one sync', async () => {
  const disk = new SimulatedDisk({ seed: 6 })
  await using log = await open(disk)
  await Promise.all(Array.from({ length: 20 }, (_, i) => log.append([stamped(log, TOPIC_A, i % 3, batchOf(`m${i}`))])))
  assert.equal(log.stats().syncs, 1)
})

test('a restart brings back records, internal values, log starts and deletions', async () => {
  const disk = new SimulatedDisk({ seed: 7 })
  const log = await open(disk)
  const written = await fill(log, 120)
  await fill(log, 5, TOPIC_B)
  await log.append([{ kind: 'internal', key: 'group/a', value: Buffer.from('1') }])
  await log.append([
    { kind: 'internal', key: 'group/a', value: Buffer.from('2') },
    { kind: 'internal', key: 'group/b', value: Buffer.from('3') },
  ])
  await log.append([{ kind: 'internal', key: 'group/b', value: null }])
  await log.deleteBefore(TOPIC_A, 0, 101n)
  await log.deleteTopic(TOPIC_B)
  disk.crash(true)
  for (const stop of ['power cut', 'close', 'kill'] as const) {
    const again = await open(disk)
    assert.deepEqual([...again.internal()], [['group/a', Buffer.from('2')]])
    assert.deepEqual(again.bounds(TOPIC_A, 0), { logStartOffset: 101n, nextOffset: 240n })
    assert.deepEqual(again.bounds(TOPIC_B, 0), { logStartOffset: 0n, nextOffset: 0n })
    assert.deepEqual([...(await readAll(again, TOPIC_A, 0)).values()], written.slice(50))
    assert.throws(() => again.read(TOPIC_A, 0, 100n, 1), OffsetOutOfRange)
    assert.equal(
      disk.paths().some((path) => path.includes(TOPIC_B)),
      false,
    )
    if (stop === 'close') await again[Symbol.asyncDispose]()
    else disk.crash(stop === 'power cut')
  }
})

test('headers walks every batch; time look-ups find first and newest', async () => {
  const disk = new SimulatedDisk({ seed: 8 })
  await using log = await open(disk)
  await fill(log, 200)
  const offsets: bigint[] = []
  for await (const header of log.headers(TOPIC_A, 0, 11n)) offsets.push(header.baseOffset)
  assert.deepEqual(
    offsets,
    Array.from({ length: 195 }, (_, i) => BigInt(10 + i * 2)),
  )
  for (const i of [0, 1, 99, 198, 199]) {
    assert.deepEqual(await log.offsetForTimestamp(TOPIC_A, 0, BigInt(1000 + i)), {
      offset: BigInt(i * 2),
      timestamp: BigInt(1000 + i),
    })
  }
  assert.equal(await log.offsetForTimestamp(TOPIC_A, 0, 1200n), null)
  assert.deepEqual(await log.maxTimestamp(TOPIC_A, 0), { offset: 399n, timestamp: 1199n })
})

test('retention by size and by age moves the log start and removes files', async () => {
  const disk = new SimulatedDisk({ seed: 9 })
  let nowMs = 2000
  await using log = await open(disk, { clock: () => nowMs, monotonic: () => nowMs })
  await fill(log, 300)
  await log.checkpoint()
  const before = [...log.sizes()][0]!
  log.setRetention(TOPIC_A, { retentionBytes: 30_000 })
  await log.enforceRetention()
  const after = [...log.sizes()][0]!
  assert.ok(after.bytes >= 30_000 && after.bytes < before.bytes, `${before.bytes} became ${after.bytes}`)
  const { logStartOffset } = log.bounds(TOPIC_A, 0)
  assert.ok(logStartOffset > 0n)
  assert.equal((await readAll(log, TOPIC_A, 0)).size, 300 - Number(logStartOffset) / 2)
  nowMs = 10_000
  log.setRetention(TOPIC_A, { retentionMs: 1000 })
  await log.enforceRetention()
  assert.deepEqual(log.bounds(TOPIC_A, 0), { logStartOffset: 600n, nextOffset: 600n })
  assert.equal(
    disk.paths().some((path) => path.endsWith('.seg')),
    false,
  )
})

test('a full disk refuses batches, keeps reads and internal records, and resumes by itself', async () => {
  const disk = new SimulatedDisk({ seed: 10 })
  let nowMs = 0
  const said: unknown[] = []
  const hear = (_message: string, details?: Readonly<Record<string, unknown>>) => {
    if (details?.storage !== undefined) said.push(details.storage)
  }
  await using log = await open(disk, {
    clock: () => {
      nowMs += 1000
      return nowMs
    },
    logger: { info: hear, warn: hear },
  })
  const written = await fill(log, 10)
  disk.capacityBytes = disk.usedBytes()
  let refusal: unknown = null
  while (refusal === null) {
    const entry = stamped(log, TOPIC_A, 0, batchOf('more '.repeat(60)))
    await log.append([entry]).then(
      () => entry.kind === 'batch' && written.push(entry.batch),
      (error) => {
        refusal = error
      },
    )
  }
  assert.ok(refusal instanceof StorageFull, String(refusal))
  assert.equal(log.stats().storage, 'full')
  await log.append([{ kind: 'internal', key: 'offset', value: Buffer.from('7') }])
  assert.deepEqual([...(await readAll(log, TOPIC_A, 0)).values()], written)
  assert.equal(log.stampOffset(TOPIC_A, 0), log.bounds(TOPIC_A, 0).nextOffset)
  disk.capacityBytes = Number.POSITIVE_INFINITY
  written.push(...(await fill(log, 100)))
  assert.equal(log.stats().storage, 'ok')
  assert.deepEqual([...said.slice(0, 2), said.at(-1)], ['low', 'full', 'ok'])
  assert.ok(said.length < 6, `${said}`)
  assert.deepEqual([...(await readAll(log, TOPIC_A, 0)).values()], written)
})

test('a failed sync is fatal, told once, and nothing more is taken', async () => {
  const disk = new SimulatedDisk({ seed: 11 })
  const fatal: Error[] = []
  const log = await open(disk, { onFatal: (error) => fatal.push(error) })
  await fill(log, 2)
  disk.failSyncOf = '/wal/'
  await assert.rejects(log.append([stamped(log, TOPIC_A, 0, batchOf('lost'))]), LogFailed)
  await assert.rejects(log.append([stamped(log, TOPIC_A, 0, batchOf('after'))]), LogFailed)
  assert.equal(fatal.length, 1)
  assert.equal(log.bounds(TOPIC_A, 0).nextOffset, 4n)
})

test('two logs never share a directory', async () => {
  const disk = new SimulatedDisk({ seed: 12 })
  await using _log = await open(disk)
  await assert.rejects(open(disk), { name: 'DirectoryInUse' })
})

/**
 * The promise under crashes at any operation. A value read or acknowledged once stays; an append that wasn't acknowledged
 * may be there or not, but whole appends only, and once seen it stays too.
 */
async function surviveCrashes(seed: number, durability: Durability = 'sync'): Promise<void> {
  const random = mulberry32(seed)
  const disk = new SimulatedDisk({ seed })
  const trial = new Trial(random)
  for (let round = 0; round < 6; round++) {
    const fatal: Error[] = []
    disk.crashAtOperation = disk.operations + 20 + Math.floor(random() * 400)
    const run = async () => {
      const log = await open(disk, { onFatal: (error) => fatal.push(error), durability })
      for (const partition of [0, 1, 2]) await trial.verify(log, partition)
      await Promise.all([0, 1, 2].map((partition) => trial.produce(log, partition)))
    }
    await Promise.race([run(), disk.whenCrashed()])
    assert.deepEqual(fatal, [])
    disk.crash(random() < 0.7)
  }
  await using log = await open(disk)
  await trial.verifyAll(log)
}

/** What was acknowledged or read so far, over all crashes. */
class Trial {
  readonly #random: () => number
  /** By partition and offset: the one value for ever. */
  readonly #known = new Map<string, Buffer>()
  readonly #acknowledgedEnd = new Map<number, bigint>()
  #appendNumber = 0

  constructor(random: () => number) {
    this.#random = random
  }

  /** Appends until the disk crashes: then nothing resolves any more. */
  async produce(log: Log, partition: number): Promise<never> {
    for (;;) {
      const number = ++this.#appendNumber
      const batch = batchOf(`${number} `.repeat(1 + Math.floor(this.#random() * 200)), 1 + (number % 3))
      const entry = stamped(log, TOPIC_A, partition, batch)
      const value = Buffer.from(String(log.stampOffset(TOPIC_A, partition)))
      await log.append([entry, { kind: 'internal', key: `p${partition}`, value }])
      assert.ok(entry.kind === 'batch')
      const header = readBatchHeader(entry.batch)
      assert.ok(header !== null)
      this.#remember(partition, header.baseOffset, entry.batch)
      this.#acknowledgedEnd.set(partition, header.lastOffset + 1n)
    }
  }

  async verify(log: Log, partition: number): Promise<void> {
    const found = await readAll(log, TOPIC_A, partition)
    for (const [offset, batch] of found) this.#remember(partition, offset, batch)
    for (const key of this.#known.keys()) {
      const [p, offset] = key.split('/')
      if (Number(p) === partition) assert.ok(found.has(BigInt(offset!)), `${key} is lost`)
    }
    const { nextOffset } = log.bounds(TOPIC_A, partition)
    assert.ok(nextOffset >= (this.#acknowledgedEnd.get(partition) ?? 0n), `partition ${partition} is short`)
    // The counter is in the same unit as the newest batch, so both are there or neither.
    const counter = new Map(log.internal()).get(`p${partition}`)
    assert.equal(counter?.toString(), [...found.keys()].at(-1)?.toString())
    this.#acknowledgedEnd.set(partition, nextOffset)
  }

  async verifyAll(log: Log): Promise<void> {
    for (const [key, batch] of this.#known) {
      const [partition, offset] = key.split('/')
      const [first] = await log.read(TOPIC_A, Number(partition), BigInt(offset!), 1)
      assert.ok(first?.equals(batch), `${key} is lost or changed`)
    }
    assert.ok(this.#known.size > 0, 'nothing was acknowledged: the test proves nothing')
  }

  #remember(partition: number, offset: bigint, batch: Buffer): void {
    const key = `${partition}/${offset}`
    const before = this.#known.get(key)
    if (before !== undefined) assert.ok(before.equals(batch), `${key} changed its value`)
    this.#known.set(key, Buffer.from(batch))
  }
}

/** `node --test log.test.ts` runs these; for a long search change them here. */
const SEEDS = 60
const FIRST_SEED = 1

test(`acknowledged is recovered and every offset keeps one value, through crashes of ${SEEDS} seeds`, async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    await surviveCrashes(seed).catch((error: Error) => {
      throw new Error(`seed ${seed}: ${error.message}`, { cause: error })
    })
  }
})

/** Seeds that found a fault once. 1020: a file retired while the spare was being prepared took the spare's name. */
for (const seed of [1020]) {
  test(`crashes of seed ${seed}`, () => surviveCrashes(seed))
}

test('the same trial finds out a log that acknowledges before the sync', async () => {
  let caught = 0
  for (let seed = 1; seed <= 10; seed++) {
    await surviveCrashes(seed, 'os').catch(() => {
      caught++
    })
  }
  assert.ok(caught >= 5, `only ${caught} of 10 runs noticed`)
})
