import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
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
const exported = (service: string, ...spans: { trace: number; span: number; [member: string]: unknown }[]) => ({
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
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition()));
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
  const trace = await get(`${telemetry.url}/traces/${traceIdOf(1)}`)
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
  const joined = (await get(`${telemetry.url}/traces/${traceIdOf(1)}/joined`)) as unknown as {
    spans: { service: string }[]
    links: object[]
  }
  assert.deepEqual(
    joined.spans.map((span) => span.service),
    ['orders', 'payments'],
  )
  assert.deepEqual(joined.links, [{ from: linkTo(2, 2), to: linkTo(1, 1) }])
  const found = (await get(
    `${telemetry.url}/traces?tag=order.id%3Do-1&service=orders&from=1970-01-01T00:00:00Z`,
  )) as unknown as { traces: { traceId: string }[] }
  assert.deepEqual(
    found.traces.map((each) => each.traceId),
    [traceIdOf(1)],
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
  assert.equal((await fetch(`${telemetry.url}/traces/${traceIdOf(1)}`)).status, 200)
})

test('what is not accepted is told in a Status with the right code', async () => {
  await using directory = await temporary()
  await using telemetry = await startTelemetry({ directory: directory.path, limits: { bodyBytesMax: 2_000 } })
  assert.equal((await send(telemetry.url, {}, { 'content-type': 'text/plain' })).status, 415)
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
  assert.equal((await fetch(`${telemetry.url}/traces/xyz`)).status, 400)
  assert.equal((await fetch(`${telemetry.url}/traces/${traceIdOf(5)}`)).status, 404)
  assert.equal((await fetch(`${telemetry.url}/traces?limit=0&who=me`)).status, 400)
  assert.equal((await fetch(`${telemetry.url}/v1/traces`)).status, 405)
})

test('protobuf is taken as JSON is, and answered in its own form', async () => {
  await using directory = await temporary()
  await using telemetry = await startTelemetry({ directory: directory.path, scrapeEveryMs: 0 })
  const part = (field: number, bytes: Buffer) => Buffer.concat([Buffer.from([field * 8 + 2, bytes.length]), bytes])
  const span = (id: string) =>
    Buffer.concat([
      part(1, Buffer.from(traceIdOf(7), 'hex')),
      part(2, Buffer.from(id, 'hex')),
      part(5, Buffer.from('p')),
    ])
  const body = (...spans: Buffer[]) => part(1, part(2, Buffer.concat(spans.map((one) => part(2, one)))))
  const post = async (bytes: Buffer, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${telemetry.url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', ...headers },
      body: new Uint8Array(bytes),
    })
    return [answer.status, answer.headers.get('content-type'), Buffer.from(await answer.arrayBuffer())] as const
  }
  const type = 'application/x-protobuf'
  assert.deepEqual(await post(body(span(spanIdOf(1)))), [200, type, Buffer.alloc(0)])
  assert.deepEqual(await post(gzipSync(body(span(spanIdOf(2)))), { 'content-encoding': 'gzip' }), [
    ...[200, type, Buffer.alloc(0)],
  ])
  const [status, , partial] = await post(body(span(spanIdOf(0)), span(spanIdOf(3))))
  assert.deepEqual([status, partial.subarray(0, 4)], [200, Buffer.from([0x0a, partial.length - 2, 0x08, 1])])
  const [refused, , words] = await post(Buffer.from([0x0a, 0x7f]))
  assert.deepEqual([refused, words.toString('latin1').includes('malformed')], [400, true])
  const { spans } = (await get(`${telemetry.url}/traces/${traceIdOf(7)}`)) as unknown as { spans: { name: string }[] }
  assert.deepEqual(
    spans.map(({ name }) => name),
    ['p', 'p', 'p'],
  )
})

test('logs and metrics over OTLP are kept, and answered with those of files and pages', async () => {
  await using directory = await temporary()
  await using telemetry = await startTelemetry({ directory: directory.path, scrapeEveryMs: 0 })
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'orders' } }] }
  const record = (text: string) => ({ severityNumber: 17, body: { stringValue: text }, traceId: traceIdOf(1) })
  const logs = { resourceLogs: [{ resource, scopeLogs: [{ logRecords: [record('first'), record('second'), 1] }] }] }
  assert.deepEqual((await send(telemetry.url, logs, {}, '/v1/logs')).body, {
    partialSuccess: { rejectedLogRecords: '1', errorMessage: 'logRecords[] must be an object' },
  })
  const found = (await get(`${telemetry.url}/logs?level=error&trace=${traceIdOf(1)}`)) as unknown as {
    lines: { text: string; service: string }[]
  }
  assert.deepEqual(found.lines.map(({ text, service }) => `${service}: ${text}`).sort(), [
    ...['orders: first', 'orders: second'],
  ])
  const metrics = [{ name: 'queue.length', gauge: { dataPoints: [{ asInt: '3' }] } }]
  const pushed = { resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] }
  assert.deepEqual((await send(telemetry.url, pushed, {}, '/v1/metrics')).body, {})
  await telemetry.look()
  const answer = (await get(`${telemetry.url}/metrics/query?query=queue_length`)) as unknown as {
    series: { value: number }[]
  }
  assert.deepEqual(
    answer.series.map(({ value }) => value),
    [3],
  )
})

test('after a restart rates and edges are there again', async () => {
  await using directory = await temporary()
  const { url, child } = await start(directory.path)
  const times = { startTimeUnixNano: `${Date.now() - 5}000000`, endTimeUnixNano: `${Date.now()}000000` }
  await send(url, exported('orders', { trace: 1, span: 1, ...times }))
  child.kill('SIGKILL')
  await once(child, 'exit')
  await using second = await start(directory.path)
  await until(async () => {
    const { operations } = (await get(`${second.url}/red`)) as unknown as { operations: { count: number }[] }
    return operations[0]?.count === 1
  })
})

test('what was taken survives kill -9, and other files do no harm', async () => {
  await using directory = await temporary()
  const first = await start(directory.path)
  await send(first.url, exported('orders', { trace: 1, span: 1 }, { trace: 1, span: 2 }))
  first.child.kill('SIGKILL')
  assert.deepEqual(await once(first.child, 'exit'), [null, 'SIGKILL'])
  await writeFile(join(directory.path, 'spans-0000000001.ndjson'), '{"traceId":"12')
  await using second = await start(directory.path)
  assert.equal(((await get(`${second.url}/traces/${traceIdOf(1)}`)) as unknown as { spans: unknown[] }).spans.length, 2)
  await send(second.url, exported('orders', { trace: 1, span: 3 }))
  assert.equal(((await get(`${second.url}/traces/${traceIdOf(1)}`)) as unknown as { spans: unknown[] }).spans.length, 3)
  assert.ok(!(await readdir(directory.path)).includes('spans-0000000001.ndjson'))
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
  assert.equal(await statusWith('/services', { host: 'evil.example' }), 403)
  assert.equal(await statusWith('/services', { origin: 'http://evil.example' }), 403)
  assert.equal(await statusWith('/services', { host: 'telemetry:4318' }), 200)
  assert.equal(await statusWith('/health/ready', { host: 'telemetry:4318' }), 200)
})

test('a second process on the same folder is refused; after the first it may have it, however that ended', async () => {
  await using directory = await temporary()
  const first = await start(directory.path)
  const second = await run(['--port', '0', '--data-dir', directory.path])
  assert.deepEqual([second.code, second.stderr.includes(`in use by process ${first.child.pid}`)], [1, true])
  assert.equal((await fetch(`${first.url}/health/ready`)).status, 200)
  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  await using third = await start(directory.path)
  assert.equal((await fetch(`${third.url}/health/ready`)).status, 200)
})

test('a level that can’t be judged over what there is has a fault in its place; the others are judged and kept', async () => {
  await using directory = await temporary()
  const level = (id: string, expression: string) => ({
    ...{ id, expression, what: '', load: '', samples: 'count(up)', samplesMin: 1, by: [], window: '5m', runbook: '' },
    objective: { at: 'least', value: 1, unit: '' } as const,
    ...({ budget: 'time', severity: 'warning' } as const),
  })
  const levels = [level('many', '{job="telemetry"} * on (job) {job="telemetry"}'), level('up', 'max(up)')]
  await using telemetry = await startTelemetry({ directory: directory.path, scrapeEveryMs: 0, levels })
  await telemetry.look()
  await telemetry.look()
  const { levels: found } = (await get(`${telemetry.url}/levels`)) as unknown as {
    levels: { id: string; verdict: string; fault?: string; budget: object | null }[]
  }
  assert.deepEqual(
    found.map(({ id, verdict, fault }) => [id, verdict, fault !== undefined]),
    [
      ['many', 'no data', true],
      ['up', 'met', false],
    ],
  )
  assert.match(String(found[0]?.fault), /several elements/)
  assert.ok(found[1]?.budget)
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
