/**
 * The child of log-kill.test.ts: appends to a log for as long as it lives and prints each acknowledged batch as
 * `partition offset payload`. Arguments: the directory, the number of producers, a prefix for payloads.
 */
import { writeSync } from 'node:fs'
import { encodeBatch, stampBatch } from '../src/log/batch-header.ts'
import { openLog } from '../src/log/open.ts'

const TOPIC_ID = '0b8c1d2e-1111-4222-8333-444455556666'
const [directory, producers, prefix] = process.argv.slice(2)

const log = await openLog({
  directory: directory!,
  limits: { walSegmentBytes: 1 << 20, walSegmentBytesFirst: 128 * 1024, partitionSegmentBytes: 256 * 1024 },
  onFatal: (error) => {
    throw error
  },
})

async function produce(partition: number): Promise<never> {
  for (let i = 0; ; i++) {
    const payload = `${prefix}-${partition}-${i}`
    const filling = Buffer.from(payload.padEnd(200 + ((i * 37) % 900), '.'))
    const batch = encodeBatch({ lastOffsetDelta: 0, baseTimestamp: 1n, maxTimestamp: 1n, recordCount: 1 }, filling)
    const offset = log.stampOffset(TOPIC_ID, partition)
    stampBatch(batch, offset, 0)
    await log.append([{ kind: 'batch', topicId: TOPIC_ID, partition, batch }])
    // Straight to the pipe: what console.log still holds would be lost with the process.
    writeSync(1, `${partition} ${offset} ${payload}\n`)
  }
}

await Promise.all(Array.from({ length: Number(producers) }, (_, partition) => produce(partition)))
