import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keep, type RelayNow } from '../../protocol.ts'
import { type Course, noCourse, withLook } from './relay-points.ts'

const hop = { p50: 700, p99: 900, last: 800 }
const look = (sessionId: number, durationSeconds: number, stored: number): RelayNow => ({
  session: {
    sessionId,
    status: 'running',
    startedAt: '2026-11-21T00:00:00Z',
    endedAt: null,
    intervalSeconds: 60,
    inFlight: 1,
    payloadBytes: 0,
    durationSeconds,
    generated: stored,
    stored,
    unconfirmed: 0,
    messagesPerSecond: 0,
    hops: null,
    missing: null,
  },
  latestSession: sessionId,
  linked: true,
  settings: { intervalSeconds: 60, inFlight: 1, payloadBytes: 0, messagesPerSecond: 0 },
  hops: { mc1ToMc2: hop, mc2ToMc3: hop, mc3ToMc1: hop, commit: hop, total: hop },
  latest: [],
})
const all = (looks: readonly RelayNow[]): Course => looks.reduce(withLook, noCourse)

test('each look tells the rate since the one before', () => {
  const { points } = all([look(1, 1, 100), look(1, 1.5, 300), look(1, 1.51, 301)])
  assert.deepEqual(points, [
    { atSeconds: 1, messagesPerSecond: 100, medianMicros: 700 },
    { atSeconds: 1.5, messagesPerSecond: 400, medianMicros: 700 },
  ])
})

test('between sessions the last course stays, and the next one starts afresh', () => {
  const first = all([look(1, 1, 100), look(1, 2, 200)])
  assert.equal(withLook(first, { ...look(1, 2, 200), session: null }), first)
  const second = withLook(first, look(2, 0.5, 10))
  assert.deepEqual([second.sessionId, second.points.map((point) => point.messagesPerSecond)], [2, [20]])
})

test('a long session keeps its whole course within bounds, and no message is counted twice or lost', () => {
  const looks = Array.from({ length: 3_000 }, (_, index) => look(1, (index + 1) / 4, (index + 1) * (index + 1)))
  const { points } = all(looks)
  assert.ok(points.length <= keep.relayPoints && points.length >= keep.relayPoints / 2, `${points.length}`)
  const counted = points.reduce(
    (sum, point, index) => sum + point.messagesPerSecond * (point.atSeconds - (points[index - 1]?.atSeconds ?? 0)),
    0,
  )
  assert.ok(Math.abs(counted - 9_000_000) < 1, `${counted}`)
  assert.deepEqual(
    points.map(({ atSeconds }) => atSeconds),
    points.map(({ atSeconds }) => atSeconds).toSorted((a, b) => a - b),
  )
})
