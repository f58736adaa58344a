/**
 * Our PromQL beside Prometheus': the same samples, the same expressions, the same moments. Prometheus scrapes pages that
 * change; what it kept of them is read back and given to ours. Every expression of the service levels, rules and
 * dashboards is among them, and a table of others. Skipped where Prometheus is not installed.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { elementsAt, keyOf, type Labels, matches, type Series, type SeriesSource, samplesMax } from '@svyaz/metrics'
import { serviceLevels, withWindow } from '../../system/service-levels.ts'
import { answers, freePorts, installed, startEngine, withoutProgram } from '../../system/test/engines/engine.ts'
import { alerts } from '../../tools/monitoring/alerts.ts'
import { dashboards } from '../../tools/monitoring/dashboards.ts'
import { brokenExpression } from '../../tools/monitoring/files.ts'
import { until } from '../observe/until.ts'

/** Levels, what they are broken by, alerts and panels. */
const ours = [
  ...serviceLevels.flatMap((level) => [level.expression, level.samples].map((text) => withWindow(text, level.window))),
  ...serviceLevels.map(brokenExpression),
  ...alerts.flatMap(({ expression, looksAt }) => [expression, looksAt]),
  ...dashboards.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(({ expression }) => expression))),
]

const others = [
  'up',
  'rate(requests_total[7s])',
  'irate(requests_total[9s])',
  'increase(requests_total{status="500"}[11s])',
  'delta(queue[8s])',
  'deriv(queue[8s])',
  'predict_linear(queue[8s], 60)',
  'resets(requests_total[20s])',
  'changes(queue[20s])',
  ...['avg', 'min', 'max', 'sum', 'count', 'last', 'stddev', 'stdvar', 'present'].map(
    (name) => `${name}_over_time(queue[9s])`,
  ),
  'quantile_over_time(0.3, queue[9s])',
  'max_over_time(sum(rate(requests_total[5s]))[10s:1s])',
  'avg_over_time((max by (service) (up))[30d:30s])',
  'histogram_quantile(0.9, sum by (le) (rate(latency_seconds_bucket[10s])))',
  'histogram_quantile(0.5, latency_seconds_bucket)',
  ...['sum', 'avg', 'min', 'max', 'count', 'stddev', 'stdvar', 'group'].map(
    (name) => `${name} by (status) (requests_total)`,
  ),
  'sum without (status, instance) (requests_total)',
  'quantile(0.25, requests_total)',
  'topk(1, requests_total)',
  'sum(requests_total) / on () group_right () (queue > 0)',
  'requests_total / ignoring (status) group_left () sum without (status) (requests_total)',
  'requests_total and on (status) requests_total{status="500"}',
  'requests_total unless requests_total{status="500"}',
  'sum(nothing) or vector(0)',
  'queue > bool 5',
  'queue % 3 ^ 2 - -1',
  'clamp(queue, 2, 4) + clamp_min(queue, 3) * clamp_max(queue, 3)',
  'round(queue / 7, 0.1)',
  'abs(-queue) + ceil(queue / 3) + floor(queue / 3) + sqrt(queue) + ln(queue + 1) + exp(queue / 10) + sgn(queue)',
  'absent(nothing{a="b"})',
  'absent(queue)',
  'scalar(queue) + 1',
  'timestamp(queue) - time()',
  'label_replace(requests_total, "kind", "$1xx", "status", "(.).*")',
  'queue offset 3s',
  '{__name__=~"que.*", job!="nobody"}',
  '1 + 2 * 3 / 4 - 5 % 3',
]

const missing = withoutProgram('prometheus')
if (missing) test('PromQL beside Prometheus', { skip: missing }, () => {})
else
  describe('PromQL beside Prometheus', { timeout: 120_000 }, () => {
    const engines = new AsyncDisposableStack()
    after(() => engines.disposeAsync())
    let url: string
    let atMs: number
    let source: SeriesSource
    let withResults = 0

    before(
      async () => {
        url = await startScraping(engines)
        // Three resets of the counter, by then.
        await until('enough to be scraped', async () => (await count(url)) >= 24, { timeoutMs: 60_000, everyMs: 500 })
        // Not at a whole step: Prometheus 2 counts a sample at the left edge of a range, 3 and ours don't.
        atMs = Date.now() - 1_003
        source = sourceOf(await everything(url))
      },
      { timeout: 90_000 },
    )

    after(() => assert.ok(withResults >= 125, `${withResults} expressions gave something: enough to compare`))

    test('the samples are the same', () => {
      assert.ok(
        source.select([{ label: '__name__', by: '=', value: 'requests_total' }], 0, atMs, samplesMax).length === 2,
      )
    })

    for (const text of new Set([...ours, ...others]))
      test(text.slice(0, 110), async () => {
        const theirs = await instant(url, text, atMs)
        const own = elementsAt(text, source, atMs)
        if (theirs.length > 0) withResults += 1
        assert.deepEqual(comparable(own), comparable(theirs))
      })

    for (const text of ['rate(requests_total', 'queue[5m]:', 'sum(1)', 'nobody(queue)', 'queue{', '1 > 2'])
      test(`both refuse ${text}`, async () => {
        const answer = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: text })}`)
        assert.equal(answer.status, 400)
        assert.throws(() => elementsAt(text, source, atMs))
      })
  })

/** Two instances whose pages change with every look. @returns Prometheus' address */
async function startScraping(engines: AsyncDisposableStack): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'svyaz-promql-'))
  engines.defer(() => rmSync(directory, { recursive: true, force: true }))
  let look = 0
  const server = createServer((_, response) => response.end(page(look++))).listen(0, '127.0.0.1')
  engines.defer(() => void server.close())
  engines.defer(() => server.closeAllConnections())
  await once(server, 'listening')
  const target = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const [port] = await freePorts(1)
  const address = `127.0.0.1:${port}`
  const path = join(directory, 'prometheus.yml')
  writeFileSync(
    path,
    `global: { scrape_interval: 500ms }
scrape_configs:
  - { job_name: svyaz, honor_labels: true, static_configs: [{ targets: ['${target}'], labels: { service: orders } }] }
`,
  )
  engines.use(
    await startEngine({
      name: 'prometheus',
      file: installed('prometheus')!,
      args: (data) => [
        `--config.file=${path}`,
        `--storage.tsdb.path=${data}/tsdb`,
        `--web.listen-address=${address}`,
        '--query.lookback-delta=5m',
        '--log.level=warn',
      ],
      ready: () => answers(`http://${address}/-/ready`),
    }),
  )
  return `http://${address}`
}

/** What alerts and panels look at besides. */
const gauges = [
  'svyaz_broker_log_storage_low',
  'svyaz_broker_log_damaged_places',
  'discovery_doubted',
  'discovery_instances',
  'discovery_untrusted',
  'svyaz_clock_apart_seconds',
  'svyaz_database_waiting',
  'gateway_sockets',
  'svyaz_outbox_pending',
  'nodejs_heap_size_used_bytes',
  'nodejs_eventloop_lag_p99_seconds',
  'process_open_fds',
]
const counters = [
  'svyaz_mails_total',
  'svyaz_payment_calls_total',
  'svyaz_spans_dropped',
  'nodejs_gc_duration_seconds_sum',
  'gateway_shed_total',
]

/** As the rules record them, beyond every objective, so that every alert has something to say. */
function levelLines(id: string, look: number): string {
  const { objective } = serviceLevels.find((level) => level.id === id)!
  const labels = `level="${id}",group="g",topic="t",method="a/B"`
  const value = objective.at === 'most' ? objective.value * 2 + look : objective.value / 2
  return `svyaz:level:value{${labels}} ${value}\nsvyaz:level:samples{${labels}} 100000\n`
}

/** Counters that are set back now and then, a gauge, a histogram, and what our own lists ask for. */
function page(look: number): string {
  const since = look % 9
  const buckets = [
    ['0.1', 3],
    ['0.5', 8],
    ['1', 9],
    ['+Inf', 9.5],
  ] as const
  const histogram = (name: string, labels: string) =>
    buckets.map(([le, each]) => `${name}_bucket{${labels}le="${le}"} ${Math.floor(each * look)}\n`).join('') +
    `${name}_sum{${labels}} ${look * 1.7}\n${name}_count{${labels}} ${Math.floor(look * 9.5)}\n`
  return [
    `requests_total{status="200"} ${since * 12}\nrequests_total{status="500"} ${since * 2 + (look % 2)}\n`,
    `queue ${(look * 7) % 11}\n`,
    histogram('latency_seconds', ''),
    histogram('http_server_request_duration_seconds', 'method="GET",route="/products",status="200",service="gateway",'),
    histogram('http_server_request_duration_seconds', 'method="POST",route="/orders",status="500",'),
    histogram('svyaz_database_statement_seconds', 'operation="SELECT",'),
    histogram('svyaz_receive_latency_seconds', 'group="payments",'),
    histogram('grpc_client_request_duration_seconds', 'method="a/B",'),
    histogram('grpc_server_request_duration_seconds', 'method="a/B",'),
    `svyaz_messages_handled_total{group="payments",outcome="done"} ${look * 40}\n`,
    `svyaz_messages_dead_total{group="payments",topic="t"} ${Math.floor(look / 20)}\n`,
    `svyaz_consumer_lag{group="payments",topic="t",partition="0"} ${look % 5}\n`,
    `process_cpu_seconds_total ${look / 10}\nprocess_resident_memory_bytes ${5e7 + look}\n`,
    ...serviceLevels.map(({ id }) => levelLines(id, look)),
    ...gauges.map((name, n) => `${name}{outcome="failed",peer="broker"} ${(look * (n + 3)) % 7}\n`),
    ...counters.map((name, n) => `${name}{outcome="failed",call="charge"} ${look * (n + 2)}\n`),
    histogram('svyaz_produce_seconds', 'topic="t",'),
    `breaker_state{dependency="users"} ${look % 3}\nsvyaz_outbox_oldest_age_seconds ${look % 4}\n`,
  ].join('')
}

type Matrix = readonly { readonly metric: Labels; readonly values: readonly (readonly [number, string])[] }[]

async function ask<T>(url: string, query: string, atMs: number): Promise<T> {
  const answer = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query, time: String(atMs / 1_000) })}`)
  const { data, error } = (await answer.json()) as { data?: T; error?: string }
  assert.ok(data, `${query}: ${error}`)
  return data
}

const count = async (url: string): Promise<number> => {
  const { result } = await ask<{ result: Matrix }>(url, 'queue[5m]', Date.now())
  return result[0]?.values.length ?? 0
}

const everything = async (url: string): Promise<Matrix> =>
  (await ask<{ result: Matrix }>(url, '{__name__=~".+"}[5m]', Date.now())).result

/** Samples as Prometheus keeps them. */
function sourceOf(matrix: Matrix): SeriesSource {
  const all: Series[] = matrix.map(({ metric, values }) => ({
    labels: metric,
    times: values.map(([seconds]) => Math.round(seconds * 1_000)),
    values: values.map(([, value]) => Number(value)),
    gaps: [],
  }))
  return {
    select(matchers, fromMs, toMs) {
      const tests = matchers.map((matcher) => [matcher.label, matches(matcher)] as const)
      return all
        .filter(({ labels }) => tests.every(([label, isSo]) => isSo(labels[label] ?? '')))
        .map((series) => {
          const isIn = (n: number) => (series.times[n] ?? 0) >= fromMs && (series.times[n] ?? 0) <= toMs
          return {
            ...series,
            times: series.times.filter((_, n) => isIn(n)),
            values: series.values.filter((_, n) => isIn(n)),
          }
        })
        .filter(({ times }) => times.length > 0)
    },
  }
}

type Found = readonly { readonly labels: Labels; readonly value: number }[]

async function instant(url: string, query: string, atMs: number): Promise<Found> {
  const data = await ask<
    | { resultType: 'vector'; result: { metric: Labels; value: [number, string] }[] }
    | { resultType: 'scalar'; result: [number, string] }
  >(url, query, atMs)
  if (data.resultType === 'scalar') return [{ labels: {}, value: numberOf(data.result[1]) }]
  return data.result.map(({ metric, value }) => ({ labels: metric, value: numberOf(value[1]) }))
}

const numberOf = (text: string): number => (text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text))

/** By labels; to nine digits, since sums of fractions depend on their order. */
const comparable = (found: Found) =>
  found.map(({ labels, value }) => `${keyOf(labels)} ${Number(value.toPrecision(9)) + 0}`).sort()
