/**
 * The system under Consul's eyes, its metrics in a real Prometheus with the shipped configuration, its traces in a real
 * Jaeger: every query of every rule and dashboard gives something. Skipped where they are not installed.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Story } from '@svyaz/contracts/http/order-story.ts'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import type { Tokens } from '@svyaz/contracts/http/users.ts'
import { ask } from '../../lab/observe/http.ts'
import { until } from '../../lab/observe/until.ts'
import { alerts } from '../../tools/monitoring/alerts.ts'
import { dashboards } from '../../tools/monitoring/dashboards.ts'
import { judgeLevel, serviceLevels, withWindow } from '../service-levels.ts'
import { embeddedExcept } from '../src/engines/addresses.ts'
import { type System, startSystem } from '../src/testing.ts'
import { startTestConsul } from './engines/consul.ts'
import { answers, installed, withoutProgram } from './engines/engine.ts'
import { startTestJaeger, type TestJaeger } from './engines/jaeger.ts'
import { startTestPrometheus, type TestPrometheus } from './engines/prometheus.ts'

const root = join(import.meta.dirname, '../..')
const missing = withoutProgram('consul', 'prometheus', 'jaeger-all-in-one')
if (missing) test('monitoring on real engines', { skip: missing }, () => {})
else
  describe('monitoring on real engines', { timeout: 6 * 60_000 }, () => {
    const engines = new AsyncDisposableStack()
    let system: System
    let jaeger: TestJaeger
    let prometheus: TestPrometheus
    let orderId: string
    let token: string

    before(
      async () => {
        const consul = engines.use(await startTestConsul())
        jaeger = engines.use(await startTestJaeger())
        system = engines.use(
          await startSystem({
            readyTimeoutMs: 150_000,
            engines: embeddedExcept({ consul: consul.url, otlp: jaeger.otlp }),
          }),
        )
        prometheus = engines.use(await startTestPrometheus(consul.url))
        ;({ orderId, token } = await traffic(system.url('gateway')))
      },
      { timeout: 240_000 },
    )
    after(() => engines.disposeAsync(), { timeout: 60_000 })

    test('Prometheus finds every instance of every service through Consul', async (context) => {
      context.diagnostic(`targets by ${prometheus.discovery}`)
      const wanted = system
        .instances()
        .filter(({ kind }) => kind === 'service')
        .map(({ name }) => name)
        .sort()
      await until('every instance to be up', async () => {
        const up = await prometheus.query('up{job="svyaz"} == 1')
        return JSON.stringify(up.map(({ metric }) => metric.instance).sort()) === JSON.stringify(wanted)
      })
    })

    test('every query of every rule and dashboard gives something', { timeout: 90_000 }, async (context) => {
      const queries = [
        ...serviceLevels.flatMap(({ expression, samples, window }) =>
          [expression, samples].map((query) => withWindow(query, window)),
        ),
        ...serviceLevels.flatMap(({ id }) => [
          `svyaz:level:value{level="${id}"}`,
          `svyaz:level:samples{level="${id}"}`,
        ]),
        ...alerts.map(({ looksAt }) => looksAt),
        ...dashboards.flatMap(({ panels }) =>
          panels.flatMap((panel) => panel.queries.map((query) => query.expression)),
        ),
      ]
      let empty: string[] = []
      // A counter that is first seen at its last value has no rate: traffic goes on while Prometheus looks. Of another
      // user, so that nobody reaches the limit of requests.
      const another = await register(system.url('gateway'))
      let rounds = 0
      await until(
        'no query to be empty',
        async () => {
          await useOnce(system.url('gateway'), another, rounds++)
          const results = await Promise.all(
            queries.map(async (query) => ({ query, found: await prometheus.query(query) })),
          )
          empty = results.filter(({ found }) => found.length === 0).map(({ query }) => query)
          return empty.length === 0
        },
        { timeoutMs: 60_000, everyMs: 1_500, explain: () => empty.join('\n') },
      )
      context.diagnostic(`${queries.length} queries`)
    })

    test('Prometheus evaluates every rule without a fault, and none says that a promise is broken', async () => {
      const { groups } = await prometheus.get<{
        groups: { rules: { name: string; type: string; health: string; lastError?: string; state?: string }[] }[]
      }>('/api/v1/rules')
      const rules = groups.flatMap((group) => group.rules)
      assert.equal(rules.length, serviceLevels.length * 3 + alerts.length)
      assert.deepEqual(
        rules.filter((rule) => rule.health === 'err'),
        [],
      )
      assert.deepEqual(
        rules.filter((rule) => rule.state === 'firing').map((rule) => rule.name),
        [],
      )
    })

    test('a level is judged from what Prometheus recorded: met with enough samples, no data without', async () => {
      const judge = async (id: string) => {
        const level = serviceLevels.find((row) => row.id === id)!
        const [value] = await prometheus.query(`svyaz:level:value{level="${id}"}`)
        const [samples] = await prometheus.query(`svyaz:level:samples{level="${id}"}`)
        return judgeLevel(level, Number(value?.value[1]), Number(samples?.value[1]))
      }
      for (let n = 0; n < 200; n++) await ask('GET', `${system.url('gateway')}/products`)
      for (const id of ['gateway-errors', 'gateway-latency'])
        await until(`${id} to be met`, async () => (await judge(id)) === 'met')
      // What is promised under a load that nobody offers here is neither kept nor broken.
      for (const id of ['gateway-throughput', 'message-throughput']) assert.equal(await judge(id), 'no data', id)
    })

    test('promtool takes rules and configuration', { skip: withoutProgram('promtool') }, () => {
      const told = execFileSync(installed('promtool')!, ['check', 'rules', join(root, 'deploy/prometheus/rules.yml')], {
        encoding: 'utf8',
      })
      assert.match(told, /SUCCESS: \d+ rules found/)
    })

    test('amtool takes the configuration of Alertmanager', { skip: withoutProgram('amtool') }, () => {
      const told = execFileSync(
        installed('amtool')!,
        ['check-config', join(root, 'deploy/alertmanager/alertmanager.yml')],
        {
          encoding: 'utf8',
        },
      )
      assert.match(told, /SUCCESS/)
    })

    test('Jaeger has the whole trace of an order, with every service in it', async () => {
      const story = await ask<Story>('GET', `${system.url('gateway')}/orders/${orderId}/story`, { token })
      const { traceId } = story.body.steps[0]!
      const wanted = ['delivery', 'gateway', 'inventory', 'notifications', 'orders', 'payments', 'users']
      const spans = await until('the trace to be whole', async () => {
        const { data } = JSON.parse(await answers(`${jaeger.query}/api/traces/${traceId}`)) as JaegerAnswer
        const services = new Set(Object.values(data[0]?.processes ?? {}).map(({ serviceName }) => serviceName))
        return wanted.every((name) => services.has(name)) && data[0]!.spans
      })
      const kinds = new Set(
        spans.flatMap(({ tags }) => tags.filter(({ key }) => key === 'span.kind').map(({ value }) => value)),
      )
      for (const kind of ['server', 'client', 'producer', 'consumer']) assert.ok(kinds.has(kind), kind)
    })

    test('Grafana asks for what it is provisioned with', () => {
      const sources = readFileSync(join(root, 'deploy/grafana/provisioning/datasources/svyaz.yml'), 'utf8')
      for (const { id } of dashboards) {
        const text = readFileSync(join(root, `deploy/grafana/dashboards/${id}.json`), 'utf8')
        for (const [, uid] of text.matchAll(/"uid": "(prometheus|loki|jaeger)"/g))
          assert.match(sources, new RegExp(`uid: ${uid}$`, 'm'))
      }
    })
  })

interface JaegerAnswer {
  readonly data: readonly {
    readonly spans: readonly { readonly tags: readonly { readonly key: string; readonly value: unknown }[] }[]
    readonly processes: Readonly<Record<string, { readonly serviceName: string }>>
  }[]
}

/** @returns the access token of a new user */
async function register(gateway: string): Promise<string> {
  const email = `m.${randomUUID().slice(0, 8)}@example.org`
  const password = 'Mona monitors a long password'
  await ask('POST', `${gateway}/users`, { body: { email, password, name: 'Mona' } })
  return (await ask<Tokens>('POST', `${gateway}/auth/login`, { body: { email, password } })).body.accessToken
}

/** An order, paid by queue or by call in turns, and a read of every kind. */
async function useOnce(gateway: string, token: string, round: number): Promise<OrderView> {
  const answer = await ask<OrderView>('POST', `${gateway}/orders`, {
    token,
    body: { items: [{ productId: 'P-1001', quantity: 1 }], payment: round % 2 === 0 ? 'queue' : 'now' },
  })
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  await ask('GET', `${gateway}/users/me?include=orders`, { token })
  await ask('GET', `${gateway}/products`)
  return answer.body
}

/** Some orders to their ends, and enough reads for every level that needs no special load. */
async function traffic(gateway: string): Promise<{ orderId: string; token: string }> {
  const token = await register(gateway)
  const placed: OrderView[] = []
  for (let round = 0; round < 12; round++) placed.push(await useOnce(gateway, token, round))
  for (const { id } of placed) {
    await until(
      `${id} to be completed`,
      async () => {
        const answer = await ask<OrderView>('GET', `${gateway}/orders/${id}`, { token })
        return answer.body.status === 'completed'
      },
      { timeoutMs: 60_000, everyMs: 250 },
    )
  }
  return { orderId: placed[0]!.id, token }
}
