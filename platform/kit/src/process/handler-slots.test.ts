import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../failure.ts'
import { systemClock } from './clock.ts'
import { createHandlerSlots } from './handler-slots.ts'

const never = new AbortController().signal
const slots = (atOnceMax: number, waitMsMax = 60_000) =>
  createHandlerSlots({ atOnceMax, waitMsMax, retryAfterSeconds: 1, clock: systemClock })

test('no more work at once than there are slots, in the order of coming', async () => {
  const { use } = slots(2)
  const doors = Array.from({ length: 5 }, () => Promise.withResolvers<void>())
  const begun: number[] = []
  const all = doors.map((door, index) =>
    use(never, () => {
      begun.push(index)
      return door.promise
    }),
  )
  await new Promise(setImmediate)
  assert.deepEqual(begun, [0, 1])
  for (const [index, door] of doors.entries()) {
    door.resolve()
    await all[index]
    await new Promise(setImmediate)
    assert.deepEqual(begun, [0, 1, 2, 3, 4].slice(0, Math.min(index + 3, 5)))
  }
})

test('one whose turn is too late is turned away untouched, and the next one still has its turn', async () => {
  const { use } = slots(1, 20)
  const door = Promise.withResolvers<void>()
  const first = use(never, () => door.promise)
  let touched = false
  await assert.rejects(
    use(never, async () => {
      touched = true
    }),
    (error) => error instanceof Failure && error.code === 'unavailable',
  )
  assert.equal(touched, false)
  door.resolve()
  await first
  assert.equal(await use(never, async () => 'answered'), 'answered')
})

test('who leaves while waiting gives its turn up', async () => {
  const { use } = slots(1)
  const door = Promise.withResolvers<void>()
  const first = use(never, () => door.promise)
  const caller = new AbortController()
  const second = use(caller.signal, async () => 'never')
  const third = use(never, async () => 'answered')
  const gone = new Error('gone')
  caller.abort(gone)
  await assert.rejects(second, gone)
  door.resolve()
  await first
  assert.equal(await third, 'answered')
})

test('a slot is held by the work itself, whether it fails or not', async () => {
  const { use } = slots(1)
  await assert.rejects(
    use(never, () => Promise.reject(new Error('broke'))),
    /broke/,
  )
  assert.equal(await use(never, async () => 'answered'), 'answered')
})

test('who would wait behind too many is turned away at once, with a time to come back', async () => {
  const { use } = createHandlerSlots({
    atOnceMax: 1,
    waitingMax: 1,
    waitMsMax: 60_000,
    retryAfterSeconds: 2,
    clock: systemClock,
  })
  const door = Promise.withResolvers<void>()
  const first = use(never, () => door.promise)
  const second = use(never, async () => 'answered')
  await assert.rejects(
    use(never, async () => 'never'),
    (error) => error instanceof Failure && error.code === 'unavailable' && error.retryAfterSeconds === 2,
  )
  door.resolve()
  await first
  assert.equal(await second, 'answered')
})
