/** What several gateways share through Redis, on a real server; and what each does while it is paused or gone. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { testCore, until } from '../../../platform/kit/test/core-fixture.ts'
import {
  anyRedis,
  startTestRedis,
  type TestRedis,
  withoutOwnRedis,
  withoutRedis,
} from '../../../system/test/engines/redis.ts'
import { gatewayLimits } from '../src/config.ts'
import { limitScript, RedisLimits } from '../src/redis/limits.ts'
import { RedisLink } from '../src/redis/link.ts'
import type { RouteInput } from '../src/routes.ts'
import { alice, bearer, startUpstream, type Upstream } from './gateway-fixture.ts'
import { limitSuite } from './limit-suite.ts'
import { personalAnswersStayPersonal } from './personal-answers.ts'
import { type SharingGateway, startSharing } from './redis-fixture.ts'

/** A user that no earlier run of this file has counted for. */
const newUser = (...edges: SharingGateway[]): Record<string, string> => {
  const token = randomUUID()
  const user = { ...alice, userId: randomUUID() }
  for (const { users } of edges) users.set(token, user)
  return bearer(token)
}

const limitsOf = async (url: string, now: () => number) => {
  // On a busy machine Redis too is late: here it is about who counts, not about what happens without it.
  const link = await RedisLink.open(url, [limitScript], { ...testCore(), answerMs: 10_000 })
  await link.start()
  return { link, limits: new RedisLimits(link, 1_000, now, now) }
}

limitSuite(
  'Redis, by two gateways',
  async (now) => {
    const redis = await anyRedis()
    const [a, b] = await Promise.all([limitsOf(redis.url, now), limitsOf(redis.url, now)])
    return {
      stores: [a.limits, b.limits],
      async [Symbol.asyncDispose]() {
        await Promise.all([a.link[Symbol.asyncDispose](), b.link[Symbol.asyncDispose]()])
        await redis[Symbol.asyncDispose]()
      },
    }
  },
  withoutRedis(),
)

describe('limits of several gateways', { skip: withoutRedis() }, () => {
  it('are one: of 300 requests at once through three, exactly 100 pass', async () => {
    await using redis = await anyRedis()
    await using orders = await startUpstream('orders-1')
    const options = { instances: { orders: [orders.instance] } }
    await using a = await startSharing(redis.url, options)
    await using b = await startSharing(redis.url, options)
    await using c = await startSharing(redis.url, options)
    const headers = newUser(a, b, c)
    const statuses = await Promise.all(
      Array.from({ length: 300 }, async (_, at) => {
        const answer = await fetch(`${[a, b, c][at % 3]!.base}/orders`, { headers })
        await answer.text()
        return answer.status
      }),
    )
    assert.deepEqual(
      [200, 429].map((wanted) => statuses.filter((status) => status === wanted).length),
      [100, 200],
    )
    const refused = await fetch(`${a.base}/orders`, { headers })
    assert.equal(refused.headers.get('ratelimit'), `"user";r=0;t=${refused.headers.get('retry-after')}`)
  })

  it('count what passed through a gateway once, and not what Redis refused it', async () => {
    await using redis = await anyRedis()
    const time = { now: 60_000_000 }
    await using stack = new AsyncDisposableStack()
    const [a, b] = await Promise.all([0, 1].map(() => limitsOf(redis.url, () => time.now)))
    for (const { link } of [a!, b!]) stack.use(link)
    const [policy, key] = [{ name: 'x', requests: 2, windowMs: 1_000 }, randomUUID()]
    const take = async ({ limits }: { limits: RedisLimits }, at: number) => {
      time.now = 60_000_000 + at
      return (await limits.take(policy, key, time.now)).allowed
    }
    assert.deepEqual([await take(b!, 0), await take(b!, 0), await take(a!, 500)], [true, true, false])
    assert.deepEqual([await take(a!, 1_000), await take(a!, 1_001), await take(a!, 1_002)], [true, true, false])
    for (let round = 2; round < 10; round++) {
      time.now = 60_000_000 + round * 2_000
      // All at once: the first two of them, whoever they come through, and no other.
      const passed = await Promise.all(Array.from({ length: 30 }, (_, at) => take([a!, b!][at % 2]!, round * 2_000)))
      assert.equal(passed.filter(Boolean).length, 2, `in round ${round}`)
    }
  })
})

const cached = (more: Partial<RouteInput> = {}): RouteInput => ({
  prefix: '/products',
  service: 'inventory',
  auth: 'optional',
  cache: { seconds: 600, staleSeconds: 600, by: 'nobody' },
  ...more,
})

/** A catalogue that says which question this is, and two gateways that share what it answered. */
const startPair = async (url: string) => {
  await using stack = new AsyncDisposableStack()
  const inventory: Upstream = stack.use(
    await startUpstream('inventory-1', (_request, response) => response.end(`answer ${inventory.seen.length}`)),
  )
  const options = { routes: [cached()], instances: { inventory: [inventory.instance] } }
  const a = stack.use(await startSharing(url, options))
  const b = stack.use(await startSharing(url, options))
  const running = stack.move()
  // One that no earlier run has kept.
  const path = `/products/${randomUUID()}`
  return {
    inventory,
    a,
    b,
    path,
    ask: async ({ base }: SharingGateway) => {
      const answer = await fetch(base + path)
      return [await answer.text(), answer.headers.get('cache-status')?.replace(/; ttl=\d+/, '')]
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

const asked = 'svyaz; fwd=uri-miss; fwd-status=200; stored'
const askedAgain = 'svyaz; fwd=stale; fwd-status=200; stored'

describe('kept answers of several gateways', { skip: withoutRedis() }, () => {
  it('are asked for by one of them; what one hears of a change holds for all', async () => {
    await using redis = await anyRedis()
    await using pair = await startPair(redis.url)
    const { a, b, ask, path } = pair
    assert.deepEqual(await ask(a), ['answer 1', asked])
    assert.deepEqual(await ask(b), ['answer 1', 'svyaz; hit'])
    a.gateway.dataChanged('/products', path)
    await until('the other knows', async () => (await ask(b))[0] !== 'answer 1')
    assert.deepEqual(await ask(a), [(await ask(b))[0], 'svyaz; hit'])
    assert.equal(pair.inventory.seen.length, 2)
  })

  it('reach nobody but their user, whatever the route', async () => {
    await using redis = await anyRedis()
    const start = (options: object) => startSharing(redis.url, options)
    const questions = await personalAnswersStayPersonal([start, start, start])
    const reader = new Redis(redis.url)
    const keys = await reader.keys('svyaz:answer:*')
    reader.disconnect()
    assert.ok(keys.length > 8 && questions > 8, `${keys.length} answers, ${questions} questions`)
    assert.deepEqual(
      keys.filter((key) => key.includes(alice.userId)),
      [],
    )
  })

  it('that another wrote wrongly are not there', async () => {
    await using redis = await anyRedis()
    await using pair = await startPair(redis.url)
    await pair.ask(pair.a)
    const writer = new Redis(redis.url)
    const keys = await writer.keys('svyaz:answer:*')
    for (const key of keys) await writer.hset(key, 'head', '{"marks":[0,0],"headers":')
    writer.disconnect()
    assert.deepEqual(await pair.ask(pair.b), ['answer 2', asked])
  })

  it('that are too large are passed on and not kept', async () => {
    await using redis = await anyRedis()
    await using pair = await startPair(redis.url)
    const large = 'x'.repeat(gatewayLimits.cache.answerBytesMax + 1)
    pair.inventory.server.removeAllListeners('request')
    pair.inventory.server.on('request', (_request, response) => response.end(large))
    for (const edge of [pair.a, pair.b])
      assert.deepEqual(await pair.ask(edge), [large, 'svyaz; fwd=uri-miss; detail=size'])
  })
})

/** Requests one after the other from `lanes` clients until `stop`; who got which answer. */
const underLoad = (url: string, headers: Record<string, string>, lanes: number) => {
  const answers: { lane: number; status: number }[] = []
  let stopped = false
  const go = async (lane: number) => {
    while (!stopped) {
      const answer = await fetch(url, { headers })
      await answer.text()
      answers.push({ lane, status: answer.status })
    }
  }
  const running = Promise.all(Array.from({ length: lanes }, (_, lane) => go(lane)))
  return {
    answers,
    /** Clients of which `count` requests, at least, were begun and answered after the answer at `from`. */
    served: (from: number, count: number) => {
      const later = Map.groupBy(answers.slice(from), ({ lane }) => lane)
      // The first of them may have been begun before.
      return [...later.values()].filter((own) => own.length > count).length
    },
    async stop() {
      stopped = true
      await running
      return answers
    },
  }
}

const clients = 8

describe('while Redis is away', { skip: withoutOwnRedis() }, () => {
  const outages: Record<string, { begin(redis: TestRedis): unknown; end(redis: TestRedis): unknown }> = {
    paused: { begin: (redis) => redis.pause(), end: (redis) => redis.resume() },
    killed: { begin: (redis) => redis.kill(), end: (redis) => redis.start() },
  }
  for (const [how, { begin, end }] of Object.entries(outages))
    it(`${how} under load: every request is answered, each gateway limits alone, and it comes back by itself`, async () => {
      await using redis = await startTestRedis()
      await using orders = await startUpstream('orders-1')
      const options = {
        routes: [{ prefix: '/orders', service: 'orders', auth: 'required' } as const],
        instances: { orders: [orders.instance] },
        settings: { userRequestsPerMinute: 1_000_000, addressRequestsPerSecond: 1_000_000 },
      }
      await using a = await startSharing(redis.url, options)
      await using b = await startSharing(redis.url, options)
      const load = underLoad(`${a.base}/orders`, newUser(a, b), clients)
      await until('there is load', () => load.answers.length > 100)
      await begin(redis)
      await Promise.all([a.sees('away'), fetch(`${b.base}/orders`, { headers: newUser(b) })])
      const then = load.answers.length
      // Whoever waited for Redis would have no answer before it is back.
      await until('each client is served without it', () => load.served(then, 3) === clients)

      // What passed before counts on; beyond it each counts for itself.
      const limited = { userRequestsPerMinute: 10 }
      a.change(limited)
      b.change(limited)
      const headers = newUser(a, b)
      const passed = async ({ base }: SharingGateway) => {
        const statuses: number[] = []
        for (let i = 0; i < 12; i++) statuses.push((await fetch(`${base}/orders`, { headers })).status)
        return statuses.filter((status) => status === 200).length
      }
      await b.sees('away')
      assert.deepEqual([await passed(a), await passed(b)], [10, 10])

      await end(redis)
      await Promise.all([a.sees('here'), b.sees('here')])
      const answers = await load.stop()
      assert.deepEqual(new Set(answers.slice(0, then).map(({ status }) => status)), new Set([200]))
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200, 429]))

      const others = newUser(a, b)
      const one = async ({ base }: SharingGateway) => (await fetch(`${base}/orders`, { headers: others })).status
      const statuses: number[] = []
      for (let i = 0; i < 12; i++) statuses.push(await one(i % 2 === 0 ? a : b))
      assert.deepEqual(statuses, [...Array.from({ length: 10 }, () => 200), 429, 429], 'one limit again')
      const said = a.link.logs.filter(({ message }) => message.startsWith('Redis is')).map(({ message }) => message)
      assert.deepEqual(said, [
        'Redis is there',
        'Redis is away: limits and kept answers are of this gateway alone',
        'Redis is back',
      ])
      assert.ok(a.link.counted('gateway_redis_missed_total', { what: limitScript.name }) > 0)
    })

  it('a gateway starts, gives what it keeps itself, and tells Redis afterwards what has changed meanwhile', async () => {
    await using redis = await startTestRedis()
    redis.pause()
    await using pair = await startPair(redis.url)
    const { a, b, ask, path } = pair
    redis.resume()
    await Promise.all([a.sees('here'), b.sees('here')])
    assert.deepEqual(await ask(a), ['answer 1', asked])
    assert.deepEqual(await ask(b), ['answer 1', 'svyaz; hit'])
    redis.pause()
    assert.deepEqual(await ask(a), ['answer 1', 'svyaz; hit'], 'its own copy')
    await a.sees('away')
    a.gateway.dataChanged('/products', path)
    assert.deepEqual(await ask(a), ['answer 2', askedAgain])
    assert.deepEqual(await ask(a), ['answer 2', 'svyaz; hit'])
    redis.resume()
    await a.sees('here')
    await b.sees('here')
    assert.equal((await ask(b))[0], 'answer 3', 'the other was told, and asks')
    assert.deepEqual(await ask(a), ['answer 3', 'svyaz; hit'])
  })

  it('what a server comes back with that was killed is not given: it knows nothing of the latest changes', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'svyaz-redis-'))
    await using stack = new AsyncDisposableStack()
    stack.defer(() => rm(directory, { recursive: true, force: true }))
    const redis = stack.use(await startTestRedis(directory))
    const pair = stack.use(await startPair(redis.url))
    const { a, b, ask } = pair
    assert.deepEqual(await ask(a), ['answer 1', asked])
    const writer = new Redis(redis.url)
    await writer.save()
    writer.disconnect()
    a.gateway.dataChanged('/products', pair.path)
    assert.deepEqual(await ask(a), ['answer 2', askedAgain])
    await redis.kill()
    await a.sees('away')
    await redis.start()
    await Promise.all([a.sees('here'), b.sees('here')])
    assert.deepEqual(await ask(a), ['answer 2', 'svyaz; hit'], 'its own copy')
    assert.deepEqual(await ask(b), ['answer 3', asked])
    assert.deepEqual(await ask(a), ['answer 3', 'svyaz; hit'])
  })
})
