import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testCore } from '../../../test/core-fixture.ts'
import type { IncomingRecord } from '../transport.ts'
import { consumerMetrics } from './metrics.ts'
import { createPortions } from './portion.ts'
import type { Read } from './read.ts'
import type { Work } from './work.ts'

const recordOf = (key: string): IncomingRecord => ({
  topic: 'parcels',
  key,
  value: Buffer.from('{}'),
  headers: {},
  place: undefined,
})

const workOf = (record: IncomingRecord): Work =>
  ({ record, event: { id: record.key, type: 'moved', time: new Date().toISOString() }, database: {} }) as Work

/** Records whose key begins with "broken" are; the others have a handler, and go alone or together. */
function portions(together: () => Promise<boolean>) {
  const core = testCore()
  const read: string[] = []
  const settled: string[] = []
  const buried: string[] = []
  const handling = createPortions(
    { core, group: 'orders', system: 'test', metrics: consumerMetrics(core, 'orders') },
    {
      read(record): Read {
        read.push(record.key)
        return record.key.startsWith('broken')
          ? { do: 'bury', record, broken: 'a test' }
          : { do: 'handle', record, work: workOf(record) }
      },
      together,
      settle: async (work) => void settled.push(work.record.key),
      giveUp: async (record) => void buried.push(record.key),
      gathers: true,
    },
  )
  const signal = new AbortController().signal
  /** As lane and turns do: what the turn leaves goes through its own partition. */
  const turn = async (partitions: readonly (readonly IncomingRecord[])[]) => {
    const counts = await handling.gathered!(partitions, signal)
    for (const [at, records] of partitions.entries()) {
      const left = records.slice(counts[at])
      if (left.length > 0) await handling.together(left, signal, { finished: () => undefined })
    }
  }
  const measured = () => core.counted('svyaz_receive_latency_seconds')
  return { read, settled, buried, turn, measured }
}

test('a record without company is read once, and its way measured once', async () => {
  const { read, settled, turn, measured } = portions(async () => true)
  await turn([[recordOf('a')]])
  assert.deepEqual([read, settled, measured()], [['a'], ['a'], 1])
})

test('a group that is undone leaves its records as they were read and measured', async () => {
  const { read, settled, turn, measured } = portions(async () => false)
  await turn([[recordOf('a'), recordOf('b')], [recordOf('c')]])
  assert.deepEqual([read, settled, measured()], [['a', 'b', 'c'], ['a', 'b', 'c'], 3])
})

test('what follows a broken record is not in the group, and is measured when its turn comes', async () => {
  const { read, settled, buried, turn, measured } = portions(async () => true)
  await turn([[recordOf('a'), recordOf('broken'), recordOf('b')], [recordOf('c')]])
  assert.deepEqual([read, settled, buried], [['a', 'broken', 'b', 'c'], ['b'], ['broken']])
  assert.equal(measured(), 3)
})
