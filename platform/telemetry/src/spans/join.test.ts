import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { exampleSpan, linkTo, storeIn, traceIdOf } from '../../test/example-span.ts'
import { joinTraces } from './join.ts'
import type { Span } from './span.ts'

const limits = { tracesMax: 10, spansMax: 100, bytesMax: 1e6 }

const directory = mkdtempSync(join(tmpdir(), 'telemetry-join-'))
after(() => rmSync(directory, { recursive: true }))

function storeOf(...spans: Span[]) {
  const store = storeIn(mkdtempSync(join(directory, 'one-')))
  after(() => store[Symbol.dispose]())
  store.add(spans, 0)
  return store
}
const distances = (joined: ReturnType<typeof joinTraces>) =>
  joined?.traces.map((trace) => [Number.parseInt(trace.traceId, 16), trace.distance])

// An order: trace 1 posts and publishes, trace 2 consumes that and publishes, trace 3 consumes that. Trace 9: another.
const story = () =>
  storeOf(
    exampleSpan(1, 1),
    exampleSpan(1, 2, { kind: 'producer' }),
    exampleSpan(2, 3, { kind: 'consumer', links: [linkTo(1, 2)] }),
    exampleSpan(2, 4, { kind: 'producer' }),
    exampleSpan(3, 5, { kind: 'consumer', links: [linkTo(2, 4)] }),
    exampleSpan(9, 9),
  )

test('from any of its traces the whole story is found, and nothing else', () => {
  assert.deepEqual(distances(joinTraces(story(), traceIdOf(1), limits)), [
    [1, 0],
    [2, 1],
    [3, 2],
  ])
  assert.deepEqual(distances(joinTraces(story(), traceIdOf(2), limits)), [
    [2, 0],
    [1, 1],
    [3, 1],
  ])
  assert.deepEqual(distances(joinTraces(story(), traceIdOf(3), limits)), [
    [3, 0],
    [2, 1],
    [1, 2],
  ])
  assert.deepEqual(distances(joinTraces(story(), traceIdOf(9), limits)), [[9, 0]])
  assert.equal(joinTraces(story(), traceIdOf(4), limits), undefined)
})

test('spans come in the order of their start, links from consumer to producer', () => {
  const joined = joinTraces(story(), traceIdOf(3), limits)
  assert.deepEqual(
    joined?.spans.map((span) => Number.parseInt(span.spanId, 16)),
    [1, 2, 3, 4, 5],
  )
  assert.deepEqual(joined?.links, [
    { from: linkTo(2, 3), to: linkTo(1, 2) },
    { from: linkTo(3, 5), to: linkTo(2, 4) },
  ])
  assert.deepEqual([joined?.missing, joined?.truncated], [[], false])
})

test('a link to what is not kept is named', () => {
  const joined = joinTraces(storeOf(exampleSpan(1, 1, { links: [linkTo(7, 7), linkTo(1, 8)] })), traceIdOf(1), limits)
  assert.deepEqual(joined?.missing, [linkTo(7, 7), linkTo(1, 8)])
  assert.deepEqual(joined?.links, [])
})

test('a link within one trace and links in a circle end', () => {
  const store = storeOf(
    exampleSpan(1, 1, { links: [linkTo(1, 1), linkTo(2, 2)] }),
    exampleSpan(2, 2, { links: [linkTo(1, 1)] }),
  )
  const joined = joinTraces(store, traceIdOf(1), limits)
  assert.deepEqual(distances(joined), [
    [1, 0],
    [2, 1],
  ])
  assert.equal(joined?.links.length, 3)
})

test('limits leave out the farthest and say so', () => {
  const chain = storeOf(
    ...[1, 2, 3, 4, 5].map((n) => exampleSpan(n, n, n === 1 ? {} : { links: [linkTo(n - 1, n - 1)] })),
  )
  const byTraces = joinTraces(chain, traceIdOf(1), { tracesMax: 3, spansMax: 100, bytesMax: 1e6 })
  assert.deepEqual(
    [distances(byTraces), byTraces?.truncated],
    [
      [
        [1, 0],
        [2, 1],
        [3, 2],
      ],
      true,
    ],
  )
  assert.deepEqual(byTraces?.missing, [], 'what was left out by a limit is not missing')
  const bySpans = joinTraces(chain, traceIdOf(1), { tracesMax: 100, spansMax: 2, bytesMax: 1e6 })
  assert.deepEqual(
    [distances(bySpans), bySpans?.truncated],
    [
      [
        [1, 0],
        [2, 1],
      ],
      true,
    ],
  )
  assert.equal(joinTraces(chain, traceIdOf(1), limits)?.truncated, false)
})
