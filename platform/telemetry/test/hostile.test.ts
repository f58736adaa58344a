/** What whoever reaches the port can send, against a process with the heap that it has in the system. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type Started, startProcess } from '@svyaz/stage/testing'
import { defaultLimits } from '../src/index.ts'
import { spanIdOf, traceIdOf } from './example-span.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const nodeFlags = ['--max-old-space-size=96', '--max-semi-space-size=4']
/**
 * Of the whole process, whatever is sent: heap, buffers, SQLite's caches, the program itself. 266 MB were
 * seen with Node 26.
 */
const residentBytesMax = 320e6

const { bodyBytesMax } = defaultLimits
const directory = mkdtempSync(join(tmpdir(), 'telemetry-hostile-'))
let telemetry: Started
before(async () => {
  telemetry = await startProcess(main, directory, ['--scrape-seconds', '0'], nodeFlags)
})
after(async () => {
  await telemetry[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true })
})

type Sent = { readonly status: number; readonly rejected: number }
type SpanParts = { readonly trace: number; readonly span: number; readonly [member: string]: unknown }

async function post(path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Sent> {
  const answer = await fetch(`${telemetry.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  })
  const { partialSuccess = {} } = (await answer.json()) as { partialSuccess?: Record<string, string> }
  return {
    status: answer.status,
    rejected: Number(partialSuccess.rejectedSpans ?? partialSuccess.rejectedLogRecords ?? 0),
  }
}

const spansText = (spans: readonly SpanParts[], service = 'hostile') =>
  JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
        scopeSpans: [
          {
            spans: spans.map(({ trace, span, ...more }) => {
              const times = { startTimeUnixNano: `${Date.now()}000000`, endTimeUnixNano: `${Date.now() + 1}000000` }
              return { traceId: traceIdOf(trace), spanId: spanIdOf(span), kind: 2, name: 'n', ...times, ...more }
            }),
          },
        ],
      },
    ],
  })
const attribute = (key: string, text: string) => ({ key, value: { stringValue: text } })
const get = async <T>(path: string) => (await (await fetch(telemetry.url + path)).json()) as T
const figure = async (name: string) => {
  const page = await (await fetch(`${telemetry.url}/metrics`)).text()
  return Number(new RegExp(`^telemetry_${name} (\\S+)$`, 'm').exec(page)?.[1])
}
/** The most that it ever had (Linux); elsewhere what it has now. */
function peakBytes(pid: number): Promise<number> | number {
  if (process.platform !== 'linux') return figure('process_resident_memory_bytes')
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024
}

/** It is there, takes what is right, and is as small as ever. */
async function stillWell(trace: number): Promise<void> {
  assert.deepEqual(await post('/v1/traces', spansText([{ trace, span: 1 }], 'honest')), { status: 200, rejected: 0 })
  const { spans } = await get<{ spans: object[] }>(`/traces/${traceIdOf(trace)}`)
  assert.equal(spans.length, 1)
  const bytes = await peakBytes(telemetry.child.pid ?? 0)
  assert.ok(bytes < residentBytesMax, `${Math.round(bytes / 1e6)} MB`)
}

test('gzip bombs, many at once, cost what one costs', async () => {
  // Four megabytes each, in four kilobytes: just what is allowed, and just above it.
  const allowed = gzipSync(`{"pad":"${'x'.repeat(bodyBytesMax - 100)}"}`)
  const above = gzipSync('x'.repeat(200_000_000))
  const bombs = Array.from({ length: 24 }, (_, n) => (n % 2 === 0 ? allowed : above))
  const sent = await Promise.all(bombs.map((bomb) => post('/v1/traces', bomb, { 'content-encoding': 'gzip' })))
  assert.deepEqual(
    sent.map(({ status }) => status),
    bombs.map((bomb) => (bomb === allowed ? 200 : 413)),
  )
  await stillWell(1)
})

test('bodies of nothing but brackets, or of empty messages, are refused before anything is made of them', async () => {
  const bytes = bodyBytesMax - 100
  for (const [least, text] of [
    [400, `{"resourceSpans":[${'{},'.repeat(bytes / 3)}{}]}`],
    [400, `{"pad":[${'[],'.repeat(bytes / 3)}[]]}`],
    [400, `{"pad":${'['.repeat(bytes / 2)}${']'.repeat(bytes / 2)}}`],
    [200, `{${Array.from({ length: bytes / 10 }, (_, n) => `"${n.toString(36).padStart(5, 'k')}":1`).join()}}`],
    [200, `{"pad":[${Array.from({ length: bytes / 8 }, (_, n) => `"${n.toString(36).padStart(5, 's')}"`).join()}]}`],
    // All of it is one string.
    [200, `{"pad":"${'[{'.repeat(bytes / 2)}"}`],
  ] as const)
    assert.equal((await post('/v1/traces', text)).status, least, text.slice(0, 30))
  for (const body of [Buffer.from([0x0a, 0]), Buffer.from([0x0a, 2, 0x12, 0])]) {
    const answer = await fetch(`${telemetry.url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: new Uint8Array(Buffer.alloc(bytes - (bytes % body.length), body)),
    })
    assert.equal(answer.status, 400)
  }
  await stillWell(9)
})

test('bodies that come slowly, or all at once, are held up to a bound; more are told to come again', async () => {
  const pad = Buffer.alloc(bodyBytesMax - 100, 'x')
  const sockets = Array.from({ length: 16 }, () => connect(Number(new URL(telemetry.url).port), '127.0.0.1'))
  const head = `POST /v1/traces HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${pad.length + 1}\r\n\r\n`
  const answers = sockets.map(
    (socket) =>
      new Promise<string>((resolve) => {
        socket.on('data', (bytes: Buffer) => resolve(bytes.toString('latin1', 9, 12)))
        socket.on('error', () => resolve('reset')).on('close', () => resolve('closed'))
        socket.write(head)
        socket.write(pad)
      }),
  )
  // Eight have room; each of the others is answered without its last byte.
  const settled: string[] = []
  for (const answer of answers) void answer.then((status) => settled.push(status))
  while (settled.length < 7) await new Promise(setImmediate)
  for (const socket of sockets) socket.destroy()
  assert.ok(settled.slice(0, 7).includes('503'), String(settled))
  await stillWell(2)
})

test('attributes of a megabyte are refused with their spans; the others of the export are taken', async () => {
  const long = 'x'.repeat(1024 * 1024)
  for (let n = 0; n < 8; n += 1) {
    const large = Array.from({ length: 3 }, (_, at) => ({
      ...{ trace: 1_000 + n, span: at + 1, kind: 3, name: `${n}.${at}${long.slice(0, 1_000)}` },
      attributes: [attribute('server.address', long)],
    }))
    const sent = await post('/v1/traces', spansText([...large, { trace: 2_000 + n, span: 1 }]))
    assert.deepEqual(sent, { status: 200, rejected: 3 })
  }
  const { edges } = await get<{ edges: { to: string }[] }>('/edges')
  assert.ok(edges.every(({ to }) => to.length < 300))
  const record = { body: { stringValue: 'short' }, attributes: [attribute('long', long)] }
  const logs = { resourceLogs: [{ scopeLogs: [{ logRecords: [record, { body: { stringValue: 'kept' } }] }] }] }
  assert.deepEqual(await post('/v1/logs', JSON.stringify(logs)), { status: 200, rejected: 1 })
  await stillWell(3)
})

test('of a trace of a hundred thousand spans the first five thousand are kept', async () => {
  let [sentSpans, rejected] = [0, 0]
  for (let n = 0; n < 100; n += 1) {
    const spans = Array.from({ length: 1_000 }, (_, at) => ({ trace: 7, span: n * 1_000 + at + 1 }))
    const sent = await post('/v1/traces', spansText(spans))
    assert.equal(sent.status, 200)
    sentSpans += spans.length
    rejected += sent.rejected
  }
  assert.deepEqual([sentSpans, rejected], [100_000, 95_000])
  const { spans } = await get<{ spans: object[] }>(`/traces/${traceIdOf(7)}`)
  assert.equal(spans.length, 5_000)
  const { traces } = await get<{ traces: { spanCount: number }[] }>('/traces?service=hostile&limit=500')
  assert.ok(traces.some(({ spanCount }) => spanCount === 5_000))
  await stillWell(4)
})

test('spans that are as large as allowed are searched, listed and drawn without holding them all', async () => {
  const text = 'y'.repeat(60_000)
  for (let n = 0; n < 15; n += 1)
    await post(
      '/v1/traces',
      spansText(
        Array.from({ length: 60 }, (_, at) => ({
          ...{ trace: 3_000_000 + n * 100 + at, span: 1, attributes: [attribute('y', text)] },
        })),
        'large',
      ),
    )
  assert.equal((await get<{ traces: object[] }>(`/traces?service=large&tag=y%3Dz&limit=500`)).traces.length, 0)
  assert.equal((await get<{ traces: object[] }>(`/traces?service=large&limit=500`)).traces.length, 500)
  const jaeger = await get<{ data: object[] }>('/api/traces?service=large&limit=1500')
  const zipkin = await get<object[]>('/api/v2/traces?serviceName=large&limit=500')
  assert.ok(jaeger.data.length > 50 && jaeger.data.length < 200 && zipkin.length === jaeger.data.length)
  await stillWell(5)
})

test('a clock in 1970, one in 2100 and one beyond all: kept and found by their times, left out of rates', async () => {
  const before = await figure('spans_uncounted_total')
  const atMs = { 1970: 1, 2100: Date.UTC(2100, 0, 1), beyond: 18_446_744_073_709 }
  for (const [n, ms] of Object.values(atMs).entries()) {
    const times = { startTimeUnixNano: `${ms}000000`, endTimeUnixNano: `${ms + 5}000000` }
    await post('/v1/traces', spansText([{ trace: 9_000 + n, span: 1, ...times }], 'off'))
  }
  const found = async (query: string) =>
    (await get<{ traces: { traceId: string; durationMs: number }[] }>(`/traces?service=off&${query}`)).traces
  assert.equal((await found('from=0&to=1000'))[0]?.traceId, traceIdOf(9_000))
  assert.deepEqual((await found('from=2099-12-31&to=2100-01-02'))[0], {
    ...(await found('from=2099-12-31&to=2100-01-02'))[0],
    traceId: traceIdOf(9_001),
    durationMs: 5,
  })
  assert.equal((await found('')).length, 3)
  assert.equal((await figure('spans_uncounted_total')) - before, 3)
  const { operations } = await get<{ operations: { service: string }[] }>('/red?windowS=3600')
  assert.ok(operations.every(({ service }) => service !== 'off'))
  for (const path of ['/api/traces?service=off', '/api/v2/traces?serviceName=off', '/services', '/edges'])
    assert.equal((await fetch(telemetry.url + path)).status, 200)
  await stillWell(6)
})

test('log lines from 1970 and 2100 hide none of now', async () => {
  const record = (ms: number, text: string) => ({ timeUnixNano: `${ms}000000`, body: { stringValue: text } })
  const nowMs = Date.now()
  const records = [record(2, 'first'), record(Date.UTC(2100, 0, 1), 'last'), record(nowMs, 'now')]
  await post('/v1/logs', JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: records }] }] }))
  const texts = async (query: string) =>
    (await get<{ lines: { text: string }[] }>(`/logs?service=unknown_service&${query}`)).lines.map(({ text }) => text)
  assert.deepEqual(await texts(`from=${nowMs - 1}&to=${nowMs + 1}`), ['now'])
  const all = await texts('')
  assert.deepEqual([all[0], all.at(-1)], ['last', 'first'])
  assert.equal((await fetch(`${telemetry.url}/logs/rate`)).status, 200)
})

test('names of services, operations and metrics without end are told apart up to a bound, and counted beyond', async () => {
  for (let n = 0; n < 5; n += 1)
    await post(
      '/v1/traces',
      spansText(
        Array.from({ length: 1_000 }, (_, at) => ({
          ...{ trace: 4_000_000 + n * 1_000 + at, span: 1, name: `operation ${n}.${at}${'o'.repeat(300)}` },
        })),
        `service ${n}`,
      ),
    )
  for (let n = 0; n < 20; n += 1) {
    const dataPoints = Array.from({ length: 3_000 }, (_, at) => ({
      ...{ asInt: '1', attributes: [attribute('l', `${n}.${at}${'m'.repeat(1_000)}`)] },
    }))
    const resource = { attributes: [attribute('service.name', `s${n}`)] }
    const metrics = [{ name: 'm', gauge: { dataPoints } }]
    await post('/v1/metrics', JSON.stringify({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] }))
  }
  const { services } = await get<{ services: { operations: object[] }[] }>('/services')
  assert.ok(services.reduce((sum, { operations }) => sum + operations.length, 0) <= 2_000)
  assert.ok((await figure('points_rejected_total')) > 40_000)
  await stillWell(8)
})
