import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Look } from '@svyaz/metrics'
import { looksDuring, openLoop } from './load.ts'
import { Stopped } from './step.ts'

const often = { perSecond: 1_000, total: 5 }
const never = new AbortController().signal
/** A load that nobody ended would be waited for for ever. */
const inTime = { timeout: 10_000 }

test('an open loop sends all that is due, whatever becomes of the first, and gives what came of each', async () => {
  const first = Promise.withResolvers<number>()
  const sent = openLoop(often, never, (n) => {
    if (n === often.total - 1) first.resolve(0)
    return n === 0 ? first.promise : Promise.resolve(n)
  })
  assert.deepEqual(await sent, [0, 1, 2, 3, 4])
})

test('an open loop that is to end sends no more, and waits for the answers that are under way', async () => {
  const ending = new AbortController()
  const sent = await openLoop(often, ending.signal, async (n) => {
    if (n === 2) ending.abort()
    return n
  })
  assert.deepEqual(sent, [0, 1, 2])
})

test('an open loop fails when one of those that it sent fails', async () => {
  const sent = openLoop(often, never, async (n) => {
    if (n === 1) throw new Error('refused')
  })
  await assert.rejects(sent, /refused/)
})

/** What is looked at: each look, and what happens at it. */
function looked(atEach: () => void = () => {}) {
  const asked = new AbortController()
  let looks = 0
  return {
    asked,
    outside: {
      stopping: asked.signal,
      goOn: () => {
        if (asked.signal.aborted) throw new Stopped()
      },
      scrape: async (): Promise<Look> => {
        atEach()
        return { atMs: looks++, pages: [] }
      },
    },
    looks: () => looks,
  }
}

/** Load that goes on until it is told to end. */
function endless() {
  let ended = false
  const load = (ending: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      ending.addEventListener('abort', () => {
        ended = true
        resolve()
      })
    })
  return { load, ended: () => ended }
}

test('what is under load is looked at while it lasts, and once at the end', async () => {
  const load = Promise.withResolvers<void>()
  const { outside } = looked(load.resolve)
  const looks = await looksDuring(outside, () => load.promise)
  assert.deepEqual(
    looks.map(({ atMs }) => atMs),
    [0, 1],
  )
})

test('a load ends, and is waited for, as soon as the proof is to end', inTime, async () => {
  const { asked, outside, looks } = looked(() => asked.abort())
  const { load, ended } = endless()
  await assert.rejects(looksDuring(outside, load), Stopped)
  assert.deepEqual([ended(), looks()], [true, 1])
})

test('a load ends, and is waited for, when a look fails', inTime, async () => {
  const { outside } = looked(() => {
    throw new Error('an instance does not answer')
  })
  const { load, ended } = endless()
  await assert.rejects(looksDuring(outside, load), /does not answer/)
  assert.equal(ended(), true)
})

test('nobody looks any more when the load has failed', async () => {
  const load = Promise.withResolvers<void>()
  const { outside, looks } = looked(() => load.reject(new Error('nobody took it')))
  await assert.rejects(
    looksDuring(outside, () => load.promise),
    /nobody took it/,
  )
  assert.equal(looks(), 1)
})
