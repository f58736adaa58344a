/** Calls between services over HTTP: real servers that fail on purpose, real sockets, real tokens. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { route } from '@svyaz/contracts/vocabulary.ts'
import { z } from 'zod'
import type { HttpRequest, TokenSigner } from '../src/api.ts'
import { withDeadline } from '../src/calls/deadline.ts'
import { type CallPolicy, callPolicy } from '../src/calls/resilience.ts'
import { handle } from '../src/declare.ts'
import { Failure } from '../src/failure.ts'
import { createHttpClients } from '../src/http/client.ts'
import { failureOf, problemOf, retryAfterOf } from '../src/http/problem.ts'
import { type RunningHttpServer, startHttpServer } from '../src/http/server.ts'
import { createSigner, createVerifier } from '../src/identity/identity.ts'
import { type TestCore, testCore, until } from './core-fixture.ts'
import { instanceAt, knownInstances } from './instance-fixture.ts'
import { createKeys, type Keys } from './key-fixture.ts'

const shape = { service: 'orders', summary: 'a test', errors: [], access: { services: ['users'] } } as const
const reply = z.strictObject({ text: z.string() })
const params = z.strictObject({ id: z.string() })
const query = z.strictObject({ q: z.string().optional() })
const getThing = route({
  ...shape,
  id: 'getThing',
  method: 'GET',
  path: '/things/{id}',
  params,
  query,
  status: 200,
  reply,
})
const body = z.strictObject({ text: z.string() })
const postThing = route({
  ...shape,
  id: 'postThing',
  method: 'POST',
  path: '/things',
  body,
  status: 200,
  reply,
  idempotencyKey: true,
})
const formThing = route({
  ...shape,
  id: 'formThing',
  method: 'POST',
  path: '/form',
  body,
  bodyType: 'form',
  status: 200,
  reply,
})

const failsWith = (code: string) => (error: unknown) => {
  assert.ok(error instanceof Failure, String(error))
  assert.equal(error.code, code, error.message)
  return true
}

/** A server that plays a script: each request takes the next step, the last one again and again. */
type Step = number | 'cut' | 'hang'
const scripted = async (...steps: Step[]) => {
  const taken: { method: string; key: string | undefined }[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer((request, response) => {
    const step = steps.length > 1 ? steps.shift()! : steps[0]!
    taken.push({ method: request.method ?? '', key: request.headers['idempotency-key'] as string | undefined })
    if (step === 'cut') return void request.socket.destroy()
    if (step === 'hang') return
    response.statusCode = step
    response.setHeader('content-type', 'application/json')
    if (step === 503) response.setHeader('retry-after', '9')
    response.end(step < 400 ? '{"text":"ok"}' : '{}')
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    taken,
    play: (...next: Step[]) => steps.splice(0, steps.length, ...next),
    instance: instanceAt(`scripted-${port}`, { http: port }),
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const quick: CallPolicy = {
  ...callPolicy,
  retryBaseMs: 2,
  retryDelayMsMax: 5,
  breaker: { ...callPolicy.breaker, openMs: 100 },
}

describe('the HTTP client', () => {
  let keys: Keys
  let core: TestCore
  let signer: TokenSigner
  let server: RunningHttpServer
  const seen: HttpRequest<typeof getThing>[] = []

  before(async () => {
    keys = await createKeys('orders', 'users')
    const coreOf = (service: string) =>
      testCore({ service, profile: 'test', keyFile: keys.keyFile(service), jwksFile: keys.jwksFile })
    core = coreOf('users')
    signer = await createSigner(core)
    const other = coreOf('orders')
    server = await startHttpServer(other, {
      verifier: await createVerifier(other),
      host: '127.0.0.1',
      port: 0,
      handlers: [
        handle(getThing, (request) => {
          seen.push(request)
          if (request.params.id === 'gone')
            throw new Failure('conflict', 'no', { faults: [{ in: 'path', pointer: '/id', detail: 'x' }] })
          if (request.params.id === 'never') return new Promise(() => undefined)
          return { body: { text: request.params.id }, headers: { 'x-note': 'yes' } }
        }),
        handle(postThing, ({ body: sent }) => ({ body: sent })),
        handle(formThing, ({ body: sent }) => ({ body: sent })),
      ],
    })
  })
  after(async () => {
    await server?.[Symbol.asyncDispose]()
    await keys?.[Symbol.asyncDispose]()
  })

  const connect = (instances: ReturnType<typeof instanceAt>[], policy = quick) => {
    const clients = createHttpClients(core, { discovery: knownInstances(instances, policy.balancer), signer, policy })
    return { orders: clients('orders'), [Symbol.asyncDispose]: () => clients[Symbol.asyncDispose]() }
  }
  const real = () => connect([instanceAt('orders-1', { http: server.port })])

  it('calls by the contract: path, query, identity, deadline and trace', async () => {
    await using client = real()
    const user = { userId: 'u1', roles: ['user'] as const }
    const answer = await client.orders.call(
      getThing,
      { params: { id: 'a/b' }, query: { q: 'x y' } },
      { onBehalfOf: user, timeoutMs: 5_000 },
    )
    assert.deepEqual(answer.body, { text: 'a/b' })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['x-note'], 'yes')
    const request = seen.at(-1)
    assert.deepEqual(request?.query, { q: 'x y' })
    assert.deepEqual(request?.caller, { kind: 'service', service: 'users', onBehalfOf: user })
    const deadline = Number(request?.headers['x-svyaz-deadline-ms'])
    assert.ok(deadline > 4_000 && deadline <= 5_000, String(deadline))
    const span = core.spans.find((entry) => entry.options.kind === 'client')
    assert.equal(span?.name, 'GET /things/{id}')
    assert.equal(request?.headers.traceparent, span?.traceparent)
  })

  it('sends JSON and forms', async () => {
    await using client = real()
    assert.deepEqual((await client.orders.call(postThing, { body: { text: 'я' } })).body, { text: 'я' })
    assert.deepEqual((await client.orders.call(formThing, { body: { text: 'a&b=c' } })).body, { text: 'a&b=c' })
  })

  it('brings a problem back as the failure that it was, and does not repeat it', async () => {
    await using client = real()
    seen.length = 0
    await assert.rejects(client.orders.call(getThing, { params: { id: 'gone' } }), (error: Failure) => {
      assert.equal(error.code, 'conflict')
      assert.deepEqual(error.faults, [{ in: 'path', pointer: '/id', detail: 'x' }])
      return true
    })
    assert.equal(seen.length, 1)
  })

  it('gives up at its own deadline, and at that of the call it serves', async () => {
    await using client = real()
    const never = () => client.orders.call(getThing, { params: { id: 'never' } }, { timeoutMs: 100 })
    await assert.rejects(never(), failsWith('deadline_exceeded'))
    const startedAt = performance.now()
    const inherited = withDeadline(core.clock.monotonic() + 100, () =>
      client.orders.call(getThing, { params: { id: 'never' } }, { timeoutMs: 60_000 }),
    )
    await assert.rejects(inherited, failsWith('deadline_exceeded'))
    assert.ok(performance.now() - startedAt < 5_000)
  })

  const repeats: [string, Step[], () => Parameters<ReturnType<typeof real>['orders']['call']>, number, string][] = [
    ['a GET over a broken connection', ['cut', 'cut', 200], () => [getThing, { params: { id: 'x' } }], 3, 'ok'],
    ['a GET at most three times', [503], () => [getThing, { params: { id: 'x' } }], 3, 'unavailable'],
    ['a GET that met nonsense', [502, 200], () => [getThing, { params: { id: 'x' } }], 2, 'ok'],
    ['a POST never', ['cut', 200], () => [postThing, { body: { text: '' } }], 1, 'unavailable'],
    [
      'a POST with a key, under the same key',
      [503, 200],
      () => [postThing, { body: { text: '' }, headers: { 'Idempotency-Key': 'k1' } }],
      2,
      'ok',
    ],
    [
      'a GET that met an error without a code, which no service of ours answers',
      [404],
      () => [getThing, { params: { id: 'x' } }],
      3,
      'bad_gateway',
    ],
  ]
  for (const [what, steps, call, count, outcome] of repeats)
    it(`repeats ${what}`, async () => {
      const flaky = await scripted(...steps)
      await using client = connect([flaky.instance])
      const result = await client.orders.call(...call()).then(
        ({ body }) => (body as { text: string }).text,
        (error: Failure) => error.code,
      )
      assert.equal(result, outcome)
      assert.equal(flaky.taken.length, count)
      assert.ok(flaky.taken.every(({ key }) => key === flaky.taken[0]?.key))
      await flaky.close()
    })

  it('goes to another instance when one refuses connections, whatever the method', async () => {
    const dead = await scripted(200)
    await dead.close()
    const alive = await scripted(200)
    await using client = connect([dead.instance, alive.instance])
    for (let call = 0; call < 20; call++)
      assert.equal((await client.orders.call(postThing, { body: { text: '' } })).status, 200)
    assert.equal(alive.taken.length, 20)
    await alive.close()
  })

  it('says when to come back: what a callee said, ours or not, and something where nobody answers', async () => {
    const away = await scripted(503)
    await using client = connect([away.instance])
    const call = () => client.orders.call(postThing, { body: { text: '' } })
    await assert.rejects(call(), (error: Failure) => error.code === 'unavailable' && retryAfterOf(error) === 9)
    await away.close()
    await assert.rejects(call(), (error: Failure) => error.code === 'unavailable' && retryAfterOf(error) === 1)
    const said = problemOf(new Failure('too_many_requests', 'x'), 'trace')
    assert.equal(retryAfterOf(failureOf(said, 429, '7') ?? assert.fail()), 7)
    for (const odd of [undefined, '', '-1', 'soon', 'Wed, 21 Oct 2026 07:28:00 GMT', '1e9', '99999999999'])
      assert.equal(retryAfterOf(failureOf(said, 429, odd) ?? assert.fail()), 1, odd)
  })

  it('opens the breaker when nothing works, asks nobody meanwhile, and closes it after good probes', async () => {
    const flaky = await scripted(503)
    await using client = connect([flaky.instance])
    const call = () => client.orders.call(postThing, { body: { text: '' } })
    for (let count = 0; count < 10; count++) await assert.rejects(call(), failsWith('unavailable'))
    const asked = flaky.taken.length
    assert.equal(asked, 10)
    assert.equal(core.gauged('breaker_state', { dependency: 'http orders' }), 2)
    await assert.rejects(call(), (error: Failure) => error.code === 'unavailable' && error.retryAfterSeconds === 1)
    assert.equal(flaky.taken.length, asked)
    flaky.play(200)
    await until('a probe succeeds', () =>
      call().then(
        () => true,
        () => false,
      ),
    )
    await call()
    assert.equal(core.gauged('breaker_state', { dependency: 'http orders' }), 0)
    await flaky.close()
  })

  it('repeats no more than a tenth of the traffic for long', async () => {
    const flaky = await scripted(503)
    const policy = { ...quick, breaker: { ...quick.breaker, callsJudgedMin: 1_000_000 } }
    await using client = connect([flaky.instance], policy)
    for (let count = 0; count < 100; count++)
      await assert.rejects(client.orders.call(getThing, { params: { id: 'x' } }), failsWith('unavailable'))
    // 100 calls, the 10 retries saved up and the 10 that were earned.
    assert.ok(flaky.taken.length <= 121, String(flaky.taken.length))
    assert.ok(flaky.taken.length >= 115, String(flaky.taken.length))
    await flaky.close()
  })

  it('says unavailable when no instance is known', async () => {
    await using client = connect([])
    const call = client.orders.call(getThing, { params: { id: 'x' } }, { timeoutMs: 200 })
    await assert.rejects(call, failsWith('unavailable'))
  })

  it('does not wait for an answer that hangs', async () => {
    const hanging = await scripted('hang')
    await using client = connect([hanging.instance])
    const call = client.orders.call(getThing, { params: { id: 'x' } }, { timeoutMs: 100 })
    await assert.rejects(call, failsWith('deadline_exceeded'))
    assert.equal(hanging.taken.length, 1)
    await hanging.close()
  })
})
