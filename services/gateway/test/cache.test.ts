/** Answers that are kept: whose they are, how long they hold, what ends them, and that one question serves all. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect, constants } from 'node:http2'
import { test } from 'node:test'
import type { Clock } from '@svyaz/kit'
import { testCore, until } from '../../../platform/kit/test/core-fixture.ts'
import { defaultRoutes, type RouteInput, routeList } from '../src/routes.ts'
import { openSecurely, type SecurePort } from './certificate-fixture.ts'
import { bearer, startGateway, startUpstream, type Upstream } from './gateway-fixture.ts'
import { personalAnswersStayPersonal } from './personal-answers.ts'

const cached = (more: Partial<RouteInput> = {}): RouteInput => ({
  prefix: '/products',
  service: 'inventory',
  auth: 'optional',
  cache: { seconds: 10, staleSeconds: 60, by: 'nobody' },
  ...more,
})

/** A clock that only the test moves. */
const handClock = () => {
  const time = { now: 1_000_000 }
  const clock: Clock = { ...testCore().clock, monotonic: () => time.now }
  return { time, clock }
}

const counting = (upstream: () => Upstream) => (_request: unknown, response: ServerResponse) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ answer: upstream().seen.length }))
}
const startCounting = async (id = 'inventory-1') => {
  const upstream: Upstream = await startUpstream(id, (request, response) => counting(() => upstream)(request, response))
  return upstream
}
const get = async (base: string, path: string, headers: Record<string, string> = {}) => {
  const answer = await fetch(base + path, { headers })
  return { status: answer.status, text: await answer.text(), said: answer.headers.get('cache-status'), answer }
}
/** With a Cache-Control of its own: fetch adds `no-cache` to a conditional request that has none. */
const conditional = (etag: string) => ({ 'if-none-match': etag, 'cache-control': 'max-age=3600' })

test('asked for once, given until its time is over, with its age and a tag to come back with', async () => {
  const { time, clock } = handClock()
  await using inventory = await startCounting()
  await using edge = await startGateway({ routes: [cached()], instances: { inventory: [inventory.instance] }, clock })
  const first = await get(edge.base, '/products?limit=5')
  assert.deepEqual([first.text, first.said], ['{"answer":1}', 'svyaz; fwd=uri-miss; fwd-status=200; stored'])
  time.now += 3_000
  const second = await get(edge.base, '/products?limit=5')
  assert.deepEqual([second.text, second.said], ['{"answer":1}', 'svyaz; hit; ttl=7'])
  assert.equal(second.answer.headers.get('age'), '3')
  assert.equal(second.answer.headers.get('cache-control'), 'public, max-age=0, stale-if-error=60')
  const etag = second.answer.headers.get('etag') ?? ''
  const known = await get(edge.base, '/products?limit=5', conditional(etag))
  assert.deepEqual([known.status, known.text], [304, ''])
  const head = await fetch(`${edge.base}/products?limit=5`, { method: 'HEAD' })
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, '12'])
  assert.equal((await get(edge.base, '/products?limit=6')).text, '{"answer":2}', 'another query is another answer')
  time.now += 7_000
  assert.equal((await get(edge.base, '/products?limit=5')).said, 'svyaz; fwd=stale; fwd-status=200; stored')
  assert.equal(inventory.seen.length, 3)
})

test('a service that names versions is asked whether it changed, and says no without the body', async () => {
  const { time, clock } = handClock()
  await using inventory = await startUpstream('inventory-1', (request, response) => {
    response.setHeader('etag', '"v1"')
    if (request.headers['if-none-match'] === '"v1"') response.writeHead(304).end()
    else response.end('the body')
  })
  await using edge = await startGateway({ routes: [cached()], instances: { inventory: [inventory.instance] }, clock })
  await get(edge.base, '/products')
  time.now += 11_000
  const again = await get(edge.base, '/products', conditional('"other"'))
  assert.deepEqual([again.status, again.text], [200, 'the body'])
  assert.equal(again.said, 'svyaz; fwd=stale; fwd-status=304; stored')
  assert.deepEqual(
    inventory.seen.map(({ headers }) => headers['if-none-match']),
    [undefined, '"v1"'],
    'the client’s own condition is answered here',
  )
  assert.equal((await get(edge.base, '/products')).said, 'svyaz; hit; ttl=10')
})

test('a 304 that forbids keeping ends what is kept, and one about something else is asked about again', async () => {
  const { time, clock } = handClock()
  let extra: Record<string, string> = {}
  await using inventory: Upstream = await startUpstream('inventory-1', (request, response) => {
    for (const [name, value] of Object.entries({ etag: '"v1"', ...extra })) response.setHeader(name, value)
    if (request.headers['if-none-match'] !== undefined) response.writeHead(304).end()
    else response.end(`body ${inventory.seen.length}`)
  })
  await using edge = await startGateway({ routes: [cached()], instances: { inventory: [inventory.instance] }, clock })
  await get(edge.base, '/products')
  time.now += 11_000
  extra = { 'cache-control': 'no-store' }
  const last = await get(edge.base, '/products')
  assert.deepEqual([last.text, last.said], ['body 1', 'svyaz; fwd=stale; fwd-status=304; detail=cache-control'])
  assert.equal(last.answer.headers.get('cache-control'), 'no-store')
  extra = {}
  assert.equal((await get(edge.base, '/products')).said, 'svyaz; fwd=uri-miss; fwd-status=200; stored')
  time.now += 11_000
  extra = { etag: '"v2"' }
  assert.equal((await get(edge.base, '/products')).text, 'body 5')
  assert.deepEqual(
    inventory.seen.map(({ headers }) => headers['if-none-match']),
    [undefined, '"v1"', undefined, '"v1"', undefined],
  )
})

test('a 304 to a question without a condition is nonsense, and is not passed on', async () => {
  await using inventory = await startUpstream('inventory-1', (_request, response) => response.writeHead(304).end())
  await using edge = await startGateway({ routes: [cached()], instances: { inventory: [inventory.instance] } })
  assert.equal((await get(edge.base, '/products')).status, 502)
})

test('an event about one product ends its answer and the lists, and no other', async () => {
  await using inventory = await startCounting()
  await using edge = await startGateway({ routes: [cached()], instances: { inventory: [inventory.instance] } })
  const ask = async () => {
    const said: Record<string, string> = {}
    for (const path of ['/products', '/products?q=lamp', '/products/P-1', '/products/P-2'])
      said[path] = /fwd=\S+|hit/.exec((await get(edge.base, path)).said ?? '')![0]
    return said
  }
  await ask()
  edge.gateway.dataChanged('/products', '/products/P-1')
  assert.deepEqual(await ask(), {
    '/products': 'fwd=stale;',
    '/products?q=lamp': 'fwd=stale;',
    '/products/P-1': 'fwd=stale;',
    '/products/P-2': 'hit',
  })
})

test('an answer that was on its way when its data changed is not given to those who come after', async () => {
  let let1: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    let1 = resolve
  })
  await using inventory: Upstream = await startUpstream('inventory-1', async (_request, response) => {
    const number = inventory.seen.length
    if (number === 1) await held
    response.end(String(number))
  })
  await using edge = await startGateway({ routes: [cached()], instances: { inventory: [inventory.instance] } })
  const early = get(edge.base, '/products')
  await until('the first is asked', () => inventory.seen.length === 1)
  edge.gateway.dataChanged('/products', '/products/P-1')
  assert.equal((await get(edge.base, '/products')).text, '2', 'it does not wait for the older one')
  let1()
  assert.equal((await early).text, '1')
  assert.notEqual((await get(edge.base, '/products')).text, '1')
})

test('what is changed through the gateway is asked for again by the next request', async () => {
  await using inventory = await startCounting()
  const routes: RouteInput[] = [
    cached({ methods: ['GET'] }),
    { prefix: '/products', methods: ['POST'], service: 'inventory', auth: 'none' },
  ]
  await using edge = await startGateway({ routes, instances: { inventory: [inventory.instance] } })
  assert.equal((await get(edge.base, '/products/P-1')).text, '{"answer":1}')
  await (await fetch(`${edge.base}/products/P-1/restock`, { method: 'POST' })).text()
  assert.equal((await get(edge.base, '/products/P-1')).text, '{"answer":3}')
})

test('a hundred who want the same at once are one question', async () => {
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  await using inventory = await startUpstream('inventory-1', async (_request, response) => {
    await held
    response.end('one')
  })
  await using edge = await startGateway({ routes: [cached()], instances: { inventory: [inventory.instance] } })
  const all = Array.from({ length: 100 }, () => get(edge.base, '/products'))
  await until('all have come', () => edge.running.inFlight() === 100)
  release()
  const answers = await Promise.all(all)
  assert.ok(answers.every(({ status, text }) => status === 200 && text === 'one'))
  assert.equal(inventory.seen.length, 1)
  assert.equal(answers.filter(({ said }) => said?.includes('collapsed')).length, 99)
})

test('the first of them may leave: the others get their answer; when all leave, the question ends', async () => {
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  let ended = 0
  await using inventory = await startUpstream('inventory-1', async (_request, response) => {
    response.once('close', () => ended++)
    await held
    response.end('one')
  })
  await using edge = await startGateway({ routes: [cached()], instances: { inventory: [inventory.instance] } })
  const leaving = new AbortController()
  const first = fetch(`${edge.base}/products`, { signal: leaving.signal }).catch(() => 'left')
  await until('the first is asked', () => inventory.seen.length === 1)
  const second = get(edge.base, '/products')
  await until('both are there', () => edge.running.inFlight() === 2)
  leaving.abort()
  assert.equal(await first, 'left')
  // What came to the gateway before these, the end of that connection too, it has seen by then.
  for (let i = 0; i < 3; i++) assert.equal((await get(edge.base, '/health')).status, 200)
  assert.equal(ended, 0)
  release()
  assert.equal((await second).text, 'one')

  const alone = new AbortController()
  await using silent = await startUpstream('inventory-2', (_request, response) => {
    response.once('close', () => ended++)
  })
  await using other = await startGateway({ routes: [cached()], instances: { inventory: [silent.instance] } })
  const third = fetch(`${other.base}/products`, { signal: alone.signal }).catch(() => 'left')
  await until('it is asked', () => silent.seen.length === 1)
  const before = ended
  alone.abort()
  await third
  await until('nobody asks any more', () => ended === before + 1)
})

test('an answer that may be given to one only is given to one only', async () => {
  await using inventory: Upstream = await startUpstream('inventory-1', (_request, response) => {
    response.setHeader('cache-control', 'no-store')
    response.end(String(inventory.seen.length))
  })
  await using edge = await startGateway({ routes: [cached()], instances: { inventory: [inventory.instance] } })
  const answers = await Promise.all(Array.from({ length: 10 }, () => get(edge.base, '/products')))
  assert.equal(new Set(answers.map(({ text }) => text)).size, 10)
  assert.ok(answers.every(({ said }) => said === 'svyaz; fwd=uri-miss; fwd-status=200; detail=cache-control'))
})

test('a service that is away or breaks is bridged by what is kept, as long as the route says', async () => {
  const { time, clock } = handClock()
  let broken = false
  await using inventory = await startUpstream('inventory-1', (_request, response) => {
    response.writeHead(broken ? 500 : 200).end('the catalogue')
  })
  await using edge = await startGateway({ routes: [cached()], instances: { inventory: [inventory.instance] }, clock })
  await get(edge.base, '/products')
  time.now += 30_000
  broken = true
  const bridged = await get(edge.base, '/products')
  assert.deepEqual([bridged.status, bridged.text], [200, 'the catalogue'])
  assert.equal(bridged.said, 'svyaz; fwd=stale; fwd-status=503; ttl=-20; detail=stale-if-error')
  await inventory[Symbol.asyncDispose]()
  edge.gateway.dataChanged('/products', '/products/P-1')
  assert.equal((await get(edge.base, '/products')).text, 'the catalogue', 'nor does an event take it away')
  assert.equal((await get(edge.base, '/products', { 'cache-control': 'no-cache' })).status, 503)
  time.now += 41_000
  assert.equal((await get(edge.base, '/products')).status, 503)
})

test('what a client says of caches is heard', async () => {
  await using inventory = await startCounting()
  await using edge = await startGateway({ routes: [cached()], instances: { inventory: [inventory.instance] } })
  const only = await get(edge.base, '/products', { 'cache-control': 'only-if-cached' })
  assert.equal(only.status, 504)
  await get(edge.base, '/products', { 'cache-control': 'no-store' })
  assert.equal((await get(edge.base, '/products')).said, 'svyaz; fwd=uri-miss; fwd-status=200; stored')
  assert.equal(
    (await get(edge.base, '/products', { 'cache-control': 'no-cache' })).said,
    'svyaz; fwd=request; fwd-status=200; stored',
  )
  assert.equal(inventory.seen.length, 3)
})

test('a body too large to keep is passed on whole', async () => {
  const large = 'x'.repeat(700_000)
  await using inventory = await startUpstream('inventory-1', (_request, response) => response.end(large))
  await using edge = await startGateway({ routes: [cached()], instances: { inventory: [inventory.instance] } })
  for (let i = 0; i < 2; i++) {
    const answer = await get(edge.base, '/products')
    assert.deepEqual([answer.text === large, answer.said], [true, 'svyaz; fwd=uri-miss; detail=size'])
  }
})

for (const version of ['1.1', '2'] as const)
  test(`a body too large to keep isn’t read on for a client of HTTP/${version} that left, whoever else had waited for it`, async () => {
    const answers: ServerResponse[] = []
    const closed: ServerResponse[] = []
    const both = Promise.withResolvers<void>()
    await using inventory = await startUpstream('inventory-1', async (_request, response) => {
      answers.push(response)
      response.once('close', () => closed.push(response))
      await both.promise
      response.write('x'.repeat(300_000))
    })
    await using edge = await startGateway({ routes: [cached()], instances: { inventory: [inventory.instance] } })
    await using secure = await openSecurely(edge)
    const first = version === '2' ? askByStream(secure) : askByFetch(edge.base)
    await until('the first is asked', () => answers.length === 1)
    const second = fetch(`${edge.base}/products`)
    await until('both are there', () => edge.running.inFlight() === 2)
    both.resolve()
    await first.begins
    const other = await second
    assert.equal(answers.length, 2, 'the other asks a question of its own')
    first.leave()
    await until('nobody reads it any more', () => closed.length > 0)
    assert.deepEqual(
      closed.map((response) => answers.indexOf(response)),
      [0],
    )
    answers[1]!.end()
    assert.equal((await other.text()).length, 300_000)
  })

/** Asks for the products; `begins` with the head of the answer. */
const askByFetch = (base: string) => {
  const leaving = new AbortController()
  const begins = fetch(`${base}/products`, { signal: leaving.signal })
  return { begins, leave: () => leaving.abort() }
}

const askByStream = ({ port, authority }: SecurePort) => {
  const session = connect(`https://127.0.0.1:${port}`, { ca: authority })
  const stream = session.request({ ':path': '/products' })
  stream.resume()
  return {
    begins: once(stream, 'response'),
    leave() {
      stream.close(constants.NGHTTP2_CANCEL)
      session.close()
    },
  }
}

test('no header of a client that the key lacks reaches a question for everybody, nor does the client itself', async () => {
  await using inventory = await startUpstream('inventory-1')
  const rule = { seconds: 10, by: 'nobody', vary: ['accept-language'] } as const
  await using edge = await startGateway({
    routes: [cached({ cache: { ...rule, vary: [...rule.vary] } })],
    instances: { inventory: [inventory.instance] },
  })
  const headers = { ...bearer('alice-token'), cookie: 'a=1', accept: 'text/x', 'x-evil': '1', 'accept-language': 'ru' }
  await get(edge.base, '/products', headers)
  const { headers: seen } = inventory.seen[0]!
  for (const name of ['cookie', 'accept', 'x-evil', 'x-forwarded-host', 'x-forwarded-for'])
    assert.equal(seen[name], undefined, name)
  assert.equal(seen['accept-language'], 'ru')
  assert.equal((await edge.callerAt('inventory', seen.authorization)).kind, 'service')
  assert.match((await get(edge.base, '/products', { 'accept-language': 'en' })).said ?? '', /uri-miss/)
})

test('a token that is no good gets nothing from what is kept, and a limit counts as ever', async () => {
  await using inventory = await startCounting()
  await using edge = await startGateway({
    routes: [cached({ limit: { requests: 2, seconds: 60 } })],
    instances: { inventory: [inventory.instance] },
  })
  await get(edge.base, '/products')
  assert.equal((await get(edge.base, '/products', bearer('bad-token'))).status, 401)
  assert.equal((await get(edge.base, '/products')).status, 200)
  assert.equal((await get(edge.base, '/products')).status, 429)
})

test('an answer made for one user never reaches another, whatever the route', async () => {
  await personalAnswersStayPersonal([startGateway])
})

test('of the routes as they are, none keeps an answer that needs a sign-in', () => {
  for (const { prefix, auth, roles, cache } of routeList.parse(defaultRoutes))
    assert.ok(cache === undefined || cache.by === 'user' || (auth !== 'required' && roles === undefined), prefix)
  for (const wrong of [
    cached({ auth: 'required' }),
    cached({ roles: ['admin'] }),
    cached({ auth: 'none', cache: { seconds: 1, by: 'user' } }),
  ])
    assert.equal(routeList.safeParse([wrong]).success, false)
})
