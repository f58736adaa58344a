import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KitEnvironment } from '../process/environment.ts'
import { otlpFrame, otlpSpan } from './otlp.ts'
import type { FinishedSpan } from './tracing.ts'

const environment = { service: 'orders', instance: 'orders-"1"', profile: 'test' } as KitEnvironment
const span: FinishedSpan = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: undefined,
  name: 'POST /orders',
  kind: 'server',
  startMicros: 1_790_000_000_000_001,
  endMicros: 1_790_000_000_000_002,
  attributes: {},
  links: [],
  error: undefined,
}
const sent = (...spans: FinishedSpan[]) => {
  const { head, tail } = otlpFrame(environment)
  return JSON.parse(`${head}${spans.map(otlpSpan).join(',')}${tail}`).resourceSpans[0]
}

test('one resource, one scope, the spans in their order', () => {
  const { resource, scopeSpans } = sent(span, { ...span, spanId: 'b7ad6b7169203332', parentSpanId: span.spanId })
  assert.deepEqual(resource.attributes, [
    { key: 'service.name', value: { stringValue: 'orders' } },
    { key: 'service.instance.id', value: { stringValue: 'orders-"1"' } },
    { key: 'deployment.environment.name', value: { stringValue: 'test' } },
  ])
  assert.deepEqual(scopeSpans, [
    {
      scope: { name: '@svyaz/kit' },
      spans: [
        {
          traceId: span.traceId,
          spanId: span.spanId,
          name: 'POST /orders',
          kind: 2,
          startTimeUnixNano: '1790000000000001000',
          endTimeUnixNano: '1790000000000002000',
          attributes: [],
          links: [],
          status: {},
        },
        {
          traceId: span.traceId,
          spanId: 'b7ad6b7169203332',
          parentSpanId: span.spanId,
          name: 'POST /orders',
          kind: 2,
          startTimeUnixNano: '1790000000000001000',
          endTimeUnixNano: '1790000000000002000',
          attributes: [],
          links: [],
          status: {},
        },
      ],
    },
  ])
  assert.deepEqual(sent().scopeSpans[0].spans, [])
})

test('whatever is in names, attributes and errors comes through as it is', () => {
  const odd = 'a "quote", a \\ backslash, a\nnew line, \u2028, \ud800 half a pair, \u0000'
  const links = [{ traceId: span.traceId, spanId: span.spanId }]
  const attributes = {
    text: odd,
    [odd]: 'key',
    yes: true,
    whole: 42,
    part: 0.5,
    large: 1e21,
    none: Number.NaN,
    endless: Number.NEGATIVE_INFINITY,
  }
  const [only] = sent({ ...span, name: odd, attributes, links, error: odd }).scopeSpans[0].spans
  assert.deepEqual([only.name, only.status, only.links], [odd, { code: 2, message: odd }, links])
  assert.deepEqual(only.attributes, [
    { key: 'text', value: { stringValue: odd } },
    { key: odd, value: { stringValue: 'key' } },
    { key: 'yes', value: { boolValue: true } },
    { key: 'whole', value: { intValue: '42' } },
    { key: 'part', value: { doubleValue: 0.5 } },
    { key: 'large', value: { doubleValue: 1e21 } },
    { key: 'none', value: { doubleValue: 'NaN' } },
    { key: 'endless', value: { doubleValue: '-Infinity' } },
  ])
})
