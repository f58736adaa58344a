/**
 * Several gateways behind nginx (R4.3), with real processes: one is killed under load, all are restarted one after the
 * other, none is left, and one is added because there is much to do. Careless clients throughout: nothing is ever asked twice by them.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { until } from '@svyaz/observe/until.ts'
import { withBalancer } from '../../system/src/balancer.ts'
import { ask as askSupervisor } from '../../system/src/supervisor/control-client.ts'
import { type System, startSystem } from '../../system/src/testing.ts'
import { installed, withoutProgram } from '../../system/test/engines/engine.ts'
import { topology } from '../../system/topology.ts'

const administrator = { email: 'admin@svyaz.local', password: 'admin-svyaz' }
const lanes = 6

/** One request as it went; `failed`: a client would call it a failure of the system. */
interface Tried {
  readonly what: string
  readonly startedAt: number
  readonly endedAt: number
  readonly failed: string | undefined
}

describe('gateways behind nginx', { skip: withoutProgram('nginx'), timeout: 10 * 60_000 }, () => {
  let system: System
  let base: string
  let token: string

  const ask = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
    fetch(base + path, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const login = async ({ email, password }: { email: string; password: string }): Promise<Record<string, string>> => {
    const answer = await ask('POST', '/auth/login', { email, password })
    assert.equal(answer.status, 200)
    const { accessToken } = (await answer.json()) as { accessToken: string }
    return { authorization: `Bearer ${accessToken}` }
  }
  const gateways = () => system.instances().filter(({ service }) => service === 'gateway')

  before(
    async () => {
      system = await startSystem({
        topology: withBalancer(topology, { nginx: installed('nginx')! }),
        only: ['balancer', 'orders', 'inventory', 'users'],
        readyTimeoutMs: 180_000,
      })
      base = system.url('balancer')
      const admin = await until('the administrator to be let in', () => login(administrator))
      const properties = {
        userRequestsPerMinute: 1_000_000,
        addressRequestsPerSecond: 100_000,
        trustedProxies: ['127.0.0.1'],
      }
      const set = await ask('PUT', '/admin/gateway/embedded', { properties }, admin)
      assert.equal(set.status, 200, await set.text())
      const person = { email: `balanced.${Date.now()}@example.org`, password: 'rather-long-3f8a1', name: 'Balanced' }
      assert.equal((await ask('POST', '/users', person)).status, 201)
      token = (await login(person)).authorization!
      const me = await ask('GET', '/users/me', undefined, { authorization: token })
      assert.equal(me.status, 200, await me.text())
      await system.scale('gateway', 2)
    },
    { timeout: 240_000 },
  )
  after(() => system?.[Symbol.asyncDispose](), { timeout: 60_000 })

  /** Reads and writes, one after the other in each lane, until `stop`. */
  const load = () => {
    const tried: Tried[] = []
    let stopped = false
    const requests: readonly [what: string, go: () => Promise<Response>][] = [
      [
        'POST',
        () => ask('POST', '/orders', { items: [{ productId: 'P-1001', quantity: 1 }] }, { authorization: token }),
      ],
      ['GET', () => ask('GET', '/users/me', undefined, { authorization: token })],
      ['GET public', () => ask('GET', '/products')],
    ]
    const lane = async (first: number) => {
      for (let turn = first; !stopped; turn++) {
        const [what, go] = requests[turn % requests.length]!
        const startedAt = performance.now()
        const failed = await go().then(
          async (answer) => {
            await answer.text()
            // 409: nothing is left of what it orders.
            return answer.ok || answer.status === 409 ? undefined : String(answer.status)
          },
          (error: Error) => String(error.cause ?? error),
        )
        tried.push({ what, startedAt, endedAt: performance.now(), failed })
      }
    }
    const running = Promise.all(Array.from({ length: lanes }, (_, at) => lane(at)))
    return {
      tried,
      /** Resolves after that many more. */
      more: (count: number) => {
        const enough = tried.length + count
        return until(`${count} more requests`, () => tried.length >= enough, { timeoutMs: 120_000 })
      },
      async stop() {
        stopped = true
        await running
        return tried
      },
    }
  }
  /** Requests that each gateway has answered, by its own count. */
  const answered = async (name: string): Promise<number> => {
    const port = gateways().find((view) => view.name === name)?.ports.management
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    return [...text.matchAll(/^http_server_request_duration_seconds_count\{[^}]*\} (\d+)/gm)].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    )
  }
  const takesPart = async (name: string) => {
    const before = await answered(name)
    return until(`${name} to take part`, async () => (await answered(name)) > before + 5, { timeoutMs: 60_000 })
  }

  it('both take part; when one is killed under load, only what it was answering is noticed', async () => {
    const running = load()
    await Promise.all([takesPart('gateway-1'), takesPart('gateway-2')])
    await running.more(100)
    const killedAt = performance.now()
    await system.kill('gateway-2')
    const goneAt = performance.now()
    await running.more(300)
    const failed = (await running.stop()).filter(({ failed }) => failed !== undefined)
    const later = failed.filter(({ startedAt }) => startedAt > goneAt)
    assert.deepEqual(later, [], 'a request that came after its death')
    assert.ok(
      failed.every(({ what, endedAt }) => what === 'POST' && endedAt > killedAt),
      JSON.stringify(failed),
    )
    assert.ok(failed.length <= lanes, `${failed.length} failed`)
    await until('it to be back', () => gateways().every(({ status }) => status === 'ready'))
  })

  it('no request fails while they are restarted one after the other', async () => {
    const running = load()
    await running.more(50)
    for (const name of ['gateway-1', 'gateway-2']) {
      await takesPart(name)
      await system.restart(name)
      await takesPart(name)
    }
    const tried = await running.stop()
    assert.deepEqual(
      tried.filter(({ failed }) => failed !== undefined),
      [],
    )
    assert.ok(tried.length > 100)
  })

  it('with none left, what is public is answered from the cache, and the rest says that nobody is there', async () => {
    const first = await ask('GET', '/products')
    const products = await first.text()
    assert.equal(first.status, 200)
    await system.stop('gateway')
    // Until then it is as fresh as nginx takes it to be: a second.
    const stale = await until('a stale answer', async () => {
      const answer = await ask('GET', '/products')
      assert.deepEqual([answer.status, await answer.text()], [200, products])
      return answer.headers.get('x-cache') === 'STALE' && answer
    })
    assert.equal(stale.headers.get('content-type')?.split(';')[0], 'application/json')
    const mine = await ask('GET', '/users/me', undefined, { authorization: token })
    assert.equal(mine.status, 502)
    await system.start('gateway')
    let last = ''
    await until(
      'they answer again',
      async () => {
        const answer = await ask('GET', '/users/me', undefined, { authorization: token })
        last = `${answer.status} ${await answer.text()}`
        return answer.status === 200
      },
      { explain: () => last },
    )
  })

  it('the supervisor keeps them within bounds, and the balancer sends to whichever there are', async () => {
    const auto = (min: number, max: number) =>
      askSupervisor(system.home, 'POST', `/services/gateway/auto/${min}/${max}`)
    const ready = () => gateways().filter(({ status }) => status === 'ready').length
    const running = load()
    await auto(3, 4)
    await until('three', () => ready() === 3, { timeoutMs: 90_000 })
    await takesPart('gateway-3')
    await auto(1, 1)
    await until('one', () => gateways().length === 1, { timeoutMs: 60_000 })
    await running.more(50)
    const failed = (await running.stop()).filter(({ failed }) => failed !== undefined)
    // A file that is read again closes idle connections, and one of a client may be about to be used.
    assert.deepEqual(
      failed.filter(({ failed }) => /^\d/.test(failed!)),
      [],
    )
    await assert.rejects(auto(3, 2), /whole numbers/)
    await system.scale('gateway', 2)
  })

  it('a second is added by itself when one has too much to do, and takes its share', async () => {
    await system.scale('gateway', 1)
    await until('one', () => gateways().length === 1 && gateways()[0]?.status === 'ready', { timeoutMs: 60_000 })
    await askSupervisor(system.home, 'POST', '/services/gateway/auto/1/2')
    await using _ = await crowd(system.url('balancer'))
    await until('a second one', () => gateways().filter(({ status }) => status === 'ready').length === 2, {
      timeoutMs: 120_000,
    })
    await takesPart('gateway-2')
    await takesPart('gateway-1')
  })
})

/**
 * Many who ask without saying who they are, which a gateway answers alone: the work is its own. Asked in batches on a few
 * connections (pipelining, RFC 9112, 9.3.2), so that asking costs far less than answering.
 */
async function crowd(url: string): Promise<AsyncDisposable> {
  const { hostname, port, host } = new URL(url)
  const batch = 32
  const question = Buffer.from(`GET /users/me HTTP/1.1\r\nhost: ${host}\r\n\r\n`.repeat(batch))
  // Whatever they say: a gateway that is late refuses some with 503.
  const statusLine = Buffer.from('HTTP/1.1 ')
  const answersIn = (bytes: Buffer) => {
    let count = 0
    for (let at = bytes.indexOf(statusLine); at >= 0; at = bytes.indexOf(statusLine, at + 1)) count += 1
    return count
  }
  const sockets = new Set<Socket>()
  let over = false
  const open = () => {
    const socket = connect({ host: hostname, port: Number(port) })
    sockets.add(socket)
    let answered = 0
    let rest = Buffer.alloc(0)
    const ask = () => {
      answered = 0
      socket.write(question)
    }
    socket.on('data', (bytes: Buffer) => {
      const seen = Buffer.concat([rest, bytes])
      answered += answersIn(seen)
      // A status line may come in two pieces; what is kept is too short to be counted twice.
      rest = seen.subarray(-(statusLine.length - 1))
      if (answered >= batch) ask()
    })
    socket.on('connect', ask)
    socket.on('error', () => undefined)
    // nginx ends a connection after a thousand requests, and when its file is read again.
    socket.on('close', () => {
      sockets.delete(socket)
      if (!over) setTimeout(open, 10)
    })
    return socket
  }
  await Promise.all(Array.from({ length: 8 }, () => once(open(), 'data')))
  return {
    async [Symbol.asyncDispose]() {
      over = true
      for (const socket of sockets) socket.destroy()
    },
  }
}
