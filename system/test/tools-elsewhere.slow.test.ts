/**
 * What the services write and trace, in tools of others (R5.3, R5.5): the shipped collector configuration in a real
 * OpenTelemetry Collector, logs in VictoriaLogs, and receivers that look at what Datadog's Agent and New Relic would get.
 * Skipped where the programs are not installed.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Person } from '../../lab/observe/person.ts'
import { until } from '../../lab/observe/until.ts'
import { removeHome, type System, startSystem } from '../src/testing.ts'
import { withoutProgram } from './engines/engine.ts'
import { startTestCollector, type TestCollector, withoutCollector } from './engines/otel-collector.ts'
import { type Got, type Receiver, startReceiver } from './engines/otlp-receiver.ts'
import { startTestVictoriaLogs, type TestVictoriaLogs } from './engines/victoria-logs.ts'

const licence = 'a-licence-of-nobody'

describe('tools elsewhere', { skip: withoutCollector() || withoutProgram('victoria-logs') }, () => {
  const engines = new AsyncDisposableStack()
  let system: System
  let logs: TestVictoriaLogs
  let collector: TestCollector
  let person: Person
  let newRelic: Receiver
  let datadog: Receiver
  let paths: readonly string[] = []
  const traceId = randomBytes(16).toString('hex')

  /** Five services in one trace that the client itself begins: whatever it asks, the id goes along. */
  async function askAll(id: string): Promise<void> {
    const headers = { traceparent: `00-${id}-${randomBytes(8).toString('hex')}-01` }
    for (const path of paths) await person.ask('GET', path, { headers })
  }

  /** Waits until lines of five services are there. */
  async function linesOf(id: string): Promise<Record<string, string>[]> {
    const services = (lines: readonly Record<string, string>[]) => new Set(lines.map((line) => line['service.name']))
    const found = () => logs.find(`trace_id:=${id}`)
    return until(
      'five services in VictoriaLogs',
      async () => {
        const lines = await found()
        return services(lines).size >= 5 && lines
      },
      { timeoutMs: 60_000, everyMs: 500, explain: async () => [...services(await found())].join() },
    )
  }

  before(
    async () => {
      const home = mkdtempSync(join(tmpdir(), 'svyaz-elsewhere-'))
      engines.defer(() => removeHome(home))
      logs = engines.use(await startTestVictoriaLogs())
      newRelic = engines.use(await startReceiver())
      datadog = engines.use(await startReceiver())
      collector = engines.use(
        await startTestCollector({
          SVYAZ_HOME: home,
          LOGS_OTLP_URL: logs.otlp,
          NEW_RELIC_OTLP_URL: newRelic.url,
          NEW_RELIC_LICENSE_KEY: licence,
          DATADOG_AGENT_OTLP_URL: datadog.url,
        }),
      )
      system = engines.use(
        await startSystem({
          home,
          only: ['gateway', 'users', 'orders', 'inventory', 'payments', 'delivery', 'notifications'],
          env: { SVYAZ_OTLP_URL: collector.otlp },
          readyTimeoutMs: 150_000,
        }),
      )
      person = await Person.register(system.url('gateway'), 'Elsa Elsewhere')
      const order = await person.order({ items: [{ productId: 'P-1001', quantity: 1 }] })
      await person.untilStatus(order.id, 'completed', 60_000)
      paths = ['/products', '/users/me', '/orders', `/payments?orderId=${order.id}`, `/deliveries?orderId=${order.id}`]
      await askAll(traceId)
    },
    { timeout: 300_000 },
  )
  after(() => engines.disposeAsync(), { timeout: 60_000 })

  test('one trace id finds lines of five services, with level, time and service', { timeout: 90_000 }, async () => {
    const lines = await linesOf(traceId)
    for (const line of lines) {
      assert.ok(line._msg, JSON.stringify(line))
      assert.match(line.severity_text ?? '', /^(debug|info|warn|error)$/i)
      assert.ok(Math.abs(Date.parse(line._time!) - Date.now()) < 600_000, line._time)
    }
  })

  const traces = (got: readonly Got[]) => got.filter(({ path }) => path === '/v1/traces')
  const holds = (got: readonly Got[]) => got.some(({ body }) => body.includes(Buffer.from(traceId, 'hex')))

  test('New Relic would get the spans and the logs, with its key', { timeout: 60_000 }, async () => {
    await until('the trace', () => holds(traces(newRelic.got)))
    await until('its lines', () => holds(newRelic.got.filter(({ path }) => path === '/v1/logs')))
    for (const { headers } of newRelic.got) {
      assert.equal(headers['api-key'], licence)
      assert.equal(headers['content-type'], 'application/x-protobuf')
    }
  })

  test('Datadog’s Agent would get the spans, and no key of another', { timeout: 60_000 }, async () => {
    await until('the trace', () => holds(traces(datadog.got)))
    for (const { headers } of datadog.got) assert.equal(headers['api-key'], undefined)
  })

  test('started again, the collector sends no line twice', { timeout: 90_000 }, async () => {
    await linesOf(traceId)
    await collector.restart()
    const later = randomBytes(16).toString('hex')
    await askAll(later)
    // Within a file the order stays: a line that came again would have come before these.
    await linesOf(later)
    const lines = (await logs.find(`trace_id:=${traceId}`)).map((line) => JSON.stringify(line))
    assert.deepEqual(lines.toSorted(), [...new Set(lines)].toSorted())
  })
})
