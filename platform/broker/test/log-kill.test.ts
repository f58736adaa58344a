/** Real processes, the real disk, kill -9 in mid-append. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { BATCH_HEADER_BYTES, encodeBatch, stampBatch } from '../src/log/batch-header.ts'
import type { Log } from '../src/log/log.ts'
import { openLog } from '../src/log/open.ts'

const TOPIC_ID = '0b8c1d2e-1111-4222-8333-444455556666'
const PRODUCERS = 8
const ROUNDS = 4
const WRITER = join(import.meta.dirname, 'log-writer-process.ts')

async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'svyaz-log-'))
  try {
    await use(join(directory, 'data'))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function open(directory: string): Promise<Log> {
  return openLog({
    directory,
    limits: { walSegmentBytesFirst: 128 * 1024 },
    onFatal: (error) => {
      throw error
    },
  })
}

/** Lets a writer acknowledge this many batches, kills it, and gives every acknowledgement it printed. */
async function writeAndKill(directory: string, prefix: string, acknowledgements: number): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, directory, String(PRODUCERS), prefix], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (lines.length === acknowledgements) child.kill('SIGKILL')
  }
  const [, signal] = await exited
  assert.equal(signal, 'SIGKILL')
  return lines
}

async function payloadAt(log: Log, partition: number, offset: bigint): Promise<string> {
  const [batch] = await log.read(TOPIC_ID, partition, offset, 1)
  return batch!.toString('latin1', BATCH_HEADER_BYTES).replace(/\.+$/, '')
}

test(`every acknowledged batch is there after kill -9 in mid-append, ${ROUNDS} rounds`, async () => {
  await withDirectory(async (directory) => {
    const acknowledged = new Map<string, string>()
    for (let round = 0; round < ROUNDS; round++) {
      for (const line of await writeAndKill(directory, `r${round}`, 300 + round * 700)) {
        const [partition, offset, payload] = line.split(' ')
        const key = `${partition} ${offset}`
        assert.equal(acknowledged.has(key), false, `${key} was given out twice`)
        acknowledged.set(key, payload!)
      }
      await using log = await open(directory)
      for (const [key, payload] of acknowledged) {
        const [partition, offset] = key.split(' ')
        assert.equal(await payloadAt(log, Number(partition), BigInt(offset!)), payload, `round ${round}, ${key}`)
      }
    }
  })
})

test('a live owner keeps the directory; one that was killed does not, nor does a former process with the same id', async () => {
  await withDirectory(async (directory) => {
    const log = await open(directory)
    await assert.rejects(open(directory), { name: 'DirectoryInUse' })
    const lock = join(directory, 'lock')
    const owner = JSON.parse(await readFile(lock, 'utf8')) as Record<string, unknown>
    await log[Symbol.asyncDispose]()
    await assert.rejects(readFile(lock), { code: 'ENOENT' })

    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    for (const stale of [
      { ...owner, pid: child.pid },
      { ...owner, startTicks: '1' },
      { ...owner, boot: 'earlier' },
    ]) {
      await writeFile(lock, JSON.stringify(stale))
      const taken = await open(directory)
      await taken[Symbol.asyncDispose]()
    }
  })
})

test('a clean stop and a start keep everything and take the log up where it ended', async () => {
  await withDirectory(async (directory) => {
    const write = async (log: Log, payload: string) => {
      const batch = encodeBatch(
        { lastOffsetDelta: 0, baseTimestamp: 1n, maxTimestamp: 1n, recordCount: 1 },
        Buffer.from(payload),
      )
      stampBatch(batch, log.stampOffset(TOPIC_ID, 0), 0)
      await log.append([{ kind: 'batch', topicId: TOPIC_ID, partition: 0, batch }])
    }
    for (let start = 0; start < 3; start++) {
      await using log = await open(directory)
      assert.equal(log.bounds(TOPIC_ID, 0).nextOffset, BigInt(start))
      await write(log, `start ${start}`)
      for (let i = 0; i <= start; i++) assert.equal(await payloadAt(log, 0, BigInt(i)), `start ${i}`)
    }
  })
})
