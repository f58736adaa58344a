import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { runProcess, startProcess } from '@svyaz/stage/testing'
import { startTelemetry } from '../src/index.ts'
import { linkTo, spanIdOf, traceIdOf } from './example-span.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const start = (directory: string, flags?: readonly string[]) => startProcess(main, directory, flags)
const run = (flags: readonly string[]) => runProcess(main, flags)

async function temporary(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'telemetry-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** As an exporter writes it. */
const exported = (
  service: string,
  ...spans: { trace: number; span: number; links?: object[]; attributes?: object[]; name?: string }[]
) => ({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
      scopeSpans: [
        {
          spans: spans.map(({ trace, span, ...more }) => ({
            traceId: traceIdOf(trace),
            spanId: spanIdOf(span),
            kind: 2,
            startTimeUnixNano: `${span}000000`,
            endTimeUnixNano: `${span + 1}000000`,
            ...more,
          })),
        },
      ],
    },
  ],
})

async function send(url: string, body: unknown, headers: Record<string, string> = {}, path = '/v1/traces') {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
const get = async (url: string) => (await (await fetch(url)).json()) as Record<string, never>

test('spans come in plain and gzip, and go out as a trace, a list, services and a joined story', async () => {
  await using directory = await temporary()
  await using telemetry = await start(directory.path)
  const order = [{ key: 'order.id', value: { stringValue: 'o-1' } }]
  assert.deepEqual(await send(telemetry.url, exported('orders', { trace: 1, span: 1, attributes: order })), {
    status: 200,
    body: {},
  })
  const consumer = exported('payments', { trace: 2, span: 2, links: [linkTo(1, 1)] })
  const zipped = await send(telemetry.url, gzipSync(JSON.stringify(consumer)), { 'content-encoding': 'gzip' })
  assert.deepEqual(zipped, { status: 200, body: {} })
  const trace = await get(`${telemetry.url}/api/traces/${traceIdOf(1)}`)
  assert.deepEqual(trace, {
    traceId: traceIdOf(1),
    spans: [
      {
        traceId: traceIdOf(1),
        spanId: spanIdOf(1),
        name: '',
        kind: 'server',
        service: 'orders',
        instance: '',
        startTimeUnixNano: '1000000',
        endTimeUnixNano: '2000000',
        attributes: { 'order.id': 'o-1' },
        status: { code: 'unset' },
        links: [],
        events: [],
      },
    ],
  })
  const joined = (await get(`${telemetry.url}/api/traces/${traceIdOf(1)}/joined`)) as unknown as {
    spans: { service: string }[]
    links: object[]
  }
  assert.deepEqual(
    joined.spans.map((span) => span.service),
    ['orders', 'payments'],
  )
  assert.deepEqual(joined.links, [{ from: linkTo(2, 2), to: linkTo(1, 1) }])
  const found = (await get(
    `${telemetry.url}/api/traces?attr.order.id=o-1&service=orders&since=1970-01-01T00:00:00Z`,
  )) as unknown as { traces: { traceId: string }[] }
  assert.deepEqual(
    found.traces.map((each) => each.traceId),
    [traceIdOf(1)],
  )
  const { services } = (await get(`${telemetry.url}/api/services`)) as unknown as { services: { service: string }[] }
  assert.deepEqual(
    services.map((each) => each.service),
    ['orders', 'payments'],
  )
})

test('partly wrong exports are taken in part and say how many were rejected', async () => {
  await using directory = await temporary()
  await using telemetry = await start(directory.path)
  const answer = await send(telemetry.url, exported('orders', { trace: 0, span: 1 }, { trace: 1, span: 1 }))
  assert.deepEqual(answer, {
    status: 200,
    body: { partialSuccess: { rejectedSpans: '1', errorMessage: 'traceId must be 32 hex digits, not all zero' } },
  })
  assert.equal((await fetch(`${telemetry.url}/api/traces/${traceIdOf(1)}`)).status, 200)
})

test('what is not accepted is told in a Status with the right code', async () => {
  await using directory = await temporary()
  await using telemetry = await startTelemetry({ directory: directory.path, limits: { bodyBytesMax: 2_000 } })
  const protobuf = await send(telemetry.url, Buffer.from([10]), { 'content-type': 'application/x-protobuf' })
  assert.equal(protobuf.status, 415)
  assert.match(String(protobuf.body.message), /http\/json/)
  assert.equal((await send(telemetry.url, {}, {}, '/v1/logs')).status, 404)
  assert.equal((await send(telemetry.url, {}, {}, '/v1/metrics')).status, 404)
  assert.equal((await send(telemetry.url, { resourceSpans: 1 })).status, 400)
  assert.equal((await send(telemetry.url, Buffer.from('{'))).status, 400)
  const deep = Buffer.from(`{"resourceSpans":${'['.repeat(500)}${']'.repeat(500)}}`)
  for (const [body, headers] of [
    [deep, {}],
    [gzipSync(deep), { 'content-encoding': 'gzip' }],
  ] as const) {
    const refused = await send(telemetry.url, body, headers)
    assert.equal(refused.status, 400)
    assert.match(String(refused.body.message), /nests deeper/)
  }
  assert.equal((await send(telemetry.url, Buffer.from('no gzip'), { 'content-encoding': 'gzip' })).status, 400)
  assert.equal((await send(telemetry.url, {}, { 'content-encoding': 'br' })).status, 415)
  assert.equal((await send(telemetry.url, { pad: 'x'.repeat(3_000) })).status, 413)
  const bomb = gzipSync(JSON.stringify({ pad: 'x'.repeat(100_000) }))
  assert.ok(bomb.length < 2_000)
  assert.equal((await send(telemetry.url, bomb, { 'content-encoding': 'gzip' })).status, 413)
  assert.equal((await fetch(`${telemetry.url}/api/traces/xyz`)).status, 400)
  assert.equal((await fetch(`${telemetry.url}/api/traces/${traceIdOf(5)}`)).status, 404)
  assert.equal((await fetch(`${telemetry.url}/api/traces?limit=0&who=me`)).status, 400)
  assert.equal((await fetch(`${telemetry.url}/v1/traces`)).status, 405)
})

test('spans survive a restart, and a torn file does no harm', async () => {
  await using directory = await temporary()
  const first = await start(directory.path)
  await send(first.url, exported('orders', { trace: 1, span: 1 }, { trace: 1, span: 2 }))
  first.child.kill('SIGTERM')
  assert.deepEqual(await once(first.child, 'exit'), [0, null])
  const [name] = await readdir(directory.path)
  await appendFile(join(directory.path, String(name)), '{}\nnull\n{"traceId":"12')
  await using second = await start(directory.path)
  assert.equal(
    ((await get(`${second.url}/api/traces/${traceIdOf(1)}`)) as unknown as { spans: unknown[] }).spans.length,
    2,
  )
  await send(second.url, exported('orders', { trace: 2, span: 1 }))
  assert.match(await (await fetch(`${second.url}/metrics`)).text(), /^telemetry_spans 3$/m)
})

test('files on the disk are bounded', async () => {
  await using directory = await temporary()
  {
    await using telemetry = await startTelemetry({
      directory: directory.path,
      limits: { segmentBytesMax: 1_000, segmentsMax: 3 },
    })
    for (let trace = 1; trace <= 12; trace += 1)
      await send(telemetry.url, exported('orders', { trace, span: 1, name: 'n'.repeat(1_000) }))
  }
  assert.deepEqual(
    (await readdir(directory.path)).sort(),
    [10, 11, 12].map((n) => `spans-${String(n).padStart(10, '0')}.ndjson`),
  )
  await using again = await startTelemetry({ directory: directory.path })
  assert.equal((await fetch(`${again.url}/api/traces/${traceIdOf(12)}`)).status, 200)
  assert.equal((await fetch(`${again.url}/api/traces/${traceIdOf(9)}`)).status, 404)
})

test('traces are refused under a foreign Host or Origin, health is not', async () => {
  await using directory = await temporary()
  await using telemetry = await start(directory.path, ['--allow-host', 'telemetry'])
  const statusWith = (path: string, headers: Record<string, string>) =>
    new Promise((resolve, reject) => {
      httpRequest(telemetry.url + path, { headers }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end()
    })
  assert.equal(await statusWith('/api/services', { host: 'evil.example' }), 403)
  assert.equal(await statusWith('/api/services', { origin: 'http://evil.example' }), 403)
  assert.equal(await statusWith('/api/services', { host: 'telemetry:4318' }), 200)
  assert.equal(await statusWith('/health/ready', { host: 'telemetry:4318' }), 200)
})

test('wrong flags end with 2, a taken port with 1 and one sentence; the end of stdin ends it', async () => {
  await using directory = await temporary()
  const wrong = await run(['--port', '70000', '--nothing'])
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /--port.*\n.*--nothing/)
  const telemetry = await start(directory.path)
  const taken = await run(['--port', new URL(telemetry.url).port, '--data-dir', join(directory.path, 'other')])
  assert.equal(taken.code, 1)
  assert.match(taken.stderr, /^telemetry: port \d+ on 127.0.0.1 is taken/)
  telemetry.child.stdin?.end()
  assert.deepEqual(await once(telemetry.child, 'exit'), [0, null])
})
