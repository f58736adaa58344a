import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { exampleSpan, linkTo, spanIdOf, storeIn, traceIdOf } from '../../test/example-span.ts'

function directoryFor(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'telemetry-spans-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return directory
}

test('spans are answered in the order of their start; one sent again replaces itself', (t) => {
  using store = storeIn(directoryFor(t))
  store.add(
    [3, 1, 2].map((span) => exampleSpan(1, span)),
    0,
  )
  store.add([exampleSpan(1, 2, { name: 'again', links: [linkTo(2, 1)] })], 0)
  assert.deepEqual(
    store.spansOf(traceIdOf(1))?.map(({ spanId, name }) => [spanId, name]),
    [
      [spanIdOf(1), 'span 1'],
      [spanIdOf(2), 'again'],
      [spanIdOf(3), 'span 3'],
    ],
  )
  assert.equal(store.spansOf(traceIdOf(2)), undefined)
  assert.deepEqual(store.neighbours(traceIdOf(2)), new Set([traceIdOf(1)]))
  assert.ok(store.has(traceIdOf(1), spanIdOf(3)) && !store.has(traceIdOf(1), spanIdOf(4)))
})

test('one trace, and one span, may only grow so far', (t) => {
  using store = storeIn(directoryFor(t), { spansPerTraceMax: 3, spanBytesMax: 2_000 })
  assert.equal(
    store.add(
      [1, 2, 3, 4].map((span) => exampleSpan(1, span)),
      0,
    ),
    3,
  )
  assert.equal(store.add([exampleSpan(2, 1, { name: 'n'.repeat(3_000) })], 0), 0)
  assert.equal(store.spansRefused, 2)
})

test('the disk is bounded, the oldest goes first; everything that is there survives a restart', (t) => {
  const directory = directoryFor(t)
  const history = { bytesMax: 2_000_000, ageMsMax: 1e12 }
  {
    using store = storeIn(directory, { history })
    for (let trace = 1; trace <= 500; trace += 1)
      store.add([exampleSpan(trace, 1, { name: 'n'.repeat(20_000) })], Date.now())
    assert.ok(store.history.dropped > 10)
  }
  const bytes = readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
  assert.ok(bytes < 2_300_000 && bytes > 1_000_000, `${bytes} bytes`)
  using again = storeIn(directory, { history })
  assert.equal(again.spansOf(traceIdOf(1)), undefined)
  assert.equal(again.spansOf(traceIdOf(500))?.length, 1)
  again.add([exampleSpan(500, 2)], Date.now())
  assert.equal(again.spansOf(traceIdOf(500))?.length, 2)
})

test('what is older than a day goes when a segment is begun', (t) => {
  const directory = directoryFor(t)
  const history = { bytesMax: 1_000_000, ageMsMax: 3_600_000 }
  const long = 'n'.repeat(40_000)
  using store = storeIn(directory, { history })
  for (let trace = 1; trace <= 4; trace += 1) store.add([exampleSpan(trace, 1, { name: long })], Date.now())
  for (let trace = 5; trace <= 8; trace += 1)
    store.add([exampleSpan(trace, 1, { name: long })], Date.now() + 2 * 3_600_000)
  assert.deepEqual(
    [1, 8].map((trace) => store.spansOf(traceIdOf(trace))?.length),
    [undefined, 1],
  )
})

test('a damaged file costs what is in it, not the process', (t) => {
  const directory = directoryFor(t)
  const history = { bytesMax: 1_000_000, ageMsMax: 1e12 }
  {
    using store = storeIn(directory, { history })
    for (let trace = 1; trace <= 8; trace += 1)
      store.add([exampleSpan(trace, 1, { name: 'n'.repeat(30_000) })], Date.now())
  }
  const [first = '', ...others] = readdirSync(directory).sort()
  assert.ok(others.length > 0)
  writeFileSync(join(directory, first), 'this was a database')
  appendFileSync(join(directory, 'spans-9999999999.dbx'), 'of somebody else')
  const faults: unknown[] = []
  using store = storeIn(directory, { history }, (error) => faults.push(error))
  assert.equal(store.spansOf(traceIdOf(1)), undefined)
  assert.equal(store.spansOf(traceIdOf(8))?.length, 1)
  assert.equal(faults.length, 1)
  assert.equal(store.add([exampleSpan(9, 1)], Date.now()), 1)
})

test('while the disk refuses, spans are kept in memory, however long; then all of them are on the disk', (t) => {
  const directory = directoryFor(t)
  const faults: unknown[] = []
  {
    using store = storeIn(directory, {}, (error) => faults.push(error))
    const kept = (trace: number) => store.spansOf(traceIdOf(trace))?.length
    // A folder in the place of the file: it can't be opened, whoever one is.
    const inTheWay = join(directory, 'spans-0000000001.db')
    mkdirSync(inTheWay)
    assert.equal(store.add([exampleSpan(1, 1)], 0), 1)
    assert.ok(store.history.isInMemory && faults.length > 0)
    // Each of these is late enough for another attempt.
    for (let trace = 2; trace <= 6; trace += 1) assert.equal(store.add([exampleSpan(trace, 1)], trace * 10_000), 1)
    assert.ok(store.history.isInMemory)
    assert.deepEqual([1, 2, 3, 4, 5, 6].map(kept), [1, 1, 1, 1, 1, 1])
    rmSync(inTheWay, { recursive: true })
    assert.equal(store.add([exampleSpan(7, 1)], 70_000), 1)
    assert.ok(!store.history.isInMemory)
    assert.deepEqual([1, 6, 7].map(kept), [1, 1, 1])
  }
  using again = storeIn(directory)
  assert.deepEqual(
    [1, 6, 7].map((trace) => again.spansOf(traceIdOf(trace))?.length),
    [1, 1, 1],
  )
})

test('what is in memory is bounded: of the newest there is always half, the oldest goes', (t) => {
  const directory = directoryFor(t)
  mkdirSync(join(directory, 'spans-0000000001.db'))
  using store = storeIn(directory)
  const long = 'n'.repeat(60_000)
  // Forty-eight megabytes.
  for (let trace = 1; trace <= 800; trace += 1) store.add([exampleSpan(trace, 1, { attributes: { long } })], trace)
  const kept = Array.from({ length: 800 }, (_, n) => n + 1).filter(
    (trace) => store.spansOf(traceIdOf(trace)) !== undefined,
  )
  const bytes = kept.length * long.length
  assert.ok(bytes > 8e6 && bytes < 18e6, `${bytes} bytes`)
  assert.deepEqual([kept.at(-1), (kept.at(-1) ?? 0) - (kept[0] ?? 0)], [800, kept.length - 1])
})

test('what only memory has when the process ends orderly is on the disk, when it takes it then', (t) => {
  const directory = directoryFor(t)
  const inTheWay = join(directory, 'spans-0000000001.db')
  mkdirSync(inTheWay)
  {
    using store = storeIn(directory)
    store.add([exampleSpan(1, 1)], 0)
    rmSync(inTheWay, { recursive: true })
  }
  using again = storeIn(directory)
  assert.equal(again.spansOf(traceIdOf(1))?.length, 1)
})

test('traces whose spans come mixed, over and over, and with the same number, are told apart', (t) => {
  using store = storeIn(directoryFor(t), { spansPerTraceMax: 10_000 })
  // Their last digits, which are their number, are the same.
  const traceIds = [1, 2, 3].map((n) => traceIdOf(n * 16 ** 14 + 7))
  const spans = Array.from({ length: 900 }, (_, n) =>
    // The third comes far apart.
    exampleSpan(0, n + 1, { traceId: String(traceIds[n % 300 === 0 ? 2 : n % 2]) }),
  )
  for (let n = 0; n < 3; n += 1) store.add(spans.slice(n * 300, n * 300 + 300), 0)
  for (const traceId of traceIds) {
    const wanted = spans.filter((span) => span.traceId === traceId).map(({ spanId }) => spanId)
    assert.deepEqual(
      store.spansOf(traceId)?.map(({ spanId }) => spanId),
      wanted,
    )
    assert.equal(store.sizeOf(traceId).spans, wanted.length)
  }
  assert.ok(store.has(String(traceIds[2]), spanIdOf(301)) && !store.has(String(traceIds[2]), spanIdOf(302)))
})

test('a trace is bounded in bytes too, as it comes and as it is read', (t) => {
  const directory = directoryFor(t)
  const attributes = { long: 'x'.repeat(10_000) }
  {
    using store = storeIn(directory, { traceBytesMax: 25_000 })
    assert.equal(
      store.add(
        [1, 2, 3].map((span) => exampleSpan(1, span, { attributes })),
        0,
      ),
      2,
    )
  }
  using again = storeIn(directory, { traceBytesMax: 15_000 })
  assert.equal(again.spansOf(traceIdOf(1))?.length, 1)
})
