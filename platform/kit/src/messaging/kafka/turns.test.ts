import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { batchesOf } from '../../../test/lane-fixture.ts'
import type { RecordHandling } from '../transport.ts'
import { Lane } from './lane.ts'
import { Turns } from './turns.ts'

type Gathered = NonNullable<RecordHandling['gathered']>

/** Three partitions whose records are handled in turns. */
function threeLanes(gathered: Gathered, together: RecordHandling['together'] = async () => undefined, recordsMax = 8) {
  const ending = new AbortController()
  const broken: unknown[] = []
  const handle = { recordsMax, together }
  const lanes = [0, 1, 2].map(
    (partition) =>
      new Lane({
        topic: 't',
        partition,
        position: 0n,
        handle,
        signal: ending.signal,
        onWaiting: () => turns.wake(),
        onFinished: () => {},
        onBroken: (error) => broken.push(error),
      }),
  )
  const turns: Turns = new Turns({
    recordsMax,
    gathered,
    signal: ending.signal,
    lanes: () => lanes,
    onBroken: (error) => broken.push(error),
  })
  return { lanes, turns, ending, broken }
}

const sizesOf = (partitions: Parameters<Gathered>[0]) => partitions.map((records) => records.length)

describe('turns', () => {
  test('what one answer brings to several partitions is one turn, and what comes meanwhile is the next', async () => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const seen: number[][] = []
    const { lanes, turns } = threeLanes(async (partitions) => {
      await gates[seen.push(sizesOf(partitions)) - 1]?.promise
      return sizesOf(partitions)
    })
    lanes[0]!.take(batchesOf(0, 2))
    lanes[1]!.take(batchesOf(0, 1))
    await turn()
    assert.deepEqual([seen, turns.busy], [[[2, 1]], true])
    lanes[0]!.take(batchesOf(2, 1))
    lanes[2]!.take(batchesOf(0, 3))
    await turn()
    assert.deepEqual(seen, [[2, 1]])
    gates[0]!.resolve()
    await turn()
    assert.deepEqual(
      [seen[1]?.toSorted(), lanes[0]!.uncommitted, lanes[1]!.uncommitted, lanes[2]!.uncommitted],
      [[1, 3], 2n, 1n, undefined],
    )
    gates[1]!.resolve()
    await turns.over()
    assert.deepEqual([lanes[0]!.uncommitted, lanes[2]!.uncommitted, turns.busy], [3n, 3n, false])
  })

  test('a turn has a greatest number of records; no partition is left out for ever', async () => {
    const seen: number[][] = []
    const { lanes, turns } = threeLanes(
      async (partitions) => {
        seen.push(partitions.map(([first]) => first?.place?.partition ?? -1))
        return sizesOf(partitions)
      },
      undefined,
      4,
    )
    for (const lane of lanes) lane.take(batchesOf(0, 8))
    await turns.over()
    assert.ok(seen.slice(0, 3).flat().includes(2), JSON.stringify(seen))
    assert.deepEqual(
      lanes.map(({ uncommitted }) => uncommitted),
      [8n, 8n, 8n],
    )
  })

  test('what a turn leaves is handled by its own partition; the next turn begins when that was tried once', async () => {
    const settled = Promise.withResolvers<void>()
    const seen: number[][] = []
    const alone: number[] = []
    const { lanes, turns, broken } = threeLanes(
      async (partitions) => {
        seen.push(partitions.map(([first]) => first?.place?.partition ?? -1))
        return partitions.map(([first]) => (first?.place?.partition === 0 && first.place.offset === 0n ? 1 : 2))
      },
      async (records, _signal, { tried }) => {
        alone.push(...records.map(({ place }) => Number(place?.offset)))
        tried?.()
        await settled.promise
      },
    )
    lanes[0]!.take(batchesOf(0, 2))
    lanes[1]!.take(batchesOf(0, 2))
    await turns.over()
    assert.deepEqual([seen, alone, lanes[0]!.uncommitted, lanes[1]!.uncommitted], [[[0, 1]], [1], 1n, 2n])
    lanes[0]!.take(batchesOf(2, 1))
    lanes[2]!.take(batchesOf(0, 2))
    await turns.over()
    assert.deepEqual([seen.at(-1), lanes[2]!.uncommitted], [[2], 2n])
    settled.resolve()
    await lanes[0]!.idle()
    await turns.over()
    assert.deepEqual([seen.at(-1), broken], [[0], []])
  })

  test('a turn that rejects leaves its records unfinished: silently at a revoke, loudly otherwise', async () => {
    const bug = threeLanes(async () => Promise.reject(new Error('a bug')))
    bug.lanes[0]!.take(batchesOf(0, 1))
    bug.lanes[1]!.take(batchesOf(0, 1))
    await turn()
    assert.deepEqual(bug.broken.map(String), ['Error: a bug'])

    const gate = Promise.withResolvers<void>()
    const revoked = threeLanes(async () => {
      await gate.promise
      return []
    })
    for (const lane of revoked.lanes) lane.take(batchesOf(0, 1))
    await turn()
    revoked.ending.abort()
    gate.reject(new Error('the wait ended'))
    await Promise.all(revoked.lanes.map((lane) => lane.idle()))
    assert.deepEqual(
      [revoked.broken, revoked.lanes.map(({ uncommitted }) => uncommitted)],
      [[], [undefined, undefined, undefined]],
    )
  })
})
