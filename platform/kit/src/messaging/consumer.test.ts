import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topic } from '@svyaz/contracts/vocabulary.ts'
import { z } from 'zod'
import { testCore } from '../../test/core-fixture.ts'
import type { Subscription } from '../api.ts'
import { subscribe } from '../declare.ts'
import { encodeEvent } from './cloud-events.ts'
import { createConsumerSlots, createRecordHandler } from './consumer.ts'
import type { IncomingRecord, OutgoingRecord, Transport } from './transport.ts'

const parcels = topic({
  name: 'parcels',
  summary: 'Where parcels are',
  writer: 'delivery',
  readers: ['orders'],
  key: 'order id',
  partitions: 1,
  kind: 'event',
  events: { 'parcel.moved': z.strictObject({ place: z.string() }), 'parcel.lost': z.strictObject({}) },
})

/** A value that must not be looked at. */
const unread = new Proxy(Buffer.alloc(0), {
  get(_, name) {
    throw new Error(`the value was read (${String(name)})`)
  },
})

const recordOf = (type: string, value?: Buffer): IncomingRecord => {
  const at = '2026-01-01T00:00:00.000Z'
  const data = { place: 'here' }
  const stored = { id: 'e1', topic: 'parcels', type, key: 'o1', subject: 'o1', data, time: at, traceparent: undefined }
  const { headers, value: written } = encodeEvent(stored, '/delivery', undefined)
  return { topic: 'parcels', key: 'o1', value: value ?? written, headers, place: undefined }
}

function consumer(on: Parameters<typeof subscribe>[0]['on']) {
  const core = testCore()
  const letters: OutgoingRecord[] = []
  const transport = {
    system: 'test',
    send: async (records: readonly OutgoingRecord[]) => {
      letters.push(...records)
      return records.map(() => undefined)
    },
  } as unknown as Transport
  const subscriptions = [subscribe({ topic: parcels, group: 'orders', dedupe: 'none', on } as never) as Subscription]
  const handling = createRecordHandler(core, {
    group: 'orders',
    subscriptions,
    transport,
    database: undefined,
    slots: createConsumerSlots(1),
  })
  return {
    core,
    letters,
    handle: (record: IncomingRecord) =>
      handling.together([record], new AbortController().signal, { finished: () => undefined }),
  }
}

test('what nobody takes is passed unread, known or not', async () => {
  const { core, letters, handle } = consumer({ 'parcel.lost': async () => undefined } as never)
  await handle(recordOf('parcel.moved', unread))
  await handle(recordOf('parcel.eaten', unread))
  await handle(recordOf('toString', unread))
  assert.deepEqual(letters, [])
  assert.equal(core.counted('svyaz_messages_handled_total', { type: 'parcel.moved', outcome: 'skipped' }), 1)
  assert.equal(core.counted('svyaz_messages_handled_total', { type: 'parcel.eaten', outcome: 'unknown' }), 1)
})

test('what is taken is read, and a broken one is a dead letter', async () => {
  const seen: unknown[] = []
  const { letters, handle } = consumer({
    'parcel.moved': async ({ data }: { data: unknown }) => void seen.push(data),
  } as never)
  await handle(recordOf('parcel.moved'))
  await handle(recordOf('parcel.moved', Buffer.from('not JSON')))
  assert.deepEqual(seen, [{ place: 'here' }])
  assert.equal(letters.length, 1)
})

test('a record without a type is a dead letter still', async () => {
  const { letters, handle } = consumer({ 'parcel.moved': async () => undefined } as never)
  await handle({ ...recordOf('parcel.moved'), headers: {} })
  assert.equal(letters.length, 1)
})
