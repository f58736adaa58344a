/**
 * The query APIs of Jaeger and Zipkin, ours beside the real ones: the same spans, the same questions, the same answers.
 * What a tool adds of itself (its own tags) is left out on its side, and what isn't ordered is sorted on both. Skipped
 * where they are not installed.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startTelemetry, type Telemetry } from '../../platform/telemetry/src/index.ts'
import { withoutProgram } from '../../system/test/engines/engine.ts'
import { startTestJaeger } from '../../system/test/engines/jaeger.ts'
import { startTestZipkin, withoutZipkin } from '../../system/test/engines/zipkin.ts'
import { until } from '../observe/until.ts'

type Json = Record<string, unknown>

const text = (attributes: Record<string, string | number | boolean>) =>
  Object.entries(attributes).map(([key, value]) => ({
    key,
    value:
      typeof value === 'string'
        ? { stringValue: value }
        : typeof value === 'number'
          ? { intValue: value }
          : { boolValue: value },
  }))

const startMs = Date.now() - 60_000
const traceIds = Array.from({ length: 3 }, () => randomBytes(16).toString('hex'))

/** Three orders: the gateway calls orders, which asks a database and calls payments; the last one fails. */
const exported = traceIds.flatMap((traceId, n) => {
  const id = () => randomBytes(8).toString('hex')
  const [root, call, server, query, pay, paid] = [id(), id(), id(), id(), id(), id()]
  const span = (
    spanId: string,
    parentSpanId: string | undefined,
    name: string,
    kind: number,
    from: number,
    to: number,
    more: object,
  ) => ({
    ...{ traceId, spanId, name, kind },
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    startTimeUnixNano: `${startMs + n * 1_000 + from}000000`,
    endTimeUnixNano: `${startMs + n * 1_000 + to}000000`,
    ...more,
  })
  const failed = n === 2 ? { status: { code: 2, message: 'declined' } } : {}
  const of = (service: string, ...spans: object[]) => ({
    resource: { attributes: text({ 'service.name': service, 'service.instance.id': `${service}-1` }) },
    scopeSpans: [{ scope: { name: 'test' }, spans }],
  })
  const http = { attributes: text({ 'http.request.method': 'POST', attempt: n, sampled: true }) }
  return [
    of(
      'gateway',
      span(root, undefined, 'POST /orders', 2, 0, 90 + n, http),
      span(call, root, 'POST', 3, 5, 80, { attributes: text({ 'peer.service': 'orders' }) }),
    ),
    of(
      'orders',
      span(server, call, 'POST /orders', 2, 10, 75, {
        events: [
          { name: 'stock reserved', timeUnixNano: `${startMs + n * 1_000 + 20}000000`, attributes: text({ units: 2 }) },
        ],
        links: [{ traceId: traceIds[0], spanId: root }],
      }),
      span(query, server, 'SQL SELECT', 3, 12, 18, { attributes: text({ 'db.system': 'postgresql' }) }),
      span(pay, server, 'POST /charges', 3, 20, 60, { attributes: text({ 'peer.service': 'payments' }), ...failed }),
    ),
    of('payments', span(paid, pay, 'POST /charges', 2, 25, 55, failed)),
  ]
})

const home = mkdtempSync(join(tmpdir(), 'svyaz-trace-apis-'))
const running = new AsyncDisposableStack()
after(async () => {
  await running.disposeAsync()
  rmSync(home, { recursive: true })
})
let telemetry: Telemetry

async function send(base: string): Promise<void> {
  const answer = await fetch(`${base}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: exported }),
  })
  assert.equal(answer.status, 200, await answer.text())
}

async function ask(base: string, path: string): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(base + path)
  const body = await answer.text()
  return { status: answer.status, body: body.startsWith('{') || body.startsWith('[') ? JSON.parse(body) : body }
}

before(async () => {
  telemetry = running.use(await startTelemetry({ directory: join(home, 'telemetry'), scrapeEveryMs: 0 }))
  await send(telemetry.url)
})

/** Order that has no meaning is taken away. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort()
      .map(([key, one]) => [key, sorted(one)]),
  )
}

const noJaeger = withoutProgram('jaeger-all-in-one')
if (noJaeger) test('beside Jaeger', { skip: noJaeger }, () => {})
else
  describe('beside Jaeger', { timeout: 120_000 }, () => {
    let jaeger: string
    before(async () => {
      const engine = running.use(await startTestJaeger())
      await send(engine.otlp)
      jaeger = engine.query
      await until('Jaeger to have them', async () => {
        const { body } = await ask(jaeger, `/api/traces/${traceIds[2]}`)
        return (body as { data: { spans: unknown[] }[] | null }).data?.[0]?.spans.length === 6
      })
    })

    /** Jaeger's own tags, and names of processes, which are numbered as they come. */
    const plain = (body: unknown): unknown => {
      const own = /^(?:otel\.scope|internal\.|w3c\.tracestate|jaeger|service\.instance|span\.kind$|otel\.library)/
      const tags = (list: unknown) => (list as { key: string }[]).filter(({ key }) => !own.test(key))
      const { data } = body as { data: unknown }
      if (!Array.isArray(data)) return sorted(body)
      return sorted(
        data.map((trace: Json) => {
          if (typeof trace !== 'object' || !Array.isArray(trace.spans)) return trace
          const processes = trace.processes as Record<string, { serviceName: string }>
          return (trace.spans as Json[]).map(({ processID, flags: _, tags: list, warnings: __, ...span }) => ({
            ...span,
            tags: tags(list),
            service: processes[String(processID)]?.serviceName,
          }))
        }),
      )
    }
    const same = async (path: string) => {
      const [theirs, own] = await Promise.all([ask(jaeger, path), ask(telemetry.url, path)])
      assert.equal(own.status, theirs.status, path)
      assert.deepEqual(plain(own.body), plain(theirs.body), path)
    }
    const times = `start=${startMs * 1_000 - 1}&end=${Date.now() * 1_000}&limit=20`
    const questions = [
      '/api/services/orders/operations',
      '/api/operations?service=orders',
      '/api/operations?service=orders&spanKind=client',
      ...traceIds.map((id) => `/api/traces/${id}`),
      ...['service=orders', 'service=gateway&operation=POST', 'service=nobody', 'service=orders&minDuration=60ms'].map(
        (query) => `/api/traces?${query}&${times}`,
      ),
      `/api/traces?service=payments&tags=${encodeURIComponent('{"error":"true"}')}&${times}`,
      `/api/traces?service=gateway&tags=${encodeURIComponent('{"attempt":"1"}')}&${times}`,
      `/api/traces?service=gateway&maxDuration=90ms&${times}`,
      `/api/dependencies?endTs=${Date.now()}&lookback=3600000`,
    ]
    for (const question of questions)
      test(question.replace(/(?:start|end|endTs)=\d+/g, '…').slice(0, 90), () => same(question))

    test('what is not there, and what is wrong', async () => {
      for (const path of [`/api/traces/${'c'.repeat(32)}`, '/api/traces', '/api/traces?service=a&minDuration=soon']) {
        const [theirs, own] = await Promise.all([ask(jaeger, path), ask(telemetry.url, path)])
        assert.equal(own.status, theirs.status, path)
        assert.ok((own.body as { errors: unknown[] }).errors.length > 0)
      }
    })
  })

/** Zipkin counts databases among services, by the name of their kind; ours names those who sent spans or were called. */
const servicesOnly = (body: unknown) => (body as { child: string }[]).filter(({ child }) => child !== 'postgresql')

const noZipkin = withoutZipkin()
if (noZipkin) test('beside Zipkin', { skip: noZipkin }, () => {})
else
  describe('beside Zipkin', { timeout: 400_000 }, () => {
    let zipkin: string
    before(
      async () => {
        zipkin = running.use(await startTestZipkin()).url
        // Zipkin takes no OTLP: it gets the spans as ours gives them, and its answers are about those.
        const found = (await ask(telemetry.url, `/api/v2/traceMany?traceIds=${traceIds}`)).body as object[][]
        assert.equal(found.flat().length, 18)
        const answer = await fetch(`${zipkin}/api/v2/spans`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(found.flat()),
        })
        assert.equal(answer.status, 202, await answer.text())
        await until('Zipkin to have them', async () => {
          const { body } = await ask(zipkin, `/api/v2/traceMany?traceIds=${traceIds}`)
          return (body as object[][]).flat().length === 18
        })
      },
      { timeout: 300_000 },
    )

    const times = () => `endTs=${Date.now()}&lookback=3600000&limit=20`
    const questions = [
      '/api/v2/services',
      '/api/v2/spans?serviceName=orders',
      '/api/v2/spans?serviceName=ORDERS',
      '/api/v2/spans?serviceName=nobody',
      ...traceIds.map((id) => `/api/v2/trace/${id}`),
      ...[
        'serviceName=orders',
        'serviceName=nobody',
        'serviceName=gateway&minDuration=91000',
        'annotationQuery=error',
      ].map((query) => `/api/v2/traces?${query}`),
      '/api/v2/traces?serviceName=gateway&annotationQuery=attempt%3D1',
      '/api/v2/traces?serviceName=orders&spanName=sql%20select',
      '/api/v2/dependencies',
    ]
    for (const question of questions)
      test(question.slice(0, 90), async () => {
        const timed = /traces\?|dependencies/.test(question)
        const path = timed ? `${question}${question.includes('?') ? '&' : '?'}${times()}` : question
        const [theirs, own] = await Promise.all([ask(zipkin, path), ask(telemetry.url, path)])
        assert.equal(own.status, theirs.status, path)
        const isLink = question.endsWith('dependencies')
        assert.deepEqual(
          ...([own, theirs].map(({ body }) => sorted(isLink ? servicesOnly(body) : body)) as [unknown, unknown]),
          path,
        )
      })

    test('what is not there, and what is wrong', async () => {
      for (const path of [`/api/v2/trace/${'c'.repeat(32)}`, '/api/v2/trace/xyz', '/api/v2/traces?limit=few'])
        assert.equal((await ask(telemetry.url, path)).status, (await ask(zipkin, path)).status, path)
    })
  })
