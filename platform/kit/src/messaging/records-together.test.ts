import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IncomingRecord } from '../api.ts'
import { countedTogether } from './messaging.ts'

const record = (type?: string): IncomingRecord => ({
  topic: 'parcels',
  key: 'k',
  value: Buffer.alloc(0),
  headers: type === undefined ? {} : { ce_type: type },
  place: undefined,
})

test('records that were handled together are counted by type; those that were given up are not', async () => {
  const counts: unknown[] = []
  const buried = new WeakSet<IncomingRecord>()
  const broken = record('parcel.moved')
  const handle = countedTogether({ handled: (...count) => void counts.push(count) }, buried, async () => {
    buried.add(broken)
  })
  await handle([record('parcel.moved'), broken, record('parcel.moved'), record()], new AbortController().signal)
  assert.deepEqual(counts, [
    ['parcel.moved', 'done', 2],
    ['', 'done', 1],
  ])
})

test('a batch that failed counts for nothing', async () => {
  const counts: unknown[] = []
  const handle = countedTogether({ handled: (...count) => void counts.push(count) }, new WeakSet(), async () => {
    throw new Error('away')
  })
  await assert.rejects(async () => handle([record('parcel.moved')], new AbortController().signal), /away/)
  assert.deepEqual(counts, [])
})
