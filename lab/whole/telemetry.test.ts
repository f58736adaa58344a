/**
 * What the telemetry answers is what contracts/telemetry.ts says, route by route, of a real one that got real spans, logs
 * and a registry: schemas are strict, so a member too many fails too.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  type LiveFrame,
  type LiveWish,
  liveFrame,
  type TelemetryReply,
  telemetryRoutes,
} from '@svyaz/contracts/telemetry.ts'
import { startDiscovery } from '../../platform/discovery/src/index.ts'
import { startTelemetry } from '../../platform/telemetry/src/index.ts'
import { serviceLevels } from '../../system/service-levels.ts'

type Name = keyof typeof telemetryRoutes

const home = mkdtempSync(join(tmpdir(), 'svyaz-telemetry-'))
const logs = join(home, 'logs')
const running = new AsyncDisposableStack()
after(async () => {
  await running.disposeAsync()
  rmSync(home, { recursive: true })
})
let url: string
let look: () => Promise<void>
let page = ''

const traceId = randomBytes(16).toString('hex')
const spanId = () => randomBytes(8).toString('hex')
const nanos = (agoMs: number) => `${Date.now() - agoMs}000000`
const text = (attributes: Record<string, string>) =>
  Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }))

function exportOf(service: string, ...spans: object[]) {
  const resource = { attributes: text({ 'service.name': service, 'service.instance.id': `${service}-1` }) }
  return { resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }
}

async function send(body: object): Promise<void> {
  const answer = await fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  assert.deepEqual([answer.status, await answer.json()], [200, {}])
}

/** Asks, and holds query and answer to the contract. */
async function ask<N extends Name>(name: N, query: Record<string, string> = {}, id = ''): Promise<TelemetryReply<N>> {
  const route = telemetryRoutes[name]
  route.query.parse(query)
  const path = route.path.replace('{traceId}', id)
  const answer = await fetch(`${url}${path}?${new URLSearchParams(query)}`)
  const body: unknown = await answer.json()
  assert.equal(answer.status, 200, JSON.stringify(body))
  return route.reply.parse(body) as TelemetryReply<N>
}

before(async () => {
  mkdirSync(logs)
  const discovery = running.use(await startDiscovery({ directory: join(home, 'discovery'), port: 0 }))
  // An instance's management port: what it says is `page`.
  const management = createServer((_, response) => response.end(page)).listen(0, '127.0.0.1')
  running.defer(() => void management.close())
  running.defer(() => management.closeAllConnections())
  await once(management, 'listening')
  const port = (management.address() as AddressInfo).port
  const registry = `http://127.0.0.1:${discovery.port}`
  await fetch(`${registry}/v1/agent/service/register`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ID: 'orders-1',
      Name: 'orders',
      Port: 1,
      Meta: { management: String(port) },
      Check: { TTL: '60s', Status: 'passing' },
    }),
  })
  const telemetry = running.use(
    await startTelemetry({
      directory: join(home, 'telemetry'),
      logDirectory: logs,
      discovery: registry,
      targets: [{ name: 'discovery', url: `${registry}/metrics` }],
      levels: serviceLevels,
      scrapeEveryMs: 0,
    }),
  )
  url = telemetry.url
  look = () => telemetry.look()
  await sendOrder()
})

/** An order at the gateway, handed to orders, whose event finds no broker. */
async function sendOrder(): Promise<void> {
  const call = spanId()
  const times = { startTimeUnixNano: nanos(50), endTimeUnixNano: nanos(10) }
  await send(
    exportOf(
      'gateway',
      { traceId, spanId: 'a'.repeat(16), name: 'POST /orders', kind: 2, ...times },
      {
        traceId,
        spanId: call,
        parentSpanId: 'a'.repeat(16),
        name: 'POST',
        kind: 3,
        ...times,
        attributes: text({ 'peer.service': 'orders', 'http.request.method': 'POST', 'url.path': '/orders/o-4711' }),
      },
    ),
  )
  await send(
    exportOf('orders', {
      traceId,
      spanId: spanId(),
      parentSpanId: call,
      name: 'send orders.events',
      kind: 4,
      ...times,
      status: { code: 2, message: 'no broker' },
      attributes: text({ 'messaging.destination.name': 'orders.events', 'messaging.message.id': 'e-1' }),
    }),
  )
}

describe('what telemetry answers is what its contract says', () => {
  test('traces, found by everything that one may look for', async () => {
    const wanted: Record<string, string>[] = [
      {},
      { service: 'orders' },
      { operation: 'POST /orders' },
      { kind: 'producer', error: 'true' },
      { minDurationMs: '40', maxDurationMs: '40' },
      { order: 'o-4711' },
      { event: 'e-1' },
      { tag: 'peer.service=orders' },
      { from: String(Date.now() - 60_000), to: new Date(Date.now() + 60_000).toISOString() },
    ]
    for (const query of wanted) {
      const { traces, complete } = await ask('traces', query)
      assert.deepEqual([traces.map((one) => one.traceId), complete], [[traceId], true], JSON.stringify(query))
    }
    for (const query of [{ service: 'users' }, { order: 'o-4712' }, { error: 'true', service: 'gateway' }])
      assert.deepEqual((await ask('traces', query)).traces, [], JSON.stringify(query))
    const [summary] = (await ask('traces')).traces
    assert.deepEqual([summary?.spanCount, summary?.errorCount, summary?.services], [3, 1, ['gateway', 'orders']])
  })

  test('a trace, alone and joined', async () => {
    assert.equal((await ask('trace', {}, traceId)).spans.length, 3)
    assert.equal((await ask('joined', {}, traceId)).spans.length, 3)
  })

  test('services with instances and operations', async () => {
    const { services } = await ask('services')
    assert.deepEqual(services, [
      {
        service: 'gateway',
        instances: [],
        operations: [
          { operation: 'POST /orders', kind: 'server' },
          { operation: 'POST', kind: 'client' },
        ],
      },
      {
        service: 'orders',
        instances: ['orders-1'],
        operations: [{ operation: 'send orders.events', kind: 'producer' }],
      },
    ])
  })

  test('rate, errors and duration, of operations and edges', async () => {
    const { operations, edges, windowS } = await ask('red', { windowS: '60', points: 'true', service: 'orders' })
    assert.equal(windowS, 60)
    assert.deepEqual(
      operations.map(({ operation, count, errors, errorRatio, meanMs }) => [
        operation,
        count,
        errors,
        errorRatio,
        meanMs,
      ]),
      [['send orders.events', 1, 1, 1, 40]],
    )
    assert.equal(operations[0]?.points?.length, 1)
    assert.deepEqual(edges.map(({ from, to, protocol, errors }) => `${from} ${protocol} ${to} ${errors}`).sort(), [
      'service:gateway http service:orders 0',
      'service:orders message topic:orders.events 1',
    ])
  })

  test('the live map: nodes with their instances, and edges', async () => {
    const { nodes, edges } = await ask('edges', { windowS: '60' })
    assert.deepEqual(nodes.map(({ id }) => id).sort(), [
      'client',
      'service:gateway',
      'service:orders',
      'topic:orders.events',
    ])
    assert.deepEqual(nodes.find(({ id }) => id === 'service:orders')?.instances, [
      { instance: 'orders-1', status: 'passing' },
    ])
    assert.equal(edges.length, 3)
    const { totals, stepMs } = await ask('edgeTotals', { windowS: '60' })
    assert.deepEqual([totals.reduce((sum, { count }) => sum + count, 0), stepMs], [3, 10_000])
  })

  test('logs, and how many there were', async () => {
    const line = { level: 'warn', time: new Date().toISOString(), service: 'orders', instance: 'orders-1', traceId }
    appendFileSync(join(logs, 'orders-1.log'), `${JSON.stringify({ ...line, msg: 'no broker', attempt: 3 })}\n`)
    const { lines, next } = await ask('logs', { level: 'warn', trace: traceId })
    assert.deepEqual([lines[0]?.text, lines[0]?.fields, next], ['no broker', { attempt: 3 }, null])
    const { buckets, complete } = await ask('logRate')
    assert.deepEqual([buckets.reduce((sum, { warn }) => sum + warn, 0), complete], [1, true])
  })

  test('metrics: what was scraped, now and over time', async () => {
    const lines = (handled: number) =>
      `# TYPE handled_total counter\n# HELP handled_total Done.\nhandled_total{group="g"} ${handled}\nodd NaN\n`
    for (const handled of [10, 30, 20]) {
      page = lines(handled)
      await look()
    }
    const { series } = await ask('metric', { query: 'handled_total' })
    assert.deepEqual(series, [
      {
        labels: { __name__: 'handled_total', group: 'g', job: 'svyaz', service: 'orders', instance: 'orders-1' },
        value: 20,
      },
    ])
    assert.deepEqual((await ask('metric', { query: 'odd + 1' })).series[0]?.value, null)
    assert.equal((await ask('metric', { query: 'sum(resets(handled_total[1m]))' })).series[0]?.value, 1)
    const range = await ask('metricRange', { query: 'sum(up)', stepS: '1', from: String(Date.now() - 3_000) })
    assert.equal(range.series[0]?.points.at(-1)?.[1], 3)
    const { metrics } = await ask('metricNames')
    assert.deepEqual(
      metrics.find(({ name }) => name === 'handled_total'),
      { name: 'handled_total', type: 'counter', help: 'Done.', series: 1 },
    )
    const { targets } = await ask('targets')
    assert.deepEqual(targets.map(({ labels, up }) => [labels.job, up]).sort(), [
      ['discovery', true],
      ['svyaz', true],
      ['telemetry', true],
    ])
  })

  test('the map says how many messages wait between a topic and its reader', async () => {
    page =
      'svyaz_consumer_lag{group="g",topic="orders.events",partition="0"} 4\nsvyaz_consumer_lag{group="g",topic="orders.events",partition="1"} 3\n'
    await look()
    const attributes = text({ 'messaging.destination.name': 'orders.events' })
    const times = { startTimeUnixNano: nanos(9), endTimeUnixNano: nanos(5) }
    await send(exportOf('orders', { traceId, spanId: spanId(), name: 'handle', kind: 5, ...times, attributes }))
    const { edges } = await ask('edges', { windowS: '60' })
    assert.equal(edges.find(({ from }) => from === 'topic:orders.events')?.waiting, 7)
    assert.equal(edges.find(({ to }) => to === 'topic:orders.events')?.waiting, undefined)
  })

  test('service levels: no data before there is enough, then a verdict and a budget', async () => {
    const verdict = async (id: string) => (await ask('levels')).levels.find((level) => level.id === id)
    assert.equal((await verdict('service-latency'))?.verdict, 'no data')
    const latency = (count: number, sum: number) =>
      `http_server_request_duration_seconds_count{route="/orders"} ${count}\n` +
      `http_server_request_duration_seconds_sum{route="/orders"} ${sum}\n`
    for (const [count, sum] of [
      [10, 1],
      [1_000, 100],
    ] as const) {
      page = latency(count, sum)
      await look()
    }
    const level = await verdict('service-latency')
    assert.deepEqual(
      [level?.verdict, level?.series.map(({ of, verdict: one }) => [of, one])],
      ['met', [['orders', 'met']]],
    )
    assert.ok(Math.abs((level?.series[0]?.value ?? 0) - 0.1) < 1e-9)
    page = latency(2_000, 1_000)
    await look()
    assert.equal((await verdict('service-latency'))?.verdict, 'missed')
  })

  test('what is live: edges, lines and health in groups, to whoever listens', async () => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/live`)
    await once(socket, 'open')
    const wish: LiveWish = { edges: true, logs: { level: 'error' }, health: true }
    socket.send(JSON.stringify(wish))
    const seen = new Map<LiveFrame['type'], LiveFrame>()
    const all = new Promise<void>((resolve) => {
      socket.addEventListener('message', ({ data }) => {
        const frame = liveFrame.parse(JSON.parse(String(data)))
        seen.set(frame.type, frame)
        if (seen.size === 3) resolve()
        // Health comes once it is listened to; then what is written and sent is heard.
        if (frame.type === 'health') void speak()
      })
    })
    const speak = async () => {
      const line = { level: 'error', time: new Date().toISOString(), service: 'orders', msg: 'broken' }
      appendFileSync(
        join(logs, 'orders-1.log'),
        `${JSON.stringify({ ...line, level: 'info' })}\n${JSON.stringify(line)}\n`,
      )
      await send(
        exportOf('orders', {
          traceId,
          spanId: spanId(),
          kind: 2,
          startTimeUnixNano: nanos(7),
          endTimeUnixNano: nanos(0),
        }),
      )
    }
    await all
    const { edges, logs: lines } = Object.fromEntries(seen) as never as Record<
      string,
      Extract<LiveFrame, { type: 'logs' }>
    >
    assert.deepEqual(
      lines?.lines.map(({ text }) => text),
      ['broken'],
    )
    assert.deepEqual((edges as never as Extract<LiveFrame, { type: 'edges' }>).edges[0]?.to, 'service:orders')
    socket.close()
    await once(socket, 'close')
  })

  test('a wrong parameter is named, and so is what is not here', async () => {
    const refused = async (path: string) => {
      const answer = await fetch(url + path)
      const { code, detail } = (await answer.json()) as { code: string; detail: string }
      return [answer.status, code, detail]
    }
    assert.deepEqual(await refused('/traces?limit=0&who=me'), [
      400,
      'invalid_query',
      'limit must be a number from 1 to 500; who is not known',
    ])
    assert.deepEqual((await refused(`/traces/${'b'.repeat(32)}`)).slice(0, 2), [404, 'trace_not_found'])
    assert.deepEqual((await refused('/traces/xyz')).slice(0, 2), [400, 'invalid_trace_id'])
    assert.deepEqual((await refused('/metrics/query?query=nobody(')).slice(0, 2), [400, 'invalid_expression'])
    assert.deepEqual((await refused('/nothing')).slice(0, 2), [404, 'not_found'])
  })
})
