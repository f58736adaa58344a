import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge } from './lease.ts'

const me = { instance: 'orders-2', process: 'p2' }
const leaseMs = 3_000
const row = { holder: 'orders-1', process: 'p1', renewals: 7 }

test('a lease whose counter moves is waited for, however long', () => {
  let { verdict, seen } = judge(row, undefined, me, 0, leaseMs)
  for (let look = 1; look <= 20; look++) {
    assert.equal(verdict, 'wait')
    ;({ verdict, seen } = judge({ ...row, renewals: 7 + look }, seen, me, look * 2_000, leaseMs))
  }
})

test('one whose counter stands still for the length of a lease is taken, counted from when this process first saw it', () => {
  const first = judge(row, undefined, me, 100_000, leaseMs)
  assert.equal(first.verdict, 'wait', 'the first look says nothing')
  assert.equal(judge(row, first.seen, me, 102_999, leaseMs).verdict, 'wait')
  assert.equal(judge(row, first.seen, me, 103_000, leaseMs).verdict, 'take')
})

test('one that was given back, or is of a process before with this name, is taken at once', () => {
  assert.equal(judge({ ...row, holder: '' }, undefined, me, 0, leaseMs).verdict, 'take')
  assert.equal(judge({ ...row, holder: 'orders-2' }, undefined, me, 0, leaseMs).verdict, 'take')
  assert.equal(judge({ ...row, holder: 'orders-2', process: 'p2' }, undefined, me, 0, leaseMs).verdict, 'wait')
})
