import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HistoryEntry } from '../history.ts'
import type { MemorySample } from '../memory.ts'
import { growthOf, windowsOf } from './figures.ts'

const sample = (pid: number, atMs: number, ageMs: number, mb: number): MemorySample => ({
  process: 'orders-1',
  pid,
  atMs,
  ageMs,
  pssBytes: mb * 1024 ** 2,
  rssBytes: 0,
})

test('growth is taken within lives: a kill is not a drop', () => {
  const lives = [0, 1, 2].flatMap((life) =>
    // 60 MB an hour, 200 s each, the first minute steep.
    [0, 30, 60, 90, 120, 150, 180].map((age) =>
      sample(life, (life * 200 + age) * 1_000, age * 1_000, age < 60 ? 50 + age : 100 + age / 60),
    ),
  )
  const [growth] = growthOf(lives)
  assert.equal(growth?.lives, 3)
  assert.equal(growth?.mbPerHour, 60)
  assert.deepEqual(
    growth?.byAge.map(({ minutes, samples }) => [minutes, samples]),
    [
      [0, 6],
      [1, 6],
      [2, 6],
      [3, 3],
    ],
  )
})

test('one outlier moves no slope', () => {
  const flat = Array.from({ length: 20 }, (_, n) => sample(1, n * 30_000, 100_000 + n * 30_000, n === 10 ? 400 : 80))
  assert.equal(growthOf(flat)[0]?.mbPerHour, 0)
})

test('a process that never got old says nothing of its slope', () => {
  assert.ok(Number.isNaN(growthOf([sample(1, 0, 1_000, 80)])[0]?.mbPerHour))
})

test('orders are counted in the window in which they were begun', () => {
  const entry = (type: HistoryEntry['type'], key: string, tMono: number): HistoryEntry => ({
    i: 0,
    process: 'user-1',
    type,
    f: 'createOrder',
    key,
    tMono,
    tWall: '',
  })
  const windows = windowsOf(
    [
      entry('invoke', 'a', 10),
      entry('ok', 'a', 30),
      entry('invoke', 'b', 900),
      entry('invoke', 'c', 950),
      entry('info', 'c', 960),
      entry('ok', 'b', 1_200),
      entry('invoke', 'd', 1_500),
      entry('ok', 'd', 1_505),
    ],
    1_000,
  )
  assert.deepEqual(
    windows.map(({ accepted, others, p50Ms, p99Ms }) => [accepted, others, p50Ms, p99Ms]),
    [
      [2, 1, 20, 300],
      [1, 0, 5, 5],
    ],
  )
})
