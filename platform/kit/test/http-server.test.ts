/** The HTTP edge as a client on the wire sees it: a real server on a free port, real tokens. Long because one server is asked all of it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { Problem } from '@svyaz/contracts/errors.ts'
import { limits } from '@svyaz/contracts/primitives.ts'
import { route } from '@svyaz/contracts/vocabulary.ts'
import { z } from 'zod'
import type { HttpRequest } from '../src/api.ts'
import { handle } from '../src/declare.ts'
import { Failure } from '../src/failure.ts'
import { type RunningHttpServer, startHttpServer } from '../src/http/server.ts'
import { createSigner, createVerifier } from '../src/identity/identity.ts'
import { resetAfter, type TestCore, testCore, until } from './core-fixture.ts'
import { createKeys, type Keys } from './key-fixture.ts'

const thing = z.strictObject({ id: z.uuid(), name: z.string() })
const shape = { service: 'orders', summary: 'a test', errors: [] } as const
const byId = z.strictObject({ id: z.uuid() })
let turns = 0
const getThing = route({
  ...shape,
  id: 'getThing',
  method: 'GET',
  path: '/things/{id}',
  access: { user: true },
  params: byId,
  query: z.strictObject({ lang: z.enum(['en', 'ru']).optional() }),
  status: 200,
  reply: thing,
  etag: true,
})
const addThing = route({
  ...shape,
  id: 'addThing',
  method: 'POST',
  path: '/things',
  access: { user: ['admin'], services: ['payments'] },
  body: z.strictObject({ name: z.string().min(2), tags: z.array(z.strictObject({ label: z.string() })).default([]) }),
  status: 201,
  reply: thing,
  idempotencyKey: true,
})
const patchThing = route({
  ...shape,
  id: 'patchThing',
  method: 'PATCH',
  path: '/things/{id}',
  access: { user: true },
  params: byId,
  body: z.strictObject({ name: z.string() }),
  status: 200,
  reply: thing,
  etag: true,
})
const listThings = route({
  ...shape,
  id: 'listThings',
  method: 'GET',
  path: '/things',
  access: { anonymous: true, user: true },
  query: z.strictObject({ limit: z.coerce.number().int().max(100).default(20), cursor: z.string().optional() }),
  status: 200,
  reply: z.array(thing),
  pages: true,
})
const turn = route({
  ...shape,
  id: 'turn',
  method: 'GET',
  path: '/turn',
  access: { anonymous: true },
  status: 200,
  reply: z.strictObject({ turns: z.int() }),
  changes: true,
  internal: true,
})
const tokenForm = route({
  ...shape,
  id: 'tokenForm',
  method: 'POST',
  path: '/form',
  access: { services: ['gateway'] },
  body: z.object({ token: z.string() }),
  bodyType: 'form',
  status: 200,
  reply: z.strictObject({ token: z.string() }),
})
const slow = route({ ...shape, id: 'slow', method: 'GET', path: '/slow', access: { user: true }, status: 204 })
const broken = route({ ...shape, id: 'broken', method: 'GET', path: '/broken', access: { user: true }, status: 204 })
const busy = route({ ...shape, id: 'busy', method: 'GET', path: '/busy', access: { user: true }, status: 204 })
const feed = route({ ...shape, id: 'feed', method: 'GET', path: '/feed', access: { user: true }, status: 200 })

const id = '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4e'

describe('the HTTP server', () => {
  let keys: Keys
  let core: TestCore
  let server: RunningHttpServer
  let base: string
  let user: string
  let admin: string
  let gateway: string
  let payments: string
  let users: string
  const seen: HttpRequest<typeof addThing>[] = []
  let slowAborted = 0
  let feedClosed = 0

  before(async () => {
    keys = await createKeys('orders', 'gateway', 'payments', 'users')
    const coreOf = (service: string) =>
      testCore({ service, profile: 'test', keyFile: keys.keyFile(service), jwksFile: keys.jwksFile })
    core = coreOf('orders')
    const gatewaySigner = await createSigner(coreOf('gateway'))
    user = await gatewaySigner.userToken('orders', { userId: id, roles: ['user'] })
    admin = await gatewaySigner.userToken('orders', { userId: id, roles: ['user', 'admin'] })
    gateway = await gatewaySigner.serviceToken('orders')
    payments = await (await createSigner(coreOf('payments'))).serviceToken('orders')
    users = await (await createSigner(coreOf('users'))).serviceToken('orders')
    server = await startHttpServer(core, {
      verifier: await createVerifier(core),
      host: '127.0.0.1',
      port: 0,
      limits: { requestsInFlightMax: 4 },
      handlers: [
        handle(getThing, ({ params }) => ({ body: { id: params.id, name: 'a' }, etag: '7' })),
        handle(addThing, (request) => {
          seen.push(request)
          return { body: { id, name: request.body.name } }
        }),
        handle(patchThing, ({ ifMatch, body }) => {
          if (ifMatch !== undefined && !ifMatch.includes('7')) throw new Failure('version_mismatch', 'it is at 7')
          return { body: { id, name: body.name }, etag: '8' }
        }),
        handle(listThings, ({ caller }) => ({ body: [{ id, name: caller.kind }], nextCursor: 'a b' })),
        handle(turn, () => ({ body: { turns: ++turns } })),
        handle(tokenForm, ({ body }) => ({ body: { token: body.token } })),
        handle(slow, ({ signal }) => {
          signal.addEventListener('abort', () => slowAborted++)
          return new Promise(() => undefined)
        }),
        handle(broken, () => {
          throw new Error('secret: postgres://user:password@host')
        }),
        handle(busy, () => {
          throw new Failure('too_many_requests', 'slow down', { retryAfterSeconds: 7 })
        }),
        handle(feed, ({ signal }) => ({
          headers: { 'content-type': 'text/event-stream' },
          stream: (async function* () {
            try {
              yield 'data: 1\n\n'
              await new Promise((resolve) => signal.addEventListener('abort', resolve))
            } finally {
              feedClosed++
            }
          })(),
        })),
      ],
    })
    base = `http://127.0.0.1:${server.port}`
  })
  after(async () => {
    await server?.[Symbol.asyncDispose]()
    await keys?.[Symbol.asyncDispose]()
  })

  const send = async (
    method: string,
    path: string,
    options: { token?: string | undefined; body?: string; headers?: Record<string, string> } = {},
  ) => {
    const response = await fetch(base + path, {
      method,
      body: options.body ?? null,
      headers: {
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
    })
    const text = await response.text()
    return { response, text, json: () => JSON.parse(text), status: response.status }
  }

  const assertProblem = (answer: Awaited<ReturnType<typeof send>>, status: number, code: Problem['code']): Problem => {
    assert.equal(answer.status, status, answer.text)
    assert.equal(answer.response.headers.get('content-type'), 'application/problem+json')
    const problem = answer.json() as Problem
    assert.equal(problem.code, code)
    assert.equal(problem.status, status)
    assert.equal(problem.type, `urn:svyaz:problem:${code}`)
    assert.match(problem.traceId, /^[0-9a-f]{32}$/)
    assert.doesNotMatch(answer.text, /node_modules|\.ts:\d+|"stack"/)
    return problem
  }

  it('answers by the contract, with an entity tag, and 304 when it was not modified', async () => {
    const answer = await send('GET', `/things/${id}?lang=ru`, { token: user })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(answer.json(), { id, name: 'a' })
    assert.equal(answer.response.headers.get('etag'), '"7"')
    const again = await send('GET', `/things/${id}`, { token: user, headers: { 'if-none-match': 'W/"7"' } })
    assert.equal(again.status, 304)
    assert.equal(again.text, '')
  })

  it('answers HEAD like GET without a body, OPTIONS with Allow', async () => {
    const head = await send('HEAD', `/things/${id}`, { token: user })
    assert.equal(head.status, 200)
    assert.equal(head.text, '')
    const options = await send('OPTIONS', `/things/${id}`)
    assert.equal(options.status, 204)
    assert.equal(options.response.headers.get('allow'), 'GET, HEAD, OPTIONS, PATCH')
  })

  it('has no HEAD for a GET that changes something', async () => {
    const head = await send('HEAD', '/turn')
    assert.deepEqual([head.status, head.response.headers.get('allow')], [405, 'GET, OPTIONS'])
    assert.equal((await send('OPTIONS', '/turn')).response.headers.get('allow'), 'GET, OPTIONS')
    assert.deepEqual((await send('GET', '/turn')).json(), { turns: 1 })
  })

  const bodies: [string, string, Problem['code'], number][] = [
    ['a body that is not JSON', '{"name":', 'invalid_json', 400],
    ['a body with __proto__', '{"name":"ab","__proto__":{"x":1}}', 'invalid_json', 400],
    ['a body that nests too deep', `{"name":${'['.repeat(65)}${']'.repeat(65)}}`, 'invalid_json', 400],
    ['a body that is one long way down', '['.repeat(100_000), 'invalid_json', 400],
    ['an empty body', '', 'invalid_request', 400],
    ['a body over the limit', JSON.stringify({ name: 'x'.repeat(limits.bodyBytesMax) }), 'body_too_large', 413],
  ]
  for (const [what, body, code, status] of bodies)
    it(`refuses ${what}`, async () => {
      assertProblem(await send('POST', '/things', { token: admin, body }), status, code)
    })

  it('lists every fault at once with pointers, unknown fields among them', async () => {
    const body = JSON.stringify({ name: 'x', price: 1, tags: [{ label: 'a', 'b/c': 2 }, { label: 3 }] })
    const problem = assertProblem(
      await send('POST', '/things?debug=1', { token: admin, body, headers: { 'idempotency-key': 'k'.repeat(129) } }),
      400,
      'invalid_request',
    )
    assert.deepEqual(
      problem.errors?.map((fault) => `${fault.in} ${fault.pointer}`).sort(),
      [
        'body /name',
        'body /price',
        'body /tags/0/b~1c',
        'body /tags/1/label',
        'header /idempotency-key',
        'query /debug',
      ].sort(),
    )
  })

  it('refuses parameters of the path and the query that break the contract', async () => {
    const problem = assertProblem(await send('GET', '/things/7?lang=de', { token: user }), 400, 'invalid_request')
    assert.deepEqual(problem.errors?.map((fault) => fault.in).sort(), ['path', 'query'])
  })

  it('refuses media types and encodings that the operation does not take', async () => {
    const text = { token: admin, body: 'name=x', headers: { 'content-type': 'text/plain' } }
    assertProblem(await send('POST', '/things', text), 415, 'unsupported_media_type')
    const form = { ...text, headers: { 'content-type': 'application/x-www-form-urlencoded' } }
    assertProblem(await send('POST', '/things', form), 415, 'unsupported_media_type')
    const zipped = { token: admin, body: '{}', headers: { 'content-encoding': 'gzip' } }
    assertProblem(await send('POST', '/things', zipped), 415, 'unsupported_media_type')
    assertProblem(await send('POST', '/form', { token: gateway, body: '{}' }), 415, 'unsupported_media_type')
  })

  it('takes forms where the contract says so', async () => {
    const answer = await send('POST', '/form', {
      token: gateway,
      body: 'token=a%20b&token_type_hint=x',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    assert.deepEqual(answer.json(), { token: 'a b' })
  })

  it('says 404 for an unknown path, 405 with Allow for an unknown method', async () => {
    assertProblem(await send('GET', '/nothing', { token: user }), 404, 'not_found')
    const answer = await send('DELETE', `/things/${id}`, { token: user })
    assertProblem(answer, 405, 'method_not_allowed')
    assert.equal(answer.response.headers.get('allow'), 'GET, HEAD, OPTIONS, PATCH')
    assertProblem(
      await send('PUT', '/things', { body: 'x', headers: { 'content-type': 'text/plain' } }),
      405,
      'method_not_allowed',
    )
  })

  it('asks for a token, and says how', async () => {
    const answer = await send('GET', `/things/${id}`)
    assertProblem(answer, 401, 'unauthenticated')
    assert.equal(answer.response.headers.get('www-authenticate'), 'Bearer')
    assertProblem(await send('GET', `/things/${id}`, { token: 'a.b.c' }), 401, 'unauthenticated')
  })

  const matrix: [string, () => string | undefined, string, string, number][] = [
    ['a user where the role is missing', () => user, 'POST', '/things', 403],
    ['an admin', () => admin, 'POST', '/things', 201],
    ['a service that is named', () => payments, 'POST', '/things', 201],
    ['a service that is not named', () => users, 'POST', '/things', 403],
    ['the gateway for nobody where a user is needed', () => gateway, 'POST', '/things', 401],
    ['the gateway for nobody where anyone may', () => gateway, 'GET', '/things', 200],
    ['a user where anyone may', () => user, 'GET', '/things', 200],
    ['nobody at all where anyone may only through the gateway', () => undefined, 'GET', '/things', 401],
    ['another service where anyone may through the gateway', () => users, 'GET', '/things', 403],
  ]
  for (const [who, token, method, path, status] of matrix)
    it(`lets ${who} have ${status} of ${method} ${path}`, async () => {
      const body = method === 'POST' ? { body: '{"name":"ab"}' } : {}
      assert.equal((await send(method, path, { token: token(), ...body })).status, status)
    })

  it('refuses before it reads the body', async () => {
    assertProblem(await send('POST', '/things', { token: user, body: '{' }), 403, 'forbidden')
  })

  it('gives the handler defaults, the idempotency key and the caller', async () => {
    seen.length = 0
    await send('POST', '/things', { token: admin, body: '{"name":"ab"}', headers: { 'idempotency-key': 'key 1' } })
    assert.deepEqual(seen[0]?.body, { name: 'ab', tags: [] })
    assert.equal(seen[0]?.idempotencyKey, 'key 1')
    assert.deepEqual(seen[0]?.caller, { kind: 'user', userId: id, roles: ['user', 'admin'] })
  })

  it('refuses a form that says a thing twice', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await send('POST', '/form', { token: gateway, body: 'token=a&token=b', headers })
    assertProblem(answer, 400, 'invalid_request')
  })

  const versions: [string, number][] = [
    ['"7"', 200],
    ['*', 200],
    ['"6"', 412],
    ['W/"7"', 412],
    ['"6", W/"7"', 412],
    ['"6", "7"', 200],
    ['7', 412],
    ['', 412],
    [`"${'7'.repeat(1_000)}"`, 400],
  ]
  for (const [ifMatch, status] of versions)
    it(`answers If-Match: ${ifMatch} with ${status}`, async () => {
      const options = { token: user, body: '{"name":"n"}', headers: { 'if-match': ifMatch } }
      assert.equal((await send('PATCH', `/things/${id}`, options)).status, status)
    })

  it('links the next page with the query kept', async () => {
    const answer = await send('GET', '/things?limit=5&cursor=z', { token: gateway })
    assert.equal(answer.response.headers.get('link'), '</things?limit=5&cursor=a+b>; rel="next"')
    assert.equal(answer.json()[0].name, 'anonymous')
  })

  it('answers a failure by its row, with Retry-After', async () => {
    const answer = await send('GET', '/busy', { token: user })
    assertProblem(answer, 429, 'too_many_requests')
    assert.equal(answer.response.headers.get('retry-after'), '7')
  })

  it('answers an unknown error bare, and logs it in full', async () => {
    const answer = await send('GET', '/broken', { token: user })
    const problem = assertProblem(answer, 500, 'internal')
    assert.doesNotMatch(answer.text, /secret|postgres/)
    await until('it is logged', () => core.logs.some((line) => line.message === 'request broke'))
    const line = core.logs.find((entry) => entry.message === 'request broke')
    const { err } = (line?.fields ?? {}) as { err?: Error }
    assert.match(String(err?.message), /secret/)
    const span = core.spans.find((entry) => entry.traceparent.includes(problem.traceId))
    assert.equal(span?.failed, true)
  })

  it('gives up at the deadline of the caller, and tells the handler', async () => {
    slowAborted = 0
    const answer = await send('GET', '/slow', { token: user, headers: { 'x-svyaz-deadline-ms': '50' } })
    assertProblem(answer, 504, 'deadline_exceeded')
    assert.equal(slowAborted, 1)
  })

  it('tells the handler when the caller goes away', async () => {
    slowAborted = 0
    const abort = new AbortController()
    const asked = fetch(`${base}/slow`, { headers: { authorization: `Bearer ${user}` }, signal: abort.signal })
    await until('it is under way', () => server.inFlight() === 1)
    abort.abort()
    await assert.rejects(asked)
    await until('the handler knows', () => slowAborted === 1)
  })

  it('sheds what is too much with 503 and Retry-After', async () => {
    const abort = new AbortController()
    const headers = { authorization: `Bearer ${user}` }
    const held = Array.from({ length: 4 }, () => fetch(`${base}/slow`, { headers, signal: abort.signal }))
    const ended = Promise.allSettled(held)
    await until('four are under way', () => server.inFlight() === 4)
    const answer = await send('GET', '/things', { token: user })
    assertProblem(answer, 503, 'unavailable')
    assert.equal(answer.response.headers.get('retry-after'), '1')
    abort.abort()
    await ended
    await until('all are gone', () => server.inFlight() === 0)
    assert.equal((await send('GET', '/things', { token: user })).status, 200)
  })

  it('counts a request when its body is there: slow senders keep nobody out', async () => {
    const head = `PATCH /things/${id} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${user}\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n`
    const slow = Array.from({ length: 12 }, () => connect(server.port, '127.0.0.1'))
    const arrived = core.counted('http_server_request_duration_seconds')
    for (const socket of slow) {
      socket.write(`${head}content-length: 20\r\n\r\n{`)
      assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 100 /)
    }
    for (let times = 0; times < 5; times++) assert.equal((await send('GET', '/things', { token: user })).status, 200)
    assert.equal(server.inFlight(), 0)
    for (const socket of slow) socket.destroy()
    await until('they are gone', () => core.counted('http_server_request_duration_seconds') >= arrived + 12)
    assert.equal(server.inFlight(), 0)
  })

  it('streams, and ends the stream when its reader leaves', async () => {
    const abort = new AbortController()
    const response = await fetch(`${base}/feed`, { headers: { authorization: `Bearer ${user}` }, signal: abort.signal })
    const reader = response.body!.getReader()
    assert.equal(new TextDecoder().decode((await reader.read()).value), 'data: 1\n\n')
    abort.abort()
    await until('the stream is closed', () => feedClosed === 1)
  })

  it('continues the trace of the caller and names the span by the route', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await send('GET', `/things/${id}`, { token: user, headers: { traceparent } })
    await until('the span ended', () => core.spans.some((span) => span.parent === traceparent))
    const span = core.spans.find((entry) => entry.parent === traceparent)
    assert.equal(span?.name, 'GET /things/{id}')
    assert.equal(span?.options.kind, 'server')
    await until('the status is known', () => span?.attributes['http.response.status_code'] === 200)
    const labels = { method: 'GET', route: '/things/{id}', status: '200' }
    await until('it is counted', () => core.counted('http_server_request_duration_seconds', labels) > 0)
  })

  it('answers what is not HTTP with a problem too', async () => {
    const socket = connect(server.port, '127.0.0.1')
    socket.end('NONSENSE\r\n\r\n')
    let text = ''
    for await (const chunk of socket) text += chunk
    assert.match(text, /^HTTP\/1\.1 400 /)
    assert.match(text, /application\/problem\+json/)
    assert.match(text, /"code":"invalid_request"/)
  })

  for (const head of [
    'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    'CONNECT a:1 HTTP/1.1\r\nHost: localhost\r\n\r\n',
  ])
    it(`survives a reset behind ${head.split(' ')[0]} of another protocol`, async () => {
      await resetAfter(server.port, head, { answered: false })
      await resetAfter(server.port, head, { answered: true })
      assertProblem(await send('GET', '/things/%zz', { token: user }), 400, 'invalid_request')
    })

  it('refuses a name that a stranger pointed here', async () => {
    for (const [host, status] of [
      ['rebound.evil.example', 403],
      ['localhost:1', 401],
    ] as const) {
      const socket = connect(server.port, '127.0.0.1')
      socket.write(`GET /things/${id} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
      let text = ''
      for await (const chunk of socket) text += chunk
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `))
    }
  })

  it('answers targets that no URL can be made of', async () => {
    for (const [target, status] of [
      ['//', 404],
      ['\\', 400],
      [`/${'a'.repeat(10_000)}`, 414],
    ] as const) {
      const socket = connect(server.port, '127.0.0.1')
      socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
      let text = ''
      for await (const chunk of socket) text += chunk
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `))
      assert.match(text, /application\/problem\+json/)
    }
  })

  it('refuses a path that does not decode', async () => {
    assertProblem(await send('GET', '/things/%zz', { token: user }), 400, 'invalid_request')
  })

  it('describes itself', async () => {
    const document = (await send('GET', '/openapi.json')).json()
    assert.equal(document.openapi, '3.1.0')
    assert.equal(document.paths['/things/{id}'].get.operationId, 'getThing')
  })

  it('drains: tells a stream that would never end', async () => {
    const other = await startHttpServer(core, {
      verifier: await createVerifier(core),
      host: '127.0.0.1',
      port: 0,
      handlers: [
        handle(feed, ({ signal }) => ({
          stream: (async function* () {
            yield 'one'
            await new Promise((resolve) => signal.addEventListener('abort', resolve))
            yield ' last'
          })(),
        })),
      ],
    })
    const response = await fetch(`http://127.0.0.1:${other.port}/feed`, {
      headers: { authorization: `Bearer ${user}` },
    })
    const text = response.text()
    await until('it is under way', () => other.inFlight() === 1)
    await other.drain(60_000)
    assert.equal(await text, 'one last')
    await other[Symbol.asyncDispose]()
  })

  it('a raw operation for a place gets all that is at it and below it, whatever the method, and nothing else', async () => {
    const seen: string[] = []
    const other = await startHttpServer(core, {
      verifier: await createVerifier(core),
      host: '127.0.0.1',
      port: 0,
      handlers: [],
      raw: [
        {
          route: { below: '/place', access: { user: ['admin'] } },
          answer(request, response) {
            seen.push(`${request.method} ${request.url}`)
            response.end()
          },
        },
      ],
    })
    const ask = async (method: string, path: string, token = admin) =>
      (await fetch(`http://127.0.0.1:${other.port}${path}`, { method, headers: { authorization: `Bearer ${token}` } }))
        .status
    for (const [method, path] of [
      ['GET', '/place'],
      ['POST', '/place?query'],
      ['PUT', '/place/below'],
    ] as const)
      assert.equal(await ask(method, path), 200)
    assert.deepEqual(seen, ['GET /place', 'POST /place?query', 'PUT /place/below'])
    assert.equal(await ask('GET', '/placebo'), 404)
    assert.equal(await ask('GET', '/elsewhere/place'), 404)
    assert.equal(await ask('GET', '/place/below', user), 403)
    assert.equal(seen.length, 3)
    await other[Symbol.asyncDispose]()
  })

  it('drains: finishes what is under way, takes nothing new', async () => {
    const held: (() => void)[] = []
    const other = await startHttpServer(core, {
      verifier: await createVerifier(core),
      host: '127.0.0.1',
      port: 0,
      handlers: [handle(slow, () => new Promise((resolve) => held.push(() => resolve({}))))],
    })
    const headers = { authorization: `Bearer ${user}` }
    const asked = fetch(`http://127.0.0.1:${other.port}/slow`, { headers })
    await until('it is under way', () => held.length === 1)
    const drained = other.drain(10_000)
    await assert.rejects(fetch(`http://127.0.0.1:${other.port}/slow`, { headers }))
    held[0]?.()
    assert.equal((await asked).status, 204)
    await drained
    assert.equal(other.inFlight(), 0)
    await other[Symbol.asyncDispose]()
  })
})
