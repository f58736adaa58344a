import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RelayMessage } from '@svyaz/contracts/events/relay.ts'
import { confirm, due, fill, generated, isOver, openLoop } from './loop.ts'

const loopOf = (inFlight: number) => openLoop<RelayMessage>({ sessionId: 7, firstId: 100, inFlight })
const same = (message: RelayMessage) => message
const ids = (messages: readonly RelayMessage[]) => messages.map((message) => message.id)

describe('the loop of a session', () => {
  test('makes as many messages as may be under way, with the six fields and nothing stamped', () => {
    const loop = loopOf(3)
    const made = fill(loop, same)
    assert.deepEqual(ids(made), [100, 101, 102])
    assert.deepEqual(made[0], {
      id: 100,
      session_id: 7,
      MC1_timestamp: null,
      MC2_timestamp: null,
      MC3_timestamp: null,
      end_timestamp: null,
    })
    assert.deepEqual(fill(loop, same), [])
  })

  test('one that is back makes room for one more; coming back twice makes none', () => {
    const loop = loopOf(2)
    const [first] = fill(loop, same)
    assert.ok(first)
    assert.equal(confirm(loop, first), first)
    assert.deepEqual(ids(fill(loop, same)), [102])
    assert.equal(confirm(loop, first), undefined)
    assert.deepEqual(fill(loop, same), [])
    assert.equal(generated(loop), 3)
  })

  test('a late message of another session is none of its', () => {
    const loop = loopOf(1)
    const [first] = fill(loop, same)
    assert.ok(first)
    assert.equal(confirm(loop, { ...first, session_id: 6 }), undefined)
    assert.equal(loop.unconfirmed.size, 1)
  })

  test('is over when nothing more is made and all is back', () => {
    const loop = loopOf(2)
    const made = fill(loop, same)
    loop.making = false
    assert.equal(isOver(loop), false)
    for (const message of made) {
      confirm(loop, message)
      assert.deepEqual(fill(loop, same), [])
    }
    assert.equal(isOver(loop), true)
    assert.equal(generated(loop), 2)
  })

  test('what is unconfirmed is in the order of making, for sending it again', () => {
    const loop = loopOf(4)
    const made = fill(loop, same)
    confirm(loop, made[1]!)
    fill(loop, same)
    assert.deepEqual([...loop.unconfirmed.keys()], [100, 102, 103, 104])
  })
})

test('a paced session makes as many as the time has come to; one without a pace has no bound', () => {
  const loop = loopOf(100)
  assert.equal(due(loop, 0, 50), 0)
  assert.equal(due(loop, 110, 50), 5)
  assert.equal(fill(loop, same, due(loop, 110, 50)).length, 5)
  assert.equal(due(loop, 119, 50), 0, 'they were made')
  assert.equal(due(loop, 120, 50), 1)
  assert.equal(due(loop, 0, 0), Number.POSITIVE_INFINITY)
})
