import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JoinAnswer, SyncAnswer } from './group.ts'
import { Scenario } from './scenario.ts'

/** Any order of events must leave no request unanswered for ever, and no member in two places. */
describe('a group under random events', () => {
  for (const seed of [1, 2, 3, 5, 8, 13, 21, 34, 55, 89]) {
    it(`settles (seed ${seed})`, () => {
      const random = mulberry32(seed)
      const pick = <T>(values: readonly T[]): T | undefined => values[Math.floor(random() * values.length)]
      const room = new Scenario()
      const joins: (() => JoinAnswer | undefined)[] = []
      const syncs: (() => SyncAnswer | undefined)[] = []
      for (let turn = 0; turn < 400; turn++) {
        const known = [...room.group.members.values()]
        const member = pick(known)
        const instance = member?.groupInstanceId ?? null
        const choice = random()
        if (choice < 0.15)
          joins.push(room.join('', { groupInstanceId: random() < 0.5 ? `i${Math.floor(random() * 4)}` : null }))
        else if (choice < 0.2) room.join('', { memberIdRequired: true })
        else if (choice < 0.45 && member) joins.push(room.join(member.memberId, { groupInstanceId: instance }))
        else if (choice < 0.7 && member) syncs.push(room.sync(member.memberId, room.group.generation, {}, instance))
        else if (choice < 0.85 && member) room.heartbeat(member.memberId, room.group.generation, instance)
        else if (choice < 0.9 && member)
          room.leave({ memberId: member.memberId, ...(instance && { groupInstanceId: instance }) })
        else room.pass(Math.floor(random() * 3_000))
        const instances = known.flatMap(({ groupInstanceId }) => groupInstanceId ?? [])
        assert.equal(new Set(instances).size, instances.length, 'an instance id is held once')
      }
      room.pass(1_000_000)
      assert.equal(room.group.phase, 'Empty', 'without heartbeats everyone is gone in the end')
      assert.equal(room.timers.size, 0)
      assert.deepEqual(
        [...joins, ...syncs].filter((answer) => answer() === undefined),
        [],
      )
    })
  }
})

function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
