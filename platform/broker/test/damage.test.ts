/** One damaged batch on the disk: its partition says so, everything else is served. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { acceptLoss, findLoss } from '../src/accept-loss.ts'
import { handleFetch } from '../src/apis/fetch.ts'
import { handleListOffsets } from '../src/apis/list-offsets.ts'
import { handleProduce } from '../src/apis/produce.ts'
import { type Broker, startBroker } from '../src/index.ts'
import { encodeBatch, readBatchHeader } from '../src/log/batch-header.ts'
import { metricsText } from '../src/metrics.ts'
import { errorCode } from '../src/protocol/error-codes.ts'

const RECORDS = 200
/** Of the first record: segments with old records are closed early. */
const BASE_TIME = BigInt(Date.now())
const caller = { clientId: 'c', host: '/127.0.0.1', apiVersion: 12, hurry: new AbortController().signal }

interface Place extends AsyncDisposable {
  readonly directory: string
}

async function place(): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), 'svyaz-damage-'))
  return { directory: join(root, 'data'), [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) }
}

async function start(directory: string, lines: object[] = []): Promise<Broker> {
  const add = (level: string) => (msg: string, details?: object) => lines.push({ level, msg, ...details })
  const logger = { debug: add('debug'), info: add('info'), warn: add('warn'), error: add('error') }
  const logLimits = { walSegmentBytes: 64 * 1024, walSegmentBytesFirst: 16 * 1024, partitionSegmentBytes: 16 * 1024 }
  return startBroker({ port: 0, directory, logger, logLimits, defaultPartitions: 2 })
}

function batch(sequence: number, producerId = -1n): Buffer {
  const time = BASE_TIME + BigInt(sequence)
  const producer = producerId < 0n ? {} : { producerId, producerEpoch: 0, baseSequence: sequence }
  const fields = { lastOffsetDelta: 0, baseTimestamp: time, maxTimestamp: time, recordCount: 1, ...producer }
  return encodeBatch(fields, Buffer.alloc(300, sequence))
}

async function produce(broker: Broker, index: number, records: Buffer): Promise<number | undefined> {
  const request = { transactionalId: null, acks: -1, timeoutMs: 1_000 }
  const answer = await handleProduce(broker.parts, caller, {
    ...request,
    topicData: [{ name: 'orders', partitionData: [{ index, records: [records] }] }],
  } as never)
  return answer?.responses[0]?.partitionResponses[0]?.errorCode
}

/** Both partitions filled and in partition segments; the log closed. Gives the path of the oldest segment of partition 0. */
async function filled(directory: string): Promise<string> {
  const broker = await start(directory)
  const topic = await broker.parts.topics.create({ name: 'orders', partitions: 2, configs: [] })
  assert.ok('topicId' in topic)
  const { topicId } = topic
  for (let n = 0; n < RECORDS; n++) {
    for (const index of [0, 1]) assert.equal(await produce(broker, index, batch(n)), errorCode.NONE)
  }
  await broker[Symbol.asyncDispose]()
  const folder = join(directory, 'partitions', topicId, '0')
  return join(folder, (await readdir(folder)).filter((name) => name.endsWith('.seg')).sort()[0]!)
}

async function contentsOf(directory: string): Promise<string[]> {
  const names = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const texts = names.map(async ({ parentPath, name }) => {
    return `${join(parentPath, name)} ${(await readFile(join(parentPath, name))).toString('base64')}`
  })
  return (await Promise.all(texts)).sort()
}

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path)
  bytes[at]! ^= 4
  await writeFile(path, bytes)
}

async function fetchFrom(broker: Broker, offsets: readonly [bigint, bigint]) {
  const answer = await handleFetch(broker.parts, caller, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1 << 20,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [
      {
        topic: 'orders',
        topicId: '',
        partitions: offsets.map((fetchOffset, partition) => ({
          partition,
          fetchOffset,
          currentLeaderEpoch: -1,
          logStartOffset: -1n,
          partitionMaxBytes: 1 << 20,
        })),
      },
    ],
  } as never)
  return answer.responses[0]!.partitions.map(({ errorCode: code, records }) => ({
    code,
    firsts: (records ?? []).flatMap((buffer) => {
      const found: number[] = []
      for (let at = 0; at < buffer.length; at += readBatchHeader(buffer, at).sizeBytes)
        found.push(Number(readBatchHeader(buffer, at).baseOffset))
      return found
    }),
  }))
}

async function offsetAt(broker: Broker, timestamp: bigint) {
  const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp }] }]
  const answer = await handleListOffsets(broker.parts, caller, { replicaId: -1, isolationLevel: 0, topics } as never)
  return answer.topics[0]!.partitions[0]!
}

test('a damaged batch: its partition answers KAFKA_STORAGE_ERROR, the others and what is in front are served', async () => {
  await using at = await place()
  const segment = await filled(at.directory)
  const size = batch(0).length
  await flip(segment, 64 + 3 * size + 100)
  const lines: { msg?: string; file?: string; position?: number }[] = []
  await using broker = await start(at.directory, lines)
  const [before, other] = await fetchFrom(broker, [0n, 0n])
  assert.deepEqual(before, { code: errorCode.NONE, firsts: [0, 1, 2] })
  assert.equal(other!.code, errorCode.NONE)
  assert.ok(other!.firsts.length > 10)
  for (let again = 0; again < 3; again++) {
    const [damaged, beside] = await fetchFrom(broker, [3n, 5n])
    assert.deepEqual(damaged, { code: errorCode.KAFKA_STORAGE_ERROR, firsts: [] })
    assert.equal(beside!.firsts[0], 5)
  }
  const said = lines.filter(({ msg }) => msg?.includes('damaged'))
  assert.equal(said.length, 1, 'once per place')
  assert.deepEqual([said[0]!.file, said[0]!.position], [segment, 64 + 3 * size])
  const metric = `svyaz_broker_log_damaged_places{topic="orders",partition="0",file="${segment}",position="${64 + 3 * size}"} 1`
  assert.ok(metricsText(broker).includes(metric))
  assert.equal((await offsetAt(broker, -1n)).offset, BigInt(RECORDS))
  assert.equal((await offsetAt(broker, -2n)).offset, 0n)
  assert.equal(await produce(broker, 0, batch(0)), errorCode.NONE)
})

test('damage where not even headers can be read stops idempotent producers of that partition only', async () => {
  await using at = await place()
  const segment = await filled(at.directory)
  const size = batch(0).length
  await flip(segment, 64 + 3 * size + 16)
  await using broker = await start(at.directory)
  assert.equal(await produce(broker, 0, batch(0, 7n)), errorCode.KAFKA_STORAGE_ERROR)
  assert.equal(await produce(broker, 1, batch(0, 7n)), errorCode.NONE)
  assert.equal(await produce(broker, 1, batch(1, 7n)), errorCode.NONE)
  assert.equal((await offsetAt(broker, BASE_TIME + 150n)).errorCode, errorCode.NONE, 'its segment is sound')
  assert.equal((await offsetAt(broker, BASE_TIME + 5n)).errorCode, errorCode.KAFKA_STORAGE_ERROR)
})

test('--accept-loss passes over what is damaged, names it, and the next start serves the rest', async () => {
  await using at = await place()
  const segment = await filled(at.directory)
  const size = batch(0).length
  await flip(segment, 64 + 3 * size + 100)
  {
    await using _running = await start(at.directory)
    await assert.rejects(acceptLoss(at.directory), { name: 'DirectoryInUse' })
  }
  const before = await contentsOf(at.directory)
  const [foretold, ...more] = await findLoss(at.directory)
  assert.ok(
    foretold?.startsWith(`${segment}, byte ${64 + 3 * size}: `) && foretold.endsWith('/0, offsets 3..3 are lost'),
  )
  assert.deepEqual(more, [])
  assert.deepEqual(await contentsOf(at.directory), before, 'a look changes nothing')
  assert.deepEqual(await acceptLoss(at.directory), [
    `${segment}, byte ${64 + 3 * size}: records can not be read: orders/0, offsets 3..3 are lost`,
  ])
  assert.deepEqual(await acceptLoss(at.directory), [])
  assert.deepEqual(await findLoss(at.directory), [])
  assert.deepEqual(await findLoss(`${at.directory}-mistyped`), [])
  await assert.rejects(acceptLoss(`${at.directory}-mistyped`), { code: 'ENOENT' })
  await using broker = await start(at.directory)
  const [mended, other] = await fetchFrom(broker, [3n, 3n])
  assert.deepEqual([mended!.code, mended!.firsts[0], mended!.firsts[1]], [errorCode.NONE, 4, 5])
  assert.equal(other!.firsts[0], 3)
  assert.equal(await produce(broker, 0, batch(0, 7n)), errorCode.NONE)
})
