/** R5: watching it. */

import { ask } from '@svyaz/observe/http.ts'
import { until } from '@svyaz/observe/until.ts'
import { completed } from '../journeys.ts'
import type { Outside } from '../outside.ts'
import { faultsOf, proof } from '../proof.ts'
import { randomHex, sumOf } from './samples.ts'

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
        [page.status === 200 && page.typed > 0 && page.samples > 0, `${name}: /metrics is not a Prometheus page`],
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
        [hops.filter(({ from }) => from === undefined).length <= 1, 'the spans are not a single tree'],
      ),
    ]
  },
})

/** The control socket cuts off who asks for more than a mebibyte at once. */
const logLines = 1_200

/** Services that a client can reach, each with a request of its own. */
const logged = {
  gateway: '/products?limit=1',
  orders: '/orders?userId=me',
  payments: '/payments?orderId=me',
  delivery: '/deliveries?orderId=me',
  notifications: '/notifications',
} as const

export const logs = proof({
  gather: async (outside) => {
    const user = await outside.person('Logged')
    // One trace that the client itself begins: whatever it asks, the id goes along.
    const traceId = randomHex(32)
    const headers = { traceparent: `00-${traceId}-${randomHex(16)}-01` }
    for (const path of Object.values(logged))
      await outside.gateway('GET', path.replace('=me', `=${user.id}`), { token: user.token, headers })
    const found = []
    for (const service of Object.keys(logged)) {
      const lines = await until(`a line of ${service}`, async () => {
        const own = (await outside.logs(service, logLines)).filter((line) => line.includes(traceId))
        return own.length > 0 && own
      }).catch((): string[] => [])
      outside.note(
        `npx svyaz logs ${service} --json | grep ${traceId}`,
        `${lines.length} lines, the first: ${lines[0]?.slice(0, 140) ?? ''}`,
      )
      found.push({ service, traced: lines.length, structured: lines.filter((line) => isLine(line, traceId)).length })
    }
    return { found }
  },
  judge: ({ found }) => [
    ...Object.keys(logged)
      .filter((service) => !found.some((one) => one.service === service && one.traced > 0))
      .map((service) => `no line of ${service} has the trace id`),
    ...found
      .filter(({ structured, traced }) => structured < traced)
      .map(
        ({ service, structured, traced }) => `${service}: ${traced - structured} of ${traced} lines are not structured`,
      ),
  ],
})

/** A JSON object with time, level and message, and the trace id in its own field. */
const isLine = (line: string, traceId: string): boolean => {
  try {
    const { time, level, msg, traceId: own } = JSON.parse(line)
    return !Number.isNaN(Date.parse(time)) && typeof level === 'string' && typeof msg === 'string' && own === traceId
  } catch {
    return false
  }
}

const watched = 'orders.events'

/** The broker's page at a moment at which a client finds the same end of the topic before and after. */
async function agreedLook(outside: Outside) {
  return until('page and client to agree', async () => {
    const before = await outside.topics.endOf(watched)
    const page = await outside.metrics('broker-1')
    const byClient = await outside.topics.endOf(watched)
    const onPage = sumOf(page, 'svyaz_broker_partition_end_offset', `topic="${watched}"`)
    return (
      before === byClient && {
        atMs: performance.now(),
        page,
        onPage,
        byClient,
        produced: sumOf(page, 'svyaz_broker_requests_total', 'api="Produce"'),
        appendedBytes: sumOf(page, 'svyaz_broker_log_appended_bytes_total'),
      }
    )
  })
}

const behind = 3

/** A group of our own that is this many records behind: what the page says of it, and what a client finds. */
async function knownLag(outside: Outside): Promise<{ onPage: number; byClient: number }> {
  const group = `svyaz-verify-lag-${randomHex(8)}`
  await outside.topics.leaveBehind(group, watched, behind)
  try {
    const lag = await until('page and client to agree about the lag', async () => {
      const before = (await outside.topics.progress(group, watched)).behind
      const onPage = sumOf(await outside.metrics('broker-1'), 'svyaz_broker_group_lag_records', `group="${group}"`)
      const byClient = (await outside.topics.progress(group, watched)).behind
      return before === byClient && { onPage, byClient }
    })
    outside.note(
      `kafka-consumer-groups --describe --group ${group}; curl …/metrics | grep group_lag`,
      `${lag.byClient} records behind; the page says ${lag.onPage}`,
    )
    return lag
  } finally {
    await outside.topics.forget(group)
  }
}

/** R5.4: what the broker says of topics, groups and throughput, against what a client finds. */
export const messageSystem = proof({
  gather: async (outside) => {
    await completed(outside)
    const first = await agreedLook(outside)
    const user = await outside.person('Throughput')
    const order = await outside.order(user)
    await outside.untilFinal(user, order.id)
    const second = await agreedLook(outside)
    const seconds = (second.atMs - first.atMs) / 1_000
    const throughput = {
      seconds,
      onPage: second.onPage - first.onPage,
      byClient: second.byClient - first.byClient,
      produced: second.produced - first.produced,
      appendedBytes: second.appendedBytes - first.appendedBytes,
    }
    const lags = [...second.page.keys()].filter((key) => key.startsWith('svyaz_broker_group_lag_records{'))
    const groups = new Set(lags.map((key) => /group="([^"]+)"/.exec(key)?.[1] ?? ''))
    outside.note(
      'curl …/metrics | grep svyaz_broker_partition_end_offset',
      `${watched} ends at ${second.onPage}; a client says ${second.byClient}`,
    )
    outside.note(
      `the same ${seconds.toFixed(1)} s earlier`,
      `${throughput.onPage} records more (a client: ${throughput.byClient}), ${throughput.produced} produce requests, ${throughput.appendedBytes} bytes`,
    )
    return {
      onPage: second.onPage,
      byClient: second.byClient,
      throughput,
      lag: await knownLag(outside),
      groups: [...groups],
      topics: second.page.get('svyaz_broker_topics') ?? 0,
    }
  },
  judge: ({ onPage, byClient, throughput, lag, groups, topics }) =>
    faultsOf(
      [
        onPage === byClient && byClient > 0,
        `the page says that the topic ends at ${onPage}, a client says ${byClient}`,
      ],
      [
        throughput.onPage === throughput.byClient && throughput.byClient > 0,
        `throughput: the page counts ${throughput.onPage} records of an order, a client ${throughput.byClient}`,
      ],
      [throughput.produced > 0, 'throughput: an order went through and no produce request was counted'],
      [throughput.appendedBytes > 0, 'throughput: an order went through and no byte was counted'],
      [
        lag.byClient > 0 && lag.onPage === lag.byClient,
        `a group is ${lag.byClient} records behind, the page says ${lag.onPage}`,
      ],
      [
        ['orders', 'payment-workers', 'notifications'].every((name) => groups.includes(name)),
        `lag is told of ${groups.join()}`,
      ],
      [topics > 0, 'no topic was counted'],
    ),
})
