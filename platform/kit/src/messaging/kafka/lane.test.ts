import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { batchesOf } from '../../../test/lane-fixture.ts'
import { Lane } from './lane.ts'
import { fetchSettings } from './settings.ts'

function laneOf(handle: (offset: number) => Promise<void>) {
  const ending = new AbortController()
  const broken: unknown[] = []
  const lane = new Lane({
    topic: 't',
    partition: 0,
    position: 0n,
    handle: {
      recordsMax: 1,
      together: ([record]) => handle(Number(record?.place?.offset)),
    },
    signal: ending.signal,
    onFinished: () => {},
    onBroken: (error) => broken.push(error),
  })
  return { lane, ending, broken }
}

describe('a lane', () => {
  test('handles the records one after another and may commit after the finished ones only', async () => {
    const gates = [0, 1, 2].map(() => Promise.withResolvers<void>())
    const begun: number[] = []
    const { lane } = laneOf(async (offset) => {
      begun.push(offset)
      await gates[offset]!.promise
    })
    lane.take(batchesOf(0, 3))
    lane.highWatermark = 3n
    assert.deepEqual([begun, lane.uncommitted, lane.lag], [[0], undefined, 3n])
    gates[0]!.resolve()
    await turn()
    assert.deepEqual([begun, lane.uncommitted, lane.lag], [[0, 1], 1n, 2n])
    gates[2]!.resolve()
    await turn()
    assert.deepEqual([begun, lane.uncommitted], [[0, 1], 1n])
    gates[1]!.resolve()
    await lane.idle()
    assert.deepEqual([begun, lane.uncommitted, lane.lag], [[0, 1, 2], 3n, 0n])
    lane.wasCommitted(3n)
    assert.equal(lane.uncommitted, undefined)
  })

  test('has room again when enough is finished', async () => {
    const gate = Promise.withResolvers<void>()
    const { lane } = laneOf(() => gate.promise)
    lane.take(batchesOf(0, fetchSettings.queuedRecordsMax))
    assert.equal(lane.hasRoom, false)
    gate.resolve()
    await lane.idle()
    assert.equal(lane.hasRoom, true)
  })

  test('what a group says is finished may be committed while the rest is worked on, and stays so if that fails', async () => {
    const begun: number[][] = []
    const ending = new AbortController()
    const rest = Promise.withResolvers<void>()
    const lane = new Lane({
      topic: 't',
      partition: 0,
      position: 0n,
      handle: {
        recordsMax: 3,
        async together(records, _signal, { finished }) {
          begun.push(records.map(({ place }) => Number(place?.offset)))
          finished(2)
          await rest.promise
        },
      },
      signal: ending.signal,
      onFinished: () => {},
      onBroken: () => {},
    })
    lane.take(batchesOf(0, 5))
    assert.deepEqual([begun, lane.uncommitted], [[[0, 1, 2]], 2n])
    ending.abort()
    rest.reject(new Error('the wait ended'))
    await lane.idle()
    assert.deepEqual([begun, lane.uncommitted], [[[0, 1, 2]], 2n])
  })

  test('a revoke lets the running record finish and takes no other', async () => {
    const gate = Promise.withResolvers<void>()
    const begun: number[] = []
    const { lane, ending } = laneOf(async (offset) => {
      begun.push(offset)
      await gate.promise
    })
    lane.take(batchesOf(0, 3))
    ending.abort()
    gate.resolve()
    await lane.idle()
    assert.deepEqual([begun, lane.uncommitted], [[0], 1n])
  })

  test('a handler that rejects leaves its record unfinished: silently at a revoke, loudly otherwise', async () => {
    const failing = laneOf(() => Promise.reject(new Error('a bug')))
    failing.lane.take(batchesOf(0, 1))
    await failing.lane.idle()
    assert.deepEqual([failing.lane.uncommitted, failing.broken.map(String)], [undefined, ['Error: a bug']])

    const gate = Promise.withResolvers<void>()
    const revoked = laneOf(() => gate.promise)
    revoked.lane.take(batchesOf(0, 1))
    revoked.ending.abort()
    gate.reject(new Error('the wait ended'))
    await revoked.lane.idle()
    assert.deepEqual([revoked.lane.uncommitted, revoked.broken], [undefined, []])
  })
})
