import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Malformed } from './malformed.ts'
import { decodeTraces } from './traces-json.ts'

const traceId = '5B8EFFF798038103D269B633813FC60C'
const spanId = 'EEE19B7EC3C1B174'
const request = (
  span: object,
  resource: unknown = { attributes: [{ key: 'service.name', value: { stringValue: 'orders' } }] },
) => ({
  resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 's' }, spans: [{ traceId, spanId, ...span }] }] }],
})
const decodeOne = (span: object) => {
  const { spans, rejected } = decodeTraces(request(span))
  assert.equal(rejected, 0)
  return spans[0]!
}

test('a whole span, as the OpenTelemetry JavaScript exporter writes it', () => {
  const { spans } = decodeTraces(
    request(
      {
        parentSpanId: 'EEE19B7EC3C1B173',
        name: 'orders.events publish',
        kind: 4,
        startTimeUnixNano: '1544712660000000001',
        endTimeUnixNano: '1544712661000000002',
        attributes: [{ key: 'order.id', value: { stringValue: 'o-1' } }],
        droppedAttributesCount: 0,
        events: [
          { timeUnixNano: '1544712660500000000', name: 'sent', attributes: [{ key: 'n', value: { intValue: 2 } }] },
        ],
        links: [{ traceId, spanId, attributes: [] }],
        status: { code: 2, message: 'no leader' },
        flags: 257,
        aMemberOfTheFuture: {},
      },
      {
        attributes: [
          { key: 'service.name', value: { stringValue: 'orders' } },
          { key: 'service.instance.id', value: { stringValue: 'orders-1' } },
        ],
      },
    ),
  )
  assert.deepEqual(spans, [
    {
      traceId: traceId.toLowerCase(),
      spanId: spanId.toLowerCase(),
      parentSpanId: 'eee19b7ec3c1b173',
      name: 'orders.events publish',
      kind: 'producer',
      service: 'orders',
      instance: 'orders-1',
      startTimeUnixNano: '1544712660000000001',
      endTimeUnixNano: '1544712661000000002',
      attributes: { 'order.id': 'o-1' },
      status: { code: 'error', message: 'no leader' },
      links: [{ traceId: traceId.toLowerCase(), spanId: spanId.toLowerCase() }],
      events: [{ name: 'sent', timeUnixNano: '1544712660500000000', attributes: { n: 2 } }],
    },
  ])
})

for (const [value, expected] of [
  [{ stringValue: '' }, ''],
  [{ boolValue: false }, false],
  [{ intValue: '42' }, 42],
  [{ intValue: 42 }, 42],
  [{ intValue: '9223372036854775807' }, '9223372036854775807'],
  [{ doubleValue: 0.5 }, 0.5],
  [{ doubleValue: 'NaN' }, 'NaN'],
  [{ bytesValue: 'AAE=' }, 'AAE='],
  [{ arrayValue: { values: [{ stringValue: 'a' }, { intValue: '1' }] } }, ['a', 1]],
  [{ arrayValue: {} }, []],
  [{ kvlistValue: { values: [{ key: 'k', value: { boolValue: true } }] } }, { k: true }],
  [{}, null],
  [null, null],
] as const)
  test(`attribute value ${JSON.stringify(value)}`, () =>
    assert.deepEqual(decodeOne({ attributes: [{ key: 'a', value }] }).attributes, { a: expected }))

test('absent, null and empty members have their defaults', () => {
  for (const span of [
    {},
    { parentSpanId: '', links: null, events: null, attributes: null, status: {}, kind: 0, name: null },
  ]) {
    const decoded = decodeOne(span)
    assert.equal('parentSpanId' in decoded, false)
    assert.deepEqual(
      [decoded.kind, decoded.status, decoded.links, decoded.startTimeUnixNano],
      ['internal', { code: 'unset' }, [], '0'],
    )
  }
  assert.equal(decodeTraces(request({}, null)).spans[0]?.service, 'unknown_service')
})

test('a span with a wrong id or time is rejected, its neighbours are taken', () => {
  for (const wrong of [
    { traceId: '' },
    { traceId: '0'.repeat(32) },
    { spanId: 'xyz' },
    { spanId: spanId.slice(1) },
    { parentSpanId: 'short' },
    { startTimeUnixNano: '-1' },
    { endTimeUnixNano: 1.5 },
    { links: [{ traceId: 'no', spanId }] },
    { attributes: {} },
  ]) {
    const good = { traceId, spanId }
    const { spans, rejected, firstFault } = decodeTraces({
      resourceSpans: [{ scopeSpans: [{ spans: [{ ...good, ...wrong }, good] }] }],
    })
    assert.deepEqual([spans.length, rejected], [1, 1], JSON.stringify(wrong))
    assert.match(firstFault, /must be/)
  }
})

test('an empty request is a success, a wrong envelope is malformed', () => {
  for (const empty of [{}, { resourceSpans: [] }, { resourceSpans: [{}] }, { resourceSpans: [{ scopeSpans: [{}] }] }])
    assert.deepEqual(decodeTraces(empty), { spans: [], rejected: 0, firstFault: '' })
  for (const wrong of [
    null,
    [],
    'x',
    { resourceSpans: {} },
    { resourceSpans: [1] },
    { resourceSpans: [{ scopeSpans: 1 }] },
  ])
    assert.throws(() => decodeTraces(wrong), Malformed)
})

test('an attribute named __proto__ is only an attribute', () => {
  const { attributes } = decodeOne({ attributes: [{ key: '__proto__', value: { stringValue: 'x' } }] })
  assert.deepEqual(Object.entries(attributes), [['__proto__', 'x']])
})
