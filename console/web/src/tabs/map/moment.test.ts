import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keep, type Process, type ProcessChange } from '../../../../protocol.ts'
import type { Arrived } from './graph.ts'
import {
  advanced,
  frameMs,
  framesOfFalls,
  keptMoment,
  keyMeans,
  momentIn,
  momentText,
  partOf,
  processesIn,
  rangeAt,
  withAll,
  withInstances,
} from './moment.ts'

const startMs = Date.UTC(2026, 10, 27, 12, 0, 0)
const range = rangeAt(startMs + 3_000)
const figures = {
  count: 6,
  ratePerSecond: 0.1,
  errors: 1,
  errorRatio: 0.17,
  meanMs: 5,
  p50Ms: 5,
  p90Ms: 6,
  p95Ms: 6,
  p99Ms: 6,
  maxMs: 6,
}

test('a quarter of an hour can be looked at, up to the frame that is under way', () => {
  assert.deepEqual(range, { fromMs: startMs - keep.pastMs, toMs: startMs })
})

test('an address names a frame, and a frame an address', () => {
  assert.equal(momentIn(momentText(startMs)), startMs)
  assert.equal(momentText(startMs), '2026-11-27T12:00:00Z')
  assert.equal(momentIn('2026-11-27T12:00:09.999Z'), startMs)
  assert.deepEqual([momentIn(null), momentIn(''), momentIn('yesterday')], [undefined, undefined, undefined])
})

test('a moment that is kept no longer is the oldest that is; one to come is the present', () => {
  assert.equal(keptMoment(startMs - frameMs, range), startMs - frameMs)
  assert.equal(keptMoment(startMs - 2 * keep.pastMs, range), range.fromMs)
  assert.equal(keptMoment(startMs + frameMs, range), undefined)
  assert.equal(keptMoment(undefined, range), undefined)
})

test('playing goes on at its speed until it has caught up with the present', () => {
  assert.equal(advanced(startMs - 60_000, 500, 4, range), startMs - 58_000)
  assert.equal(advanced(0, 500, 1, range), range.fromMs + 500)
  assert.equal(advanced(startMs - 5_000, 500, 16, range), undefined)
})

test('space plays, arrows step, and nobody who writes or presses a button is disturbed', () => {
  assert.deepEqual(
    ([' ', 'ArrowLeft', 'ArrowRight', 'a'] as const).map((key) => keyMeans(key, 'other', true)),
    ['toggle', 'back', 'forth', undefined],
  )
  assert.deepEqual([keyMeans(' ', 'button', true), keyMeans('ArrowLeft', 'button', true)], [undefined, 'back'])
  assert.deepEqual([keyMeans(' ', 'range', false), keyMeans('ArrowLeft', 'range', true)], ['toggle', undefined])
  assert.deepEqual([keyMeans(' ', 'field', true), keyMeans('ArrowLeft', 'other', false)], [undefined, undefined])
})

test('a frame in parts is all of it, errors too, however few there were', () => {
  const passed = [
    { from: 'client', to: 'service:gateway', protocol: 'http', count: 7, errors: 2, meanMs: 4 },
    { from: 'service:a', to: 'service:b', protocol: 'grpc', count: 1, errors: 1, meanMs: 9 },
  ] as const
  for (const parts of [1, 5, 20]) {
    const all = Array.from({ length: parts }, (_, at) => partOf(passed, at, parts)).flat()
    const sum = (to: string, of: 'count' | 'errors') =>
      all.filter((one) => one.to === to).reduce((total, one) => total + one[of], 0)
    assert.deepEqual([sum('service:gateway', 'errors'), sum('service:b', 'errors')], [2, 1])
    assert.deepEqual([sum('service:gateway', 'count'), sum('service:b', 'count')], [7, 1])
    assert.ok(all.every(({ count, errors }) => errors <= count))
  }
})

const is = (name: string, status: Process['status']): Process => ({
  name,
  service: name.replace(/-\d+$/, ''),
  kind: 'service',
  status,
  ports: {},
  restarts: 0,
  memoryBudgetMb: 70,
  scalable: true,
})
const change = (afterMs: number, name: string, status?: Process['status']): ProcessChange => ({
  at: new Date(range.fromMs + afterMs).toISOString(),
  name,
  ...(status === undefined ? {} : { process: is(name, status) }),
})
const past = {
  fromMs: range.fromMs,
  changes: [
    change(-1, 'orders-1', 'ready'),
    change(-1, 'orders-2', 'ready'),
    change(12_000, 'orders-1', 'backing-off'),
    change(14_000, 'orders-1', 'ready'),
    change(35_000, 'orders-2'),
  ],
}
const statusesIn = (frame: number) =>
  processesIn(past, range.fromMs + frame * frameMs, range.fromMs + (frame + 1) * frameMs).map(
    ({ name, status }) => `${name} ${status}`,
  )

test('a kill that was over within two seconds is seen in its frame, and in no other', () => {
  assert.deepEqual(
    [0, 1, 2].map((frame) => statusesIn(frame)[0]),
    ['orders-1 ready', 'orders-1 backing-off', 'orders-1 ready'],
  )
  assert.deepEqual(framesOfFalls(past, range), [range.fromMs + frameMs])
})

test('an instance that was taken away is there until then', () => {
  assert.deepEqual(
    [3, 4].map((frame) => statusesIn(frame).length),
    [2, 1],
  )
})

const window = { fromMs: 0, toMs: 60_000, windowS: 60 }
const edge = { from: 'client', to: 'service:gateway', protocol: 'http', ...figures } as const
const node: Arrived = { id: 'service:gateway', kind: 'service', name: 'gateway', ...figures, instances: [] }

test('a frame has the edges of the whole range, at rest where nothing passed', () => {
  const other = { ...edge, from: 'service:gateway', to: 'service:orders' }
  const { edges, nodes } = withAll(
    { ...window, edges: [edge], nodes: [node] },
    { ...window, edges: [edge, other], nodes: [node, { ...node, id: 'service:orders', name: 'orders' }] },
  )
  assert.deepEqual(
    edges.map(({ to, count }) => `${to} ${count}`),
    ['service:gateway 6', 'service:orders 0'],
  )
  assert.deepEqual(
    nodes.map(({ id, count }) => `${id} ${count}`),
    ['service:gateway 6', 'service:orders 0'],
  )
})

test('where nobody supervises, instances are those that were looked at then', () => {
  const up = { atMs: 0, series: [{ labels: { service: 'gateway', instance: 'gateway-7' }, value: 0 }] }
  const { nodes } = withInstances({ ...window, edges: [], nodes: [node] }, up)
  assert.deepEqual(nodes[0]?.instances, [{ instance: 'gateway-7', status: 'critical' }])
})
