/**
 * A part of a running system is really broken, and `svyaz verify` says FAIL of its row, with the fault by name; mended, the
 * row passes. What every judge sees is tried beside the proofs, on recorded evidence: this is the whole way, once a kind.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { ask } from '@svyaz/observe/http.ts'
import kafkajs from '@svyaz/observe/kafkajs.ts'
import { until } from '@svyaz/observe/until.ts'
import { defaultRoutes } from '../../services/gateway/src/routes.ts'
import { beginExamination } from '../../system/src/supervisor/examination.ts'
import { type System, startSystem } from '../../system/src/testing.ts'
import { requirements } from './assignment.ts'
import { Outside, openShared } from './outside.ts'
import type { Finding } from './proof.ts'
import { verify } from './verify.ts'

interface Broken {
  readonly row: string
  readonly what: string
  readonly says: RegExp
  readonly harm: () => Promise<void>
  readonly mend: () => Promise<void>
}

describe('svyaz verify on a system with a broken part', { timeout: 8 * 60_000 }, () => {
  let system: System
  before(
    async () => {
      system = await startSystem({ readyTimeoutMs: 120_000 })
    },
    { timeout: 150_000 },
  )
  after(() => system?.[Symbol.asyncDispose](), { timeout: 60_000 })

  const broker = () => new URL(system.url('broker', 'kafka')).host

  const prove = async (id: string): Promise<Finding> => {
    const shared = await openShared(system.home, [broker()], process.env)
    try {
      const [finding] = await verify(
        requirements.filter((row) => row.id === id),
        shared,
      )
      return finding!
    } finally {
      await shared[Symbol.asyncDispose]()
    }
  }

  /** Sets properties of the gateway through its own administration. @returns those that are set */
  const configured = async (properties: object): Promise<Record<string, unknown>> => {
    const shared = await openShared(system.home, [broker()], process.env)
    try {
      const outside = new Outside(shared)
      const { token } = await outside.admin()
      const { status, body } = await outside.look('PUT', '/admin/gateway/embedded', {
        token,
        body: { properties, comment: 'a test of svyaz verify' },
      })
      assert.equal(status, 200)
      return body.propertySources[0].source
    } finally {
      await shared[Symbol.asyncDispose]()
    }
  }
  const route = (routes: typeof defaultRoutes | null) => configured({ routes }).then(() => undefined)

  const discovery = (path: string, body?: unknown) =>
    ask('PUT', `${system.url('discovery')}/v1/agent/service/${path}`, body === undefined ? {} : { body })

  const topics = async (act: (admin: kafkajs.Admin) => Promise<unknown>): Promise<void> => {
    const admin = new kafkajs.Kafka({ brokers: [broker()], logLevel: kafkajs.logLevel.NOTHING }).admin()
    await admin.connect()
    await act(admin).finally(() => admin.disconnect())
  }

  const broken: readonly Broken[] = [
    {
      row: 'R2.2',
      what: 'orders are routed to a service that is none for them',
      says: /POST \/orders/,
      harm: () =>
        route(defaultRoutes.map((one) => (one.prefix === '/orders' ? { ...one, service: 'inventory' } : one))),
      mend: () => route(null),
    },
    {
      row: 'R2.9',
      what: 'discovery lists an instance that does not run',
      says: /orders-9/,
      harm: async () => {
        const { status } = await discovery('register', {
          ID: 'orders-9',
          Name: 'orders',
          Address: '127.0.0.1',
          Port: 9,
          Meta: { http: '9', grpc: '9', management: '9' },
        })
        assert.equal(status, 200)
      },
      mend: async () => {
        await discovery('deregister/orders-9')
      },
    },
    {
      row: 'R7.4',
      what: 'the broker has a topic that no page and no picture knows',
      says: /secret\.events is in the broker and not listed/,
      harm: () => topics((admin) => admin.createTopics({ topics: [{ topic: 'secret.events', numPartitions: 1 }] })),
      mend: () => topics((admin) => admin.deleteTopics({ topics: ['secret.events'] })),
    },
    {
      row: 'R5.5',
      what: 'the collector of traces is away',
      says: /ECONNREFUSED|no answer|telemetry/,
      harm: () => system.stop('telemetry'),
      mend: () => system.start('telemetry'),
    },
    {
      row: 'R6.5',
      what: 'MC3 is away, so that no message comes back',
      says: /the session to end by itself/,
      harm: () => system.stop('mc3'),
      mend: async () => {
        await system.start('mc3')
        // What was under way comes back now; then the next session may begin.
        await until('no session to run', async () => (await ask('GET', `${system.url('mc1')}/stop/`)).status === 409)
      },
    },
  ]

  for (const { row, what, says, harm, mend } of broken)
    test(`${row}: ${what}`, async (context) => {
      await harm()
      const seen = await prove(row).finally(mend)
      context.diagnostic(`${seen.verdict}: ${seen.reasons.join('; ')}`)
      assert.equal(seen.verdict, 'FAIL')
      assert.ok(
        seen.reasons.some((reason) => says.test(reason)),
        seen.reasons.join('; '),
      )
      await system.waitReady()
      const mended = await prove(row)
      assert.deepEqual([mended.verdict, mended.reasons], ['PASS', []])
    })

  const command = join(import.meta.dirname, '..', '..', 'cli', 'src', 'main.ts')
  /** `svyaz …` on this system: its process, which ends with the test, and what it says as it comes. */
  const svyaz = (context: TestContext, ...args: string[]) => {
    const env = { ...process.env, SVYAZ_HOME: system.home, NO_COLOR: '1', NODE_TEST_CONTEXT: '' }
    const child = spawn(process.execPath, [command, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    context.after(() => child.kill('SIGKILL'))
    const said = { out: '', complaint: '' }
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      said.out += part
    })
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      said.complaint += part
    })
    return { child, said, ended: once(child, 'close') as Promise<[code: number | null]> }
  }

  test('beside an experiment neither a proof nor another experiment begins', async (context) => {
    using _held = beginExamination(system.home, { kind: 'experiment', of: '7' }, () => new Date().toISOString())
    for (const args of [['verify', 'R7.5', '--bootstrap', broker()], ['faults']]) {
      const { said, ended } = svyaz(context, ...args)
      assert.equal((await ended)[0], 1)
      assert.match(said.complaint, /an experiment of the fault lab, seed 7, is under way/)
    }
  })

  test('SIGTERM in the middle of a row: what it stopped is back, and the report says what was not run', async (context) => {
    const { child, said, ended } = svyaz(context, 'verify', 'R4.2', 'R4.3', '--bootstrap', broker(), '--lines')
    await until('the broker to be stopped', () => said.out.includes('npx svyaz stop broker'), { timeoutMs: 60_000 })
    child.kill('SIGTERM')
    assert.equal((await ended)[0], 2, said.complaint)
    const last = said.out.split('\n').filter(Boolean).at(-1) ?? ''
    assert.deepEqual((JSON.parse(last) as { stopped: string[] }).stopped, ['R4.2', 'R4.3'])
    assert.deepEqual(
      system.instances().filter(({ status }) => status !== 'ready'),
      [],
    )
  })

  test('SIGTERM under load: a setting is again what an operator had made it', async (context) => {
    await configured({ addressRequestsPerSecond: 4_000 })
    const { child, said, ended } = svyaz(
      context,
      'verify',
      'Levels.gateway-throughput',
      '--bootstrap',
      broker(),
      '--lines',
    )
    await until('the limit to be lifted', () => said.out.includes('100000'), { timeoutMs: 60_000 })
    child.kill('SIGTERM')
    assert.equal((await ended)[0], 2, said.complaint)
    const { addressRequestsPerSecond } = await configured({ userRequestsPerMinute: null })
    assert.equal(addressRequestsPerSecond, 4_000)
  })
})
