import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { TooManySamples } from '@svyaz/metrics'
import { MetricStore } from './metric-store.ts'

function storeFor(t: TestContext, faults: unknown[] = []): MetricStore {
  const directory = mkdtempSync(join(tmpdir(), 'telemetry-metrics-'))
  const history = { bytesMax: 10_000_000, ageMsMax: 1e12 }
  const limits = { history, seriesPerTargetMax: 3, targetsMax: 2 }
  const store = new MetricStore(directory, limits, (fault) => faults.push(fault))
  t.after(() => {
    store[Symbol.dispose]()
    rmSync(directory, { recursive: true })
  })
  return store
}
const look = (service: string, ...keys: string[]) => ({
  target: { service },
  samples: keys.map((key, n) => ({ key, value: n })),
})
const all = [{ label: '__name__', by: '=~', value: '.+' }] as const

test('samples are read up to a bound; whoever wants more is refused, and the history is not to blame', (t) => {
  const faults: unknown[] = []
  const store = storeFor(t, faults)
  for (let atMs = 1; atMs <= 10; atMs += 1) store.add([look('orders', 'a', 'b')], atMs)
  assert.deepEqual(
    store.select(all, 1, 10, 20).map(({ times }) => times.length),
    [10, 10],
  )
  assert.throws(() => store.select(all, 1, 10, 19), TooManySamples)
  assert.throws(() => store.select([{ label: 'service', by: '=~', value: '(' }], 1, 10, 20), SyntaxError)
  assert.deepEqual(faults, [])
})

test('labels are named of what was seen in the time that is asked for, and of nothing else', (t) => {
  const store = storeFor(t)
  store.add([look('orders', 'gone', 'lasting')], 1)
  store.add([look('orders', 'lasting')], 2)
  const names = (fromMs: number, toMs: number) => store.labelSets(all, fromMs, toMs).map((labels) => labels.__name__)
  assert.deepEqual([names(1, 2), names(2, 2), names(3, 9)], [['gone', 'lasting'], ['lasting'], []])
})

test('targets, series and the length of their names are bounded; what is above is counted', (t) => {
  const store = storeFor(t)
  store.add(
    [look('orders', 'a', 'b', 'c', 'd'), look('users', `a{l="${'x'.repeat(3_000)}"}`, 'b'), look('more', 'a')],
    1,
  )
  assert.deepEqual([store.seriesCount, store.samplesLost], [4, 3])
})
