import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeLogs } from './logs.ts'
import { decodeMetrics } from './metrics.ts'

const text = (attributes: Record<string, string>) =>
  Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }))
const resource = { attributes: text({ 'service.name': 'orders', 'service.instance.id': 'orders-1' }) }

test('log records become lines: time, level, text and what else they say', () => {
  const traceId = 'AB'.repeat(16)
  const records = [
    {
      timeUnixNano: '1700000000123456789',
      severityNumber: 13,
      body: { stringValue: 'slow' },
      traceId,
      attributes: text({ n: '1' }),
    },
    {
      observedTimeUnixNano: 1_700_000_000_000_000_000,
      severityText: 'ERROR',
      body: { kvlistValue: { values: [...text({ msg: 'm', a: 'b' })] } },
    },
    { body: { intValue: '7' }, traceId: '0'.repeat(32) },
    7,
  ]
  const { lines, rejected } = decodeLogs({ resourceLogs: [{ resource, scopeLogs: [{ logRecords: records }] }] }, 42)
  assert.deepEqual(
    lines.map(({ atMs, level, text: own, traceId: trace, fields }) => [atMs, level, own, trace, fields]),
    [
      [1_700_000_000_123, 'warn', 'slow', 'ab'.repeat(16), { n: '1' }],
      [1_700_000_000_000, 'error', 'm', undefined, { msg: 'm', a: 'b' }],
      [42, 'info', '7', undefined, {}],
    ],
  )
  assert.deepEqual([rejected, lines[0]?.service, lines[0]?.instance], [1, 'orders', 'orders-1'])
})

test('metrics become samples under their names in Prometheus; sums of differences are refused', () => {
  const attributes = text({ 'http.route': '/a"b' })
  const metrics = [
    { name: 'queue.length', gauge: { dataPoints: [{ asInt: '3', attributes }] } },
    { name: 'requests', sum: { isMonotonic: true, aggregationTemporality: 2, dataPoints: [{ asDouble: 1.5 }] } },
    { name: 'differences', sum: { aggregationTemporality: 1, dataPoints: [{ asDouble: 1 }, { asDouble: 2 }] } },
    {
      name: 'latency',
      histogram: {
        aggregationTemporality: 2,
        dataPoints: [{ count: '6', sum: 2.5, bucketCounts: ['1', '2', '3'], explicitBounds: [0.1, 1] }],
      },
    },
    { name: 'digest', summary: {} },
  ]
  const { pushed, rejected } = decodeMetrics({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] })
  assert.deepEqual(pushed, [
    {
      target: { job: 'orders', service: 'orders', instance: 'orders-1' },
      samples: [
        { key: 'queue_length{http_route="/a\\"b"}', value: 3 },
        { key: 'requests_total', value: 1.5 },
        { key: 'latency_bucket{le="0.1"}', value: 1 },
        { key: 'latency_bucket{le="1"}', value: 3 },
        { key: 'latency_bucket{le="+Inf"}', value: 6 },
        { key: 'latency_count', value: 6 },
        { key: 'latency_sum', value: 2.5 },
      ],
    },
  ])
  assert.equal(rejected, 3)
})
