/** What is missing or damaged is told from what a crash cut short: the first is refused by name, the second dropped. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBatchHeader } from './batch-header.ts'
import { DamagedLog } from './errors.ts'
import type { Log, Loss } from './log.ts'
import { mulberry32, SimulatedDisk } from './simulated-disk.ts'
import { fill, open, readAll, TOPIC_A } from './simulated-log.ts'

/** The bytes of a write-ahead file that belong to units; what pads them to the next sector holds nothing. */
function unitBytesOf(bytes: Buffer): number[] {
  const found: number[] = []
  for (let at = 512; bytes.readUInt32BE(at) === 0x53565955; ) {
    const length = 32 + bytes.readUInt32BE(at + 24)
    for (let i = 0; i < length; i++) found.push(at + i)
    at += Math.ceil(length / 512) * 512
  }
  return found
}

test('a flipped bit in an acknowledged unit is refused with file, byte and what it held, the last unit too', async () => {
  for (const unit of [0, 3, 5]) {
    const disk = new SimulatedDisk({ seed: 13 })
    const log = await open(disk)
    await fill(log, 6)
    await disk.settled()
    disk.crash(false)
    const wal = disk.paths().find((path) => path.endsWith('00001.wal'))!
    disk.bytesOf(wal)[512 * (1 + unit) + 200]! ^= 4
    await assert.rejects(open(disk), (error: unknown) => {
      assert.ok(error instanceof DamagedLog)
      assert.equal(error.file, wal)
      assert.equal(error.position, 512 * (1 + unit))
      assert.ok(error.message.includes(`${TOPIC_A}/0 offsets ${unit * 2}..${unit * 2 + 1}`), error.message)
      return true
    })
  }
})

test('acknowledged units overwritten with zeros at the end of the log are refused', async () => {
  const disk = new SimulatedDisk({ seed: 16 })
  const log = await open(disk)
  await fill(log, 6)
  await disk.settled()
  disk.crash(false)
  const wal = disk.paths().find((path) => path.endsWith('00001.wal'))!
  disk.bytesOf(wal).fill(0, 512 * 4)
  await assert.rejects(open(disk), { name: 'DamagedLog', file: wal, position: 512 * 4 })
})

test('a file that another one names is missed at the start: log segments, the mark, the checkpoint, a partition segment', async () => {
  for (const [missing, batches, power] of [
    ['.wal', 3, false],
    ['.wal', 3, true],
    ['.wal', 200, true],
    ['/synced', 3, true],
    ['/checkpoint', 3, true],
    ['.seg', 200, true],
  ] as const) {
    const disk = new SimulatedDisk({ seed: 17 })
    const log = await open(disk)
    await fill(log, batches)
    await log.checkpoint()
    await fill(log, 1)
    disk.crash(power)
    const gone = disk.paths().filter((path) => path.endsWith(missing))
    assert.ok(gone.length > 0)
    for (const path of gone) disk.removeForGood(path)
    await assert.rejects(open(disk), (error: unknown) => {
      assert.ok(error instanceof DamagedLog)
      assert.ok(gone.includes(error.file), `${error.file} was not among ${gone}`)
      assert.match(error.message, / is missing: /)
      return true
    })
  }
})

test('everything but the mark gone is not an empty log', async () => {
  const disk = new SimulatedDisk({ seed: 18 })
  const log = await open(disk)
  await fill(log, 3)
  await log[Symbol.asyncDispose]()
  for (const path of disk.paths()) if (!path.endsWith('/synced')) disk.removeForGood(path)
  await assert.rejects(open(disk), { name: 'DamagedLog', file: '/data/checkpoint', position: null })
})

test('a directory written before there was a mark is opened and gets one', async () => {
  const disk = new SimulatedDisk({ seed: 19 })
  const log = await open(disk)
  const written = await fill(log, 20)
  await log[Symbol.asyncDispose]()
  disk.removeForGood('/data/synced')
  // Version 1 has the same layout; the version isn't under the checksum.
  disk.bytesOf('/data/checkpoint').writeUInt16BE(1, 8)
  const again = await open(disk)
  assert.deepEqual([...(await readAll(again, TOPIC_A, 0)).values()], written)
  disk.crash(true)
  assert.equal(disk.bytesOf('/data/checkpoint').readUInt16BE(8), 2)
  assert.ok(disk.paths().includes('/data/synced'))
  const third = await open(disk)
  assert.deepEqual([...(await readAll(third, TOPIC_A, 0)).values()], written)
})

test('one damaged slot of the mark is borne, two are refused', async () => {
  const disk = new SimulatedDisk({ seed: 20 })
  const log = await open(disk)
  await fill(log, 3)
  await log[Symbol.asyncDispose]()
  disk.bytesOf('/data/synced')[40]! ^= 1
  const again = await open(disk)
  assert.equal(again.bounds(TOPIC_A, 0).nextOffset, 6n)
  await again[Symbol.asyncDispose]()
  disk.bytesOf('/data/synced')[40]! ^= 1
  disk.bytesOf('/data/synced')[512 + 40]! ^= 1
  await assert.rejects(open(disk), { name: 'DamagedLog', file: '/data/synced' })
})

test('any flip in an acknowledged unit of the log is refused after a kill, whatever the seed', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = mulberry32(seed)
    const disk = new SimulatedDisk({ seed })
    const log = await open(disk)
    await fill(log, 1 + Math.floor(random() * 12))
    await disk.settled()
    disk.crash(false)
    const wal = disk.paths().find((path) => path.endsWith('00001.wal'))!
    const bytes = disk.bytesOf(wal)
    const used = unitBytesOf(bytes)
    bytes[used[Math.floor(random() * used.length)]!]! ^= 1 << Math.floor(random() * 8)
    await assert.rejects(open(disk), { name: 'DamagedLog' }, `seed ${seed}`)
  }
})

test('damage below what a checkpoint contains is refused even at the very end of the log', async () => {
  const disk = new SimulatedDisk({ seed: 14 })
  const log = await open(disk)
  await fill(log, 6)
  await log[Symbol.asyncDispose]()
  const wal = disk.paths().find((path) => path.endsWith('00001.wal'))!
  disk.bytesOf(wal)[512 * 6 + 100]! ^= 4
  await assert.rejects(open(disk), DamagedLog)
})

test('a flipped bit in a partition segment or in the checkpoint is refused', async () => {
  const disk = new SimulatedDisk({ seed: 15 })
  const log = await open(disk)
  await fill(log, 200)
  await log[Symbol.asyncDispose]()
  const segment = disk
    .paths()
    .filter((path) => path.endsWith('.seg'))
    .sort()[0]!
  disk.bytesOf(segment)[64 + 80]! ^= 1
  const again = await open(disk)
  await assert.rejects(readAll(again, TOPIC_A, 0), { name: 'DamagedLog', file: segment, position: 64 })
  await again[Symbol.asyncDispose]()
  disk.bytesOf('/data/checkpoint')[90]! ^= 1
  await assert.rejects(open(disk), { name: 'DamagedLog', file: '/data/checkpoint' })
})

test('a crash before any operation of a first start, a few appends, a second start leaves a log that opens', async () => {
  const trace = async (disk: SimulatedDisk, acknowledged: { count: number }) => {
    for (let start = 0; start < 2; start++) {
      const log = await open(disk)
      for (let i = 0; i < 16; i++) {
        await fill(log, 1)
        acknowledged.count++
      }
      await log[Symbol.asyncDispose]()
    }
  }
  const whole = new SimulatedDisk({ seed: 21 })
  await trace(whole, { count: 0 })
  for (const power of [false, true]) {
    for (let at = 1; at <= whole.operations; at++) {
      const disk = new SimulatedDisk({ seed: at, crashAtOperation: at })
      const acknowledged = { count: 0 }
      await Promise.race([trace(disk, acknowledged), disk.whenCrashed()])
      disk.crash(power)
      const log = await open(disk).catch((cause: Error) => {
        throw new Error(`crash before operation ${at}, power ${power}: ${cause.message}`, { cause })
      })
      const { size } = await readAll(log, TOPIC_A, 0)
      assert.ok(size >= acknowledged.count, `operation ${at}: ${size} of ${acknowledged.count}`)
    }
  }
})

/** Opens with the operator's word, stores what is left, and gives what was lost; then the log opens as any other. */
async function accept(disk: SimulatedDisk): Promise<Loss[]> {
  const losses: Loss[] = []
  const log = await open(disk, { acceptLoss: (loss) => losses.push(loss) })
  await log.checkpoint()
  await log[Symbol.asyncDispose]()
  return losses
}

/** Offsets of batches that can be read, gaps passed over. */
async function readable(log: Log): Promise<bigint[]> {
  const found: bigint[] = []
  for (let offset = 0n; ; ) {
    const [first] = await log.read(TOPIC_A, 0, offset, 1)
    if (first === undefined) return found
    const { baseOffset, lastOffset } = readBatchHeader(first)
    found.push(baseOffset)
    offset = lastOffset + 1n
  }
}

const pathsOf = (disk: SimulatedDisk, ending: '.wal' | '.seg') =>
  disk
    .paths()
    .filter((path) => path.endsWith(ending))
    .sort()

const harms: Record<string, { harm: (disk: SimulatedDisk) => void; leftMin: number }> = {
  'a flip in the log': {
    harm: (disk) => {
      disk.bytesOf(pathsOf(disk, '.wal')[0]!)[512 * 3 + 200]! ^= 4
    },
    leftMin: 150,
  },
  'zeros at the end': {
    harm: (disk) => {
      disk.bytesOf(pathsOf(disk, '.wal').at(-1)!).fill(0, 512)
    },
    leftMin: 50,
  },
  'the log gone': {
    harm: (disk) => {
      for (const path of pathsOf(disk, '.wal')) disk.removeForGood(path)
    },
    leftMin: 50,
  },
  'the mark gone': { harm: (disk) => disk.removeForGood('/data/synced'), leftMin: 50 },
  'a segment gone': { harm: (disk) => disk.removeForGood(pathsOf(disk, '.seg')[1]!), leftMin: 50 },
  'a segment damaged twice': {
    harm: (disk) => {
      const segment = disk.bytesOf(pathsOf(disk, '.seg')[0]!)
      segment[64 + 80]! ^= 1
      segment[64 + 700]! ^= 1
    },
    leftMin: 150,
  },
  'a segment cut short': {
    harm: (disk) => {
      disk.bytesOf(pathsOf(disk, '.seg')[0]!).fill(0, 1000)
    },
    leftMin: 150,
  },
}

for (const [name, { harm, leftMin }] of Object.entries(harms))
  test(`accepted loss takes what is damaged and nothing else: ${name}`, async () => {
    const disk = new SimulatedDisk({ seed: 22 })
    const log = await open(disk)
    const written = await fill(log, 200)
    await disk.settled()
    disk.crash(false)
    harm(disk)
    const losses = await accept(disk)
    assert.ok(losses.length > 0)
    assert.deepEqual(await accept(disk), [], 'nothing is left to accept')
    const again = await open(disk)
    const end = again.bounds(TOPIC_A, 0).nextOffset
    const left = await readable(again)
    const lost = losses.flatMap(({ records }) => (records === undefined ? [] : [records]))
    for (const offset of written.map((_, i) => BigInt(i * 2)).filter((each) => each < end && !left.includes(each))) {
      const said = lost.some(({ first, last }) => offset >= first && offset <= last)
      assert.ok(said, `nobody said that ${offset} is lost`)
    }
    assert.ok(left.length >= leftMin, `${left.length} of 200 left`)
    await fill(again, 3)
    assert.deepEqual((await readable(again)).slice(-3), [end, end + 2n, end + 4n])
    await disk.settled()
    disk.crash(true)
    const third = await open(disk)
    assert.deepEqual((await readable(third)).slice(-3), [end, end + 2n, end + 4n], 'after a power cut')
  })
