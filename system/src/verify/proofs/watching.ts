/** R5: watching it. */
import { ask } from '../ask.ts'
import { completed } from '../journeys.ts'
import type { Outside } from '../outside.ts'
import { faultsOf, proof } from '../proof.ts'
import { until } from '../until.ts'

interface Managed {
  readonly name: string
  readonly kind: string
  readonly metrics: { readonly status: number; readonly typed: number; readonly samples: number }
  readonly health: Readonly<Record<string, number>>
  readonly info: number
}

/** Where each process answers about itself; PostgreSQL has no such page. */
async function managed(outside: Outside): Promise<Managed[]> {
  const views = (await outside.instances()).filter(({ kind }) => kind !== 'engine')
  return Promise.all(
    views.map(async ({ name, kind, ports }) => {
      const base = `http://127.0.0.1:${ports.management ?? ports.http ?? ports.otlp}`
      const [metrics, live, ready, info] = await Promise.all(
        ['/metrics', '/health/live', '/health/ready', '/info'].map((path) => ask('GET', `${base}${path}`)),
      )
      const text = String(metrics!.body)
      outside.note(`curl ${base}/metrics`, `${name}: ${metrics!.status}, ${text.split('\n').length} lines`)
      return {
        name,
        kind,
        metrics: {
          status: metrics!.status,
          typed: text.match(/^# TYPE /gm)?.length ?? 0,
          samples: text.match(/^[a-z]\w*(?:\{[^\n]*\})? -?[\d.eE+NaIinf-]+$/gm)?.length ?? 0,
        },
        health: { live: live!.status, ready: ready!.status },
        info: info!.status,
      }
    }),
  )
}

export const metrics = proof({
  gather: async (outside) => ({ instances: await managed(outside) }),
  judge: ({ instances }) => [
    ...faultsOf([instances.length > 0, 'no process was asked']),
    ...instances.flatMap(({ name, metrics: page, health, info }) =>
      faultsOf(
        [page.status === 200 && page.typed > 0 && page.samples > 0, `${name}: /metrics is no Prometheus page`],
        [health.live === 200, `${name}: /health/live answers ${health.live}`],
        [health.ready === 200, `${name}: /health/ready answers ${health.ready}`],
        [info === 200, `${name}: /info answers ${info}`],
      ),
    ),
  ],
})

export const traces = proof({
  gather: async (outside) => {
    const { hops, statements, traceId } = await completed(outside)
    return { traceId, hops, statements }
  },
  judge: ({ hops, statements }) => {
    const over = new Set(hops.map((hop) => hop.over))
    const services = new Set(hops.map((hop) => hop.service))
    const missing = (wanted: readonly string[], there: ReadonlySet<string>, what: string) =>
      wanted.filter((name) => !there.has(name)).map((name) => `no span ${what} ${name}`)
    return [
      ...missing(['http', 'grpc', 'topic', 'websocket', 'mail'], over, 'of'),
      ...missing(['gateway', 'users', 'orders', 'inventory', 'payments', 'delivery', 'notifications'], services, 'by'),
      ...faultsOf(
        [statements > 0, 'no span of a database statement'],
        [hops.filter(({ from }) => from === undefined).length <= 1, 'the spans are no single tree'],
      ),
    ]
  },
})

/** The control socket cuts off who asks for more than a mebibyte at once. */
const logLines = 1_200

export const logs = proof({
  gather: async (outside) => {
    const { traceId, orderId } = await completed(outside)
    const found = []
    for (const service of ['gateway', 'orders', 'payments', 'delivery', 'notifications']) {
      const lines = (await outside.logs(service, logLines)).filter(
        (line) => line.includes(traceId) || line.includes(orderId),
      )
      outside.note(
        `npx svyaz logs ${service} --json | grep ${traceId}`,
        `${lines.length} lines, the first: ${lines[0]?.slice(0, 140) ?? ''}`,
      )
      found.push({
        service,
        lines: lines.length,
        structured: lines.every(isJson),
        traced: lines.filter((line) => line.includes(traceId)).length,
      })
    }
    return { found }
  },
  judge: ({ found }) => [
    ...found.filter(({ structured }) => !structured).map(({ service }) => `${service} writes lines that are no JSON`),
    ...found
      .filter(({ service, traced }) => service === 'gateway' && traced === 0)
      .map(() => 'the gateway did not log the request with its trace id'),
    ...faultsOf([
      found.filter(({ traced }) => traced > 0).length >= 2,
      'one trace id does not find lines of several services',
    ]),
  ],
})

const isJson = (line: string): boolean => {
  try {
    return typeof JSON.parse(line) === 'object'
  } catch {
    return false
  }
}

/** R5.4: what the broker says of topics and groups, against what a client finds. */
export const messageSystem = proof({
  gather: async (outside) => {
    await completed(outside)
    const topic = 'orders.events'
    const sumOf = (page: ReadonlyMap<string, number>, name: string, label: string) =>
      [...page]
        .filter(([key]) => key.startsWith(`${name}{`) && key.includes(label))
        .reduce((sum, [, value]) => sum + value, 0)
    const agreed = await until('page and client to agree', async () => {
      const before = await outside.tap.endOf(topic)
      const page = await outside.metrics('broker-1')
      const after = await outside.tap.endOf(topic)
      const onPage = sumOf(page, 'svyaz_broker_partition_end_offset', `topic="${topic}"`)
      return before === after && { page, onPage, byClient: after }
    })
    const { page, onPage, byClient } = agreed
    const lags = [...page].filter(([key]) => key.startsWith('svyaz_broker_group_lag_records{'))
    const groups = new Set(lags.map(([key]) => /group="([^"]+)"/.exec(key)?.[1] ?? ''))
    const requests = page.get('svyaz_broker_requests_total{api="Produce"}') ?? 0
    outside.note(
      'curl …/metrics | grep svyaz_broker_partition_end_offset',
      `${topic} ends at ${onPage}; a client says ${byClient}`,
    )
    outside.note(
      'curl …/metrics | grep svyaz_broker_group_lag_records',
      `${lags.length} partitions of ${groups.size} groups`,
    )
    return {
      onPage,
      byClient,
      groups: [...groups],
      lags: lags.map(([, lag]) => lag),
      requests,
      topics: page.get('svyaz_broker_topics') ?? 0,
    }
  },
  judge: ({ onPage, byClient, groups, lags, requests, topics }) =>
    faultsOf(
      [
        onPage === byClient && byClient > 0,
        `the page says that the topic ends at ${onPage}, a client says ${byClient}`,
      ],
      [
        ['orders', 'payment-workers', 'notifications'].every((name) => groups.includes(name)),
        `lag is told of ${groups.join()}`,
      ],
      [lags.every((lag) => lag >= 0), 'a lag is below zero'],
      [requests > 0, 'no produce request was counted'],
      [topics > 0, 'no topic was counted'],
    ),
})

/** R5.5: any OTLP/HTTP exporter can send here, and what services send arrives by the same door. */
export const otlp = proof({
  gather: async (outside) => {
    await completed(outside)
    const base = await outside.url('telemetry', 'otlp')
    const traceId = Array.from({ length: 32 }, () => Math.trunc(Math.random() * 16).toString(16)).join('')
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
      const answer = await ask('GET', `${base}/api/traces/${traceId}`)
      return answer.status === 200 && answer
    })
    const { body } = await outside.ask('GET', `${base}/api/services`)
    const dropped =
      (await outside.metrics('orders-1')).get('svyaz_spans_dropped{service="orders",instance="orders-1"}') ?? 0
    return {
      sent: sent.status,
      back: back.body.spans?.[0]?.name as string,
      services: (body.services as { service: string }[]).map(({ service }) => service),
      dropped,
    }
  },
  judge: ({ sent, back, services, dropped }) =>
    faultsOf(
      [sent === 200 && back === 'verify', `a foreign OTLP span was answered ${sent} and came back as ${back}`],
      [
        ['gateway', 'orders', 'payments', 'notifications'].every((name) => services.includes(name)),
        `spans arrived from ${services.join()} only`,
      ],
      [dropped === 0, `orders dropped ${dropped} spans`],
    ),
})
