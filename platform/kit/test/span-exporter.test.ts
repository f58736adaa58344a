import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createSpanExporter, spanExportLimits, spanFormats } from '../src/tracing/span-exporter.ts'
import type { FinishedSpan } from '../src/tracing/tracing.ts'
import { testCore } from './core-fixture.ts'

const span = (name: string): FinishedSpan => ({
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  parentSpanId: undefined,
  name,
  kind: 'internal',
  startMicros: 1,
  endMicros: 2,
  attributes: {},
  links: [],
  error: undefined,
})

interface Post {
  path: string
  headers: IncomingHttpHeaders
}

/** A collector that gives each answer of the list once, the last one for ever, and tells each post. */
async function collector(answers: readonly { status: number; headers?: Record<string, string>; body?: string }[]) {
  const posts: Post[] = []
  let posted: (() => void) | undefined
  const listener: RequestListener = (request, response) => {
    const answer = answers[Math.min(posts.length, answers.length - 1)]!
    posts.push({ path: request.url ?? '', headers: request.headers })
    request.resume().on('end', () => {
      response.writeHead(answer.status, answer.headers).end(answer.body ?? '{}')
      posted?.()
    })
  }
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    posts,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async until(count: number) {
      while (posts.length < count)
        await new Promise<void>((resolve) => {
          posted = resolve
        })
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test("a base URL's own path stays, and the keys go along, to OTLP alone", async () => {
  await using otlp = await collector([{ status: 200 }])
  const core = testCore({ otlpHeaders: { 'api-key': 'k' } })
  const exporter = createSpanExporter(core.environment, `${otlp.url}/intake/`, () => core.log)
  exporter.take(span('one'))
  await exporter[Symbol.asyncDispose]()
  assert.deepEqual(
    otlp.posts.map(({ path, headers }) => [path, headers['api-key']]),
    [['/intake/v1/traces', 'k']],
  )

  await using zipkin = await collector([{ status: 202 }])
  const other = createSpanExporter(core.environment, zipkin.url, () => core.log, spanFormats.zipkin)
  other.take(span('one'))
  await other[Symbol.asyncDispose]()
  assert.deepEqual(
    zipkin.posts.map(({ path, headers }) => [path, headers['api-key']]),
    [['/api/v2/spans', undefined]],
  )
})

test('a collector that refuses is said once, its spans are counted, and nothing is sent twice', async () => {
  for (const status of [401, 500, 307]) {
    await using place = await collector([{ status, headers: { location: '/elsewhere' } }])
    const core = testCore()
    const exporter = createSpanExporter(core.environment, place.url, () => core.log)
    exporter.take(span('one'))
    await place.until(1)
    exporter.take(span('two'))
    exporter.take(span('three'))
    await place.until(2)
    await exporter[Symbol.asyncDispose]()
    assert.equal(exporter.dropped(), 3, `status ${status}`)
    assert.equal(place.posts.length, 2)
    assert.deepEqual(
      core.logs.map(({ level, message }) => [level, message]),
      [['warn', 'spans are lost: the trace collector refuses them']],
    )
  }
})

test('a collector that is overloaded is asked again, and then has all of them', async () => {
  await using place = await collector([{ status: 503 }, { status: 429 }, { status: 200 }])
  const core = testCore()
  const exporter = createSpanExporter(core.environment, place.url, () => core.log)
  exporter.take(span('one'))
  await place.until(3)
  await exporter[Symbol.asyncDispose]()
  assert.equal(exporter.dropped(), 0)
  assert.equal(place.posts.length, 3)
  assert.deepEqual(
    core.logs.map(({ message }) => message),
    ['spans wait: the trace collector is away', 'spans are taken again'],
  )
})

test('what a collector says it would not keep is counted', async () => {
  await using place = await collector([
    { status: 200, body: '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}' },
  ])
  const core = testCore()
  const exporter = createSpanExporter(core.environment, place.url, () => core.log)
  exporter.take(span('one'))
  exporter.take(span('two'))
  await place.until(1)
  await exporter[Symbol.asyncDispose]()
  assert.equal(exporter.dropped(), 1)
})

test('of more spans than may wait the oldest are given up, a whole batch at a time, and counted', async () => {
  await using place = await collector([{ status: 200 }])
  const core = testCore()
  const exporter = createSpanExporter(core.environment, place.url, () => core.log)
  const { spansWaitingMax, spansPerRequestMax } = spanExportLimits
  // One batch is under way at once and waits no longer; one more than may wait come behind it.
  const batches = 1 + spansWaitingMax / spansPerRequestMax + 1
  for (let index = 0; index < batches * spansPerRequestMax; index += 1) exporter.take(span('one'))
  assert.equal(exporter.dropped(), spansPerRequestMax)
  await exporter[Symbol.asyncDispose]()
  assert.equal(exporter.dropped(), spansPerRequestMax)
  assert.equal(place.posts.length, batches - 1)
})
