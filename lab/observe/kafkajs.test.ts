import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBroker } from '../../platform/broker/src/index.ts'
import kafkajs, { inTime, partWith } from './kafkajs.ts'

interface Queue {
  readonly pending: unknown[]
  readonly throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  destroy(): void
}

test('a queue has a timer while something waits in it, and none after it was destroyed', () => {
  const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js')
  const queue: Queue = new RequestQueue({
    clientId: 'quiet',
    broker: 'b:1',
    requestTimeout: 1_000,
    maxInFlightRequests: 0,
  })
  queue.checkPendingRequests()
  assert.equal(queue.throttleCheckTimeoutId, null)
  queue.pending.push({})
  queue.checkPendingRequests()
  assert.notEqual(queue.throttleCheckTimeoutId, null)
  queue.pending.pop()
  queue.destroy()
  queue.checkPendingRequests()
  assert.equal(queue.throttleCheckTimeoutId, null)
})

test('what the client never ends is left to itself', async () => {
  const never = new Promise<void>(() => undefined)
  await assert.rejects(inTime(never, 5), /not done within 0.005 s/)
  await partWith({ disconnect: () => never }, 5)
  await partWith({ disconnect: () => Promise.reject(new Error('no')) })
  await partWith(undefined)
  assert.equal(await inTime(Promise.resolve(7)), 7)
})

test('the client sets no timer for a moment that is past', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'svyaz-kafkajs-'))
  const warnings: string[] = []
  const warned = ({ name }: Error) => void warnings.push(name)
  process.on('warning', warned)
  try {
    await using broker = await startBroker({ directory, port: 0 })
    const client = new kafkajs.Kafka({ brokers: [`127.0.0.1:${broker.port}`], logLevel: kafkajs.logLevel.NOTHING })
    const admin = client.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'quiet', numPartitions: 1 }] })
    assert.deepEqual(await admin.listTopics(), ['quiet'])
    await admin.disconnect()
    assert.deepEqual(
      warnings.filter((name) => name.startsWith('Timeout')),
      [],
    )
  } finally {
    process.off('warning', warned)
    rmSync(directory, { recursive: true, force: true })
  }
})
