import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterTopicMetadata } from './client.ts'
import { faultsOf } from './topic-job.ts'

const job = { replicationFactor: 3, minInsyncReplicas: 2 }
const found = (partitions: number, replicas: number) =>
  ({
    partitions: Array.from({ length: partitions }, () => ({ replicas: Array.from({ length: replicas }, (_, n) => n) })),
  }) as unknown as ClusterTopicMetadata

test('a topic as the contract says, or with more copies, has no fault', () => {
  assert.deepEqual(faultsOf({ name: 't', partitions: 6 }, found(6, 3), 2, job), [])
  assert.deepEqual(faultsOf({ name: 't', partitions: 6 }, found(6, 5), 3, job), [])
})

test('every fault of a topic is told', () => {
  assert.deepEqual(faultsOf({ name: 't', partitions: 6 }, found(12, 1), 1, job), [
    't has 12 partitions; the contract says 6',
    't has 1 replicas a partition; 3 are asked for',
    't has min.insync.replicas 1; 2 is asked for',
  ])
})
