import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testCore, until } from '../../test/core-fixture.ts'
import type { OutboxSource, StoredEvent } from '../api.ts'
import { eventBytesMax } from './outbox.ts'
import { createPublisher, splitByBytes } from './publisher.ts'
import type { OutgoingRecord, Transport } from './transport.ts'

const event = (id: string, bytes: number): StoredEvent => ({
  id,
  topic: 't',
  type: 't',
  key: 'k',
  subject: 'k',
  data: 'x'.repeat(bytes),
  time: '',
  traceparent: undefined,
})

test('splits what is unsent into requests below the limit, in order and losing none', () => {
  const half = eventBytesMax / 2
  const events = [event('1', 10), event('2', half), event('3', half), event('4', eventBytesMax), event('5', 1)]
  assert.deepEqual(
    splitByBytes(events).map((batch) => batch.map(({ id }) => id)),
    [['1', '2'], ['3'], ['4'], ['5']],
  )
  assert.deepEqual(splitByBytes([]), [])
})

/** An outbox in memory that says which trips were made, and a broker that takes nothing until it is told to. */
const bench = () => {
  const waiting: StoredEvent[] = []
  const trips: string[] = []
  const sent: string[][] = []
  const answers: PromiseWithResolvers<void>[] = []
  const read = () => [...waiting]
  const mark = (events: readonly StoredEvent[]) => {
    for (const { id } of events)
      waiting.splice(
        waiting.findIndex((row) => row.id === id),
        1,
      )
  }
  const source: OutboxSource = {
    pending: async () => {
      trips.push(`read ${waiting.length}`)
      return read()
    },
    markSent: async (events) => {
      trips.push(`mark ${events.length}`)
      mark(events)
    },
    markSentAndRead: async (events) => {
      mark(events)
      trips.push(`mark ${events.length}, read ${waiting.length}`)
      return read()
    },
    oldestAt: async () => undefined,
    whileLeader: (signal, work) => work(signal),
  }
  const transport = {
    system: 'test',
    async send(records: readonly OutgoingRecord[]) {
      const answer = Promise.withResolvers<void>()
      answers.push(answer)
      await answer.promise
      sent.push(records.map(({ key }) => key))
      return records.map(() => undefined)
    },
  } as unknown as Transport
  const publisher = createPublisher(testCore(), { source, transport })
  const commit = (...ids: string[]) => {
    waiting.push(...ids.map((id) => ({ ...event(id, 1), key: id })))
    publisher.committed()
  }
  return { trips, sent, answers, publisher, commit }
}

test('all that waits goes in one request, and is marked on the way to what came meanwhile', async () => {
  const { trips, sent, answers, publisher, commit } = bench()
  const stop = new AbortController()
  commit('1', '2', '3')
  const running = publisher.run(stop.signal)
  await until('the first request is under way', () => answers.length === 1)
  commit('4')
  commit('5')
  answers[0]?.resolve()
  await until('the second one too', () => answers.length === 2)
  answers[1]?.resolve()
  await until('the last are marked though nothing is committed any more', () => trips.length === 3)
  assert.deepEqual(sent, [
    ['1', '2', '3'],
    ['4', '5'],
  ])
  assert.deepEqual(trips, ['read 3', 'mark 3, read 2', 'mark 2, read 0'])
  stop.abort()
  await running
})

test('a publisher that is stopped marks what it has sent', async () => {
  const { trips, answers, publisher, commit } = bench()
  const stop = new AbortController()
  commit('1')
  const running = publisher.run(stop.signal)
  await until('the request is under way', () => answers.length === 1)
  stop.abort()
  answers[0]?.resolve()
  await running
  assert.deepEqual(trips, ['read 1', 'mark 1'])
})

test('what the broker refused is not marked, and is sent again in the same order', async () => {
  const { trips, sent, answers, publisher, commit } = bench()
  const stop = new AbortController()
  commit('1', '2')
  const running = publisher.run(stop.signal)
  await until('the request is under way', () => answers.length === 1)
  answers[0]?.reject(new Error('no leader'))
  await until('it is tried again', () => answers.length === 2)
  answers[1]?.resolve()
  await until('they are marked', () => trips.includes('mark 2, read 0'))
  assert.deepEqual(sent, [['1', '2']])
  stop.abort()
  await running
})
