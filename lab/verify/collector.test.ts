import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask } from '@svyaz/observe/http.ts'
import { exportFaults, isOf, OtlpCollector, readExport, summarized } from './collector.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const span = {
  traceId,
  spanId: 'b7ad6b7169203331',
  name: 'work',
  startTimeUnixNano: '1764111111000000000',
  endTimeUnixNano: '1764111111001000000',
}
const request = (spans: readonly object[], service = 'orders') => ({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
      scopeSpans: [{ spans }],
    },
  ],
})
const read = (body: unknown, path = '/v1/traces', type = 'application/json') =>
  readExport(path, type, typeof body === 'string' ? body : JSON.stringify(body)).flatMap(exportFaults)

test('an export as the protocol has it is without fault; anything else is named', () => {
  assert.deepEqual(read(request([span])), [])
  assert.match(read('no JSON').join(), /is not JSON/)
  assert.match(read({ spans: [span] }).join(), /resourceSpans is missing/)
  assert.match(read(request([span], '')).join(), /names no service/)
  assert.match(read(request([{ ...span, traceId: 'abc' }])).join(), /traceId is "abc"/)
  assert.match(read(request([{ ...span, startTimeUnixNano: 1 }])).join(), /startTimeUnixNano is 1/)
  const { spanId: _, ...without } = span
  assert.match(read(request([without])).join(), /spanId is missing/)
  assert.match(read(request([span]), '/api/v2/spans').join(), /exports to \/api\/v2\/spans/)
  assert.match(read(request([span]), '/v1/traces', 'text/plain').join(), /exports as text\/plain/)
})

test('the summary keeps a faulty export beside good ones of the same service', () => {
  const good = readExport('/v1/traces', 'application/json', JSON.stringify(request([span])))
  const bad = readExport('/v1/traces', 'application/json', JSON.stringify(request([{ ...span, name: '' }])))
  const kept = summarized([...good, ...bad, ...good], traceId)
  assert.deepEqual(kept.map(({ spans }) => spans.length).sort(), [1, 2])
  assert.match(kept.flatMap(exportFaults).join(), /name is ""/)
})

test('the collector takes what is posted to it, and its port is free again afterwards', async () => {
  let port = 0
  {
    await using first = await OtlpCollector.on(0)
    port = first.port
    await ask('POST', `http://127.0.0.1:${port}/v1/traces`, { body: request([span]) })
    assert.ok(first.exports.some((one) => isOf(one, 'orders', traceId)))
    assert.ok(!first.exports.some((one) => isOf(one, 'payments', traceId)))
  }
  await using second = await OtlpCollector.on(port)
  assert.equal(second.port, port)
})
