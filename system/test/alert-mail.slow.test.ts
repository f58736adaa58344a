/**
 * The broker goes down, and the administrators get a mail (R4.2): the shipped rules in a real Prometheus, the shipped
 * routes in a real Alertmanager, our mail sink. Another mail comes when it is over. Skipped where they are not installed.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Mail, readMails } from '../../lab/observe/ledger.ts'
import { Person } from '../../lab/observe/person.ts'
import { until } from '../../lab/observe/until.ts'
import { type System, startSystem } from '../src/testing.ts'
import { startTestAlertmanager, withoutAlertmanager } from './engines/alertmanager.ts'
import { withoutProgram } from './engines/engine.ts'
import { startTestPrometheus, type TestPrometheus } from './engines/prometheus.ts'

const administrators = 'administrators@svyaz.local'

/** An event has to wait for 30 s, and the rule is patient for as long again. */
const toldWithinMs = 150_000

describe('a mail to administrators', { skip: withoutProgram('prometheus') || withoutAlertmanager() }, () => {
  const engines = new AsyncDisposableStack()
  let system: System
  let prometheus: TestPrometheus
  let person: Person

  before(
    async () => {
      system = engines.use(await startSystem({ only: ['gateway', 'orders', 'mail-sink'], readyTimeoutMs: 150_000 }))
      const alertmanager = engines.use(await startTestAlertmanager(new URL(system.url('mail-sink', 'smtp')).host))
      prometheus = engines.use(await startTestPrometheus(system.url('discovery'), alertmanager.address))
      person = await Person.register(system.url('gateway'), 'Arno Alert')
      await until('Prometheus to know the services', async () => {
        const seen = await prometheus.query('max by (service) (svyaz_outbox_oldest_age_seconds)')
        return seen.some(({ metric }) => metric.service === 'orders')
      })
    },
    { timeout: 240_000 },
  )
  after(() => engines.disposeAsync(), { timeout: 60_000 })

  const mails = () => readMails(system.url('mail-sink'), administrators)
  const mailed = (subject: RegExp): Promise<Mail> =>
    until(`a mail ${subject}`, async () => (await mails()).find((mail) => subject.test(mail.subject)), {
      timeoutMs: toldWithinMs,
      everyMs: 500,
      explain: async () =>
        JSON.stringify({
          mails: (await mails()).map(({ subject }) => subject),
          alerts: await prometheus.get('/api/v1/alerts'),
        }),
    })

  test('none comes while all is well', async () => {
    await person.untilStatus((await person.order({ items: [{ productId: 'P-1001', quantity: 1 }] })).id, 'completed')
    const { alerts } = await prometheus.get<{ alerts: { labels: Record<string, string>; state: string }[] }>(
      '/api/v1/alerts',
    )
    assert.deepEqual(
      alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname),
      [],
    )
    assert.deepEqual(await mails(), [])
  })

  test('the broker is away: orders are taken, and the mail names whose events wait', { timeout: 300_000 }, async () => {
    await system.stop('broker')
    const order = await person.order({ items: [{ productId: 'P-1001', quantity: 1 }] })
    const mail = await mailed(/FIRING.*BrokerAway.*orders/)
    assert.deepEqual(mail.to, [administrators])
    assert.equal((await person.read(order.id)).version, 1, 'nobody has heard of the order yet')

    await system.start('broker')
    await person.untilStatus(order.id, 'completed', 60_000)
    await mailed(/RESOLVED.*BrokerAway.*orders/)
  })
})
