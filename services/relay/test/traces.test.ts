/** What real Jaeger and real Zipkin know of a session: for every message one trace, and in it one span per incoming message. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { withoutProgram } from '../../../system/test/engines/engine.ts'
import { startTestJaeger, type TestJaeger } from '../../../system/test/engines/jaeger.ts'
import { startTestZipkin, type TestZipkin, withoutZipkin } from '../../../system/test/engines/zipkin.ts'
import { type RelayWorld, startRelay, until, writeConfig } from './relay-fixture.ts'

interface JaegerTrace {
  traceID: string
  spans: { processID: string; operationName: string; tags: { key: string; value: unknown }[] }[]
  processes: Record<string, { serviceName: string }>
}

const incomingKinds = ['server', 'consumer']

describe('the spans of a session', { skip: withoutProgram('jaeger-all-in-one'), concurrency: 1 }, () => {
  let jaeger: TestJaeger
  let zipkin: TestZipkin | undefined
  let world: RelayWorld

  before(async () => {
    jaeger = await startTestJaeger()
    if (!withoutZipkin()) zipkin = await startTestZipkin()
    world = await startRelay(
      { intervalSeconds: 1.5, inFlight: 1 },
      { SVYAZ_OTLP_URL: jaeger.otlp, ...(zipkin ? { SVYAZ_ZIPKIN_URL: zipkin.url } : {}) },
    )
  })
  after(async () => {
    await world?.[Symbol.asyncDispose]()
    await zipkin?.[Symbol.asyncDispose]()
    await jaeger?.[Symbol.asyncDispose]()
  })

  const runSession = async () => {
    const { sessionId } = await world.start()
    return until('the end of the session', async () => {
      const session = await world.session(sessionId)
      return session.status === 'finished' ? session : undefined
    })
  }

  /** Trace id → the message id and the services of its incoming-message spans, and its statements; for one session. */
  const incomingOf = async (
    sessionId: number,
  ): Promise<Map<string, { ids: Set<unknown>; services: string[]; statements: number }>> => {
    const tags = encodeURIComponent(JSON.stringify({ 'svyaz.relay.session_id': String(sessionId) }))
    const answer = await fetch(`${jaeger.query}/api/traces?service=mc2&lookback=1h&limit=20000&tags=${tags}`)
    const { data } = (await answer.json()) as { data: JaegerTrace[] }
    return new Map(
      data.map(({ traceID, spans, processes }) => {
        const tag = (span: JaegerTrace['spans'][number], key: string) =>
          span.tags.find((candidate) => candidate.key === key)?.value
        const incoming = spans.filter((span) => incomingKinds.includes(String(tag(span, 'span.kind'))))
        return [
          traceID,
          {
            ids: new Set(incoming.map((span) => tag(span, 'svyaz.relay.id'))),
            services: incoming.map((span) => processes[span.processID]?.serviceName ?? '').sort(),
            statements: spans.filter(({ operationName }) => operationName === 'SQL INSERT').length,
          },
        ]
      }),
    )
  }

  const assertThreeSpansEach = async (sessionId: number, generated: number) => {
    const incoming = await until(
      'all spans to arrive at Jaeger',
      async () => {
        const found = await incomingOf(sessionId)
        const spans = [...found.values()].reduce(
          (sum, { services, statements }) => sum + services.length + statements,
          0,
        )
        return spans >= 4 * generated ? found : undefined
      },
      20_000,
    )
    assert.equal(incoming.size, generated)
    for (const [traceId, { ids, services, statements }] of incoming) {
      assert.deepEqual(services, ['mc1', 'mc2', 'mc3'], traceId)
      assert.equal(ids.size, 1, traceId)
      assert.equal(statements, 1, traceId)
    }
    assert.equal(new Set([...incoming.values()].flatMap(({ ids }) => [...ids])).size, generated)
    return incoming
  }

  test('three for every message, one by one', async () => {
    const { sessionId, generated } = await runSession()
    assert.ok(generated !== null && generated > 10, `${generated}`)
    await assertThreeSpansEach(sessionId, generated)
  })

  test('three for every message with 64 under way, and the same trace at Zipkin', async (t) => {
    writeConfig(world.config, { intervalSeconds: 0.3, inFlight: 64 })
    await world.system.restart('mc1')
    const { sessionId, generated } = await runSession()
    assert.ok(generated !== null && generated > 64, `${generated}`)
    const incoming = await assertThreeSpansEach(sessionId, generated)
    if (!zipkin) return t.skip(String(withoutZipkin()))
    const { url } = zipkin
    const [traceId] = [...incoming.keys()]
    const spans = await until('the trace at Zipkin', async () => {
      const answer = await fetch(`${url}/api/v2/trace/${traceId}`)
      const found = (await answer.json()) as { kind?: string; localEndpoint?: { serviceName?: string } }[]
      return found.length >= 5 ? found : undefined
    })
    const services = spans
      .filter(({ kind }) => incomingKinds.includes(String(kind).toLowerCase()))
      .map(({ localEndpoint }) => localEndpoint?.serviceName)
    assert.deepEqual(services.sort(), ['mc1', 'mc2', 'mc3'])
  })
})
