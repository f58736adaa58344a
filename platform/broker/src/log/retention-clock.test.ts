/** Time retention with a wall clock that jumps: what is removed, on the simulated disk, minute by minute as the broker asks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RetentionClock } from './retention-clock.ts'
import { SimulatedDisk } from './simulated-disk.ts'
import { batchOf, open, stamped, TOPIC_A } from './simulated-log.ts'

const minuteMs = 60_000
const dayMs = 86_400_000
const retentionMs = 7 * dayMs
const start = Date.parse('2026-01-02T03:04:05.000Z')

/** A log with one record of its beginning, and the two clocks that it is told. */
const setUp = async (seed: number) => {
  const disk = new SimulatedDisk({ seed })
  const times = { wall: start, monotonic: 0 }
  const openAgain = async () => {
    const log = await open(disk, { clock: () => times.wall, monotonic: () => times.monotonic })
    log.setRetention(TOPIC_A, { retentionMs })
    return log
  }
  const log = await openAgain()
  await log.append([stamped(log, TOPIC_A, 0, batchOf('first', 1, start))])
  const pass = (ms: number) => {
    times.wall += ms
    times.monotonic += ms
  }
  return { log, times, pass, openAgain }
}
type Log = Awaited<ReturnType<typeof open>>
const isKept = async (log: Log) => {
  await log.enforceRetention()
  return log.bounds(TOPIC_A, 0).logStartOffset === 0n
}

for (const [name, jump] of [
  ['forward and back', 30 * dayMs],
  ['back and forward', -30 * dayMs],
] as const)
  test(`a wall clock that goes 30 days ${name} removes nothing early and keeps nothing for longer`, async () => {
    const { log, times, pass } = await setUp(21)
    await using _closed = log
    assert.ok(await isKept(log))
    times.wall += jump
    for (let minutes = 0; minutes < 60; minutes++) {
      pass(minuteMs)
      assert.ok(await isKept(log), `${minutes} minutes after the jump`)
      await log.append([stamped(log, TOPIC_A, 0, batchOf('new', 1, times.wall))])
    }
    times.wall -= jump
    pass(retentionMs - 2 * 60 * minuteMs)
    assert.ok(await isKept(log))
    // A look each minute, as the broker does: behind the wall clock by a minute at most.
    pass(60 * minuteMs)
    await log.enforceRetention()
    pass(minuteMs)
    assert.equal(await isKept(log), false)
  })

test('a jump that stays, or that was there before a start, leaves a record half of the time that it had', async () => {
  const { log, times, pass, openAgain } = await setUp(22)
  times.wall += 30 * dayMs
  assert.ok(await isKept(log))
  await log[Symbol.asyncDispose]()
  await using again = await openAgain()
  for (let days = 0; days < 3.5; days += 0.5) {
    assert.ok(await isKept(again), `${days} days after the jump`)
    pass(dayMs / 2)
  }
  pass(minuteMs)
  assert.equal(await isKept(again), false)
})

test('it is the wall clock as long as that only passes, and is never ahead of it', () => {
  const times = { wall: start, monotonic: 0 }
  const clock = new RetentionClock(
    () => times.wall,
    () => times.monotonic,
    start + dayMs,
  )
  for (const [wall, monotonic, expected] of [
    [start + 10, 10, start + 10],
    [start - dayMs, 20, start - dayMs],
    [start, 30, start],
    [start + dayMs, 40, start + 50],
    [start + dayMs, 40 + dayMs / 2, start + dayMs],
  ] as const) {
    Object.assign(times, { wall, monotonic })
    assert.equal(clock.now(), expected)
  }
})
