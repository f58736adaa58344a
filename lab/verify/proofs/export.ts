/** R5.5: traces go out by OTLP, to whoever listens at the collector's address. */

import { ask } from '@svyaz/observe/http.ts'
import { until } from '@svyaz/observe/until.ts'
import { exportFaults, isOf, OtlpCollector, type OtlpExport, summarized } from '../collector.ts'
import type { Outside } from '../outside.ts'
import { faultsOf, proof } from '../proof.ts'
import { without } from './as-before.ts'
import { randomHex, sumOf } from './samples.ts'

const exporting = ['gateway', 'users', 'orders', 'inventory', 'payments', 'delivery', 'notifications']

/** What the services send when another collector listens at the address that they were given. */
async function sentOut(outside: Outside): Promise<{ orderTraceId: string; exports: OtlpExport[] }> {
  const user = await outside.person('Otlp')
  const port = Number(new URL(await outside.url('telemetry', 'otlp')).port)
  return without(outside, 'telemetry', async () => {
    await using collector = await OtlpCollector.on(port)
    const order = await outside.order(user)
    await until(
      'spans of every service',
      () => exporting.every((service) => collector.exports.some((one) => isOf(one, service, order.traceId))),
      { timeoutMs: 15_000 },
    ).catch(() => {})
    for (const service of exporting) {
      const own = collector.exports.filter((one) => isOf(one, service, order.traceId))
      outside.note(
        `a collector of our own on port ${port}`,
        `${service}: ${own.length} × POST ${own[0]?.path ?? ''}, ${own[0]?.spans.length ?? 0} spans in the first`,
      )
    }
    return { orderTraceId: order.traceId, exports: summarized(collector.exports, order.traceId) }
  })
}

/** R5.5: services export OTLP/HTTP to whatever listens at their collector's address, and ours takes anybody's spans. */
export const otlp = proof({
  disturbs: true,
  gather: async (outside) => {
    const base = await outside.url('telemetry', 'otlp')
    const traceId = randomHex(32)
    const nano = `${Date.now()}000000`
    const span = {
      traceId,
      spanId: traceId.slice(0, 16),
      name: 'verify',
      kind: 1,
      startTimeUnixNano: nano,
      endTimeUnixNano: nano,
    }
    const sent = await outside.ask('POST', `${base}/v1/traces`, {
      body: {
        resourceSpans: [
          {
            resource: { attributes: [{ key: 'service.name', value: { stringValue: 'svyaz-verify' } }] },
            scopeSpans: [{ spans: [span] }],
          },
        ],
      },
    })
    const back = await until('the span', async () => {
      const answer = await ask('GET', `${base}/traces/${traceId}`)
      return answer.status === 200 && answer
    })
    const out = await sentOut(outside)
    const dropped = sumOf(await outside.metrics('orders-1'), 'svyaz_spans_dropped')
    return { sent: sent.status, back: back.body.spans?.[0]?.name as string, out, dropped }
  },
  judge: ({ sent, back, out, dropped }) => [
    ...faultsOf(
      [sent === 200 && back === 'verify', `a foreign OTLP span was answered ${sent} and came back as ${back}`],
      [dropped === 0, `orders dropped ${dropped} spans`],
    ),
    ...exporting
      .filter((service) => !out.exports.some((one) => isOf(one, service, out.orderTraceId)))
      .map((service) => `${service} exported no span of the order to another collector`),
    ...out.exports.flatMap(exportFaults),
  ],
})
