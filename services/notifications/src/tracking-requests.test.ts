import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Requests } from './tracking-requests.ts'

const added = (...orderIds: string[]) => ({ value: { addOrderIds: orderIds, dropOrderIds: [] }, done: false })
const dropped = (...orderIds: string[]) => ({ value: { addOrderIds: [], dropOrderIds: orderIds }, done: false })

test('a stream says all that is followed, then each change, also one that comes while it waits', async () => {
  const requests = new Requests()
  requests.add('a')
  requests.add('b')
  const stream = requests.stream(new AbortController().signal)
  assert.deepEqual(await stream.next(), added('a', 'b'))
  requests.drop('a')
  requests.add('b')
  requests.drop('never')
  assert.deepEqual(await stream.next(), dropped('a'))
  const next = stream.next()
  requests.add('c')
  assert.deepEqual(await next, added('c'))
})

test('a new stream begins with what is followed by then, and repeats no change', async () => {
  const requests = new Requests()
  requests.add('a')
  const broken = new AbortController()
  const first = requests.stream(broken.signal)
  await first.next()
  const waits = first.next()
  broken.abort()
  assert.equal((await waits).done, true)
  requests.add('b')
  requests.drop('a')
  const second = requests.stream(new AbortController().signal)
  assert.deepEqual(await second.next(), added('b'))
  const next = second.next()
  requests.add('c')
  assert.deepEqual(await next, added('c'))
})

test('who waits for a parcel is woken by the first one, or by the end', async () => {
  const requests = new Requests()
  const { signal } = new AbortController()
  const waits = requests.wanted(signal)
  requests.add('a')
  await waits
  await requests.wanted(signal)
  requests.drop('a')
  const ending = new AbortController()
  const again = requests.wanted(ending.signal)
  ending.abort()
  await again
})
