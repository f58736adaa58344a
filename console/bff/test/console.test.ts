/**
 * The server of the console as others meet it: who is let in and who isn't, with a real supervisor of small processes
 * behind it, and a gateway that says what the real one says (the real one is behind it in test/browser.test.ts).
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { closeCodes, streamPath as contractStreamPath } from '@svyaz/contracts/socket/notifications.ts'
import WebSocket from 'ws'
import { until } from '../../../lab/observe/until.ts'
import { type System, startSystem } from '../../../system/src/testing.ts'
import { topology } from '../../../system/test/fixtures/topology.ts'
import { demoUsers, type LiveMessage, type NotificationFrame, type OrderView } from '../../protocol.ts'
import { recorded } from '../../test/recorded.ts'
import { type Console, startConsole } from '../src/console.ts'
import { limits } from '../src/limits.ts'
import { closedFor, streamPath } from '../src/notification-stream.ts'
import { type Gateway, reader, startGateway, strangersOrder } from './gateway-fixture.ts'

// ---------------------------------------------------------------- asking, with any header that a browser could be made to send

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

function ask(port: number, path: string, { method = 'GET', headers = {}, body }: Asked = {}) {
  return new Promise<{ status: number; headers: IncomingMessage['headers']; text: string; code: string | undefined }>(
    (resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk) => {
          text += chunk
        })
        response.on('end', () => {
          const problem = response.headers['content-type']?.includes('problem') === true
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            code: problem ? (JSON.parse(text) as { code: string }).code : undefined,
          })
        })
      })
      sent.on('error', reject)
      sent.end(body)
    },
  )
}

interface Place {
  readonly system: System
  readonly gateway: Gateway
  readonly console: Console
  readonly directory: string
}

let place: Place
/** What a page of ours sends with every change. */
let ours: Record<string, string>
const own = () => `127.0.0.1:${place.console.port}`

const startHere = (directory: string, gateway: Gateway, system: System, port = 0) =>
  startConsole({
    port,
    directory,
    pageCache: join(directory, 'pages'),
    gateway: gateway.url,
    controlSocket: system.controlSocket,
    allowedHosts: ['svyaz.test'],
    reader,
  })

async function openSession(port: number): Promise<Record<string, string>> {
  const { text, headers } = await ask(port, '/api/session')
  return {
    'content-type': 'application/json',
    cookie: String(headers['set-cookie']?.[0]).split(';')[0] ?? '',
    origin: `http://127.0.0.1:${port}`,
    'x-svyaz-csrf': (JSON.parse(text) as { csrf: string }).csrf,
  }
}

/** A page's line to the server, and what came over it. */
async function openPage(port: number, headers: Record<string, string>) {
  const messages: LiveMessage[] = []
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/live`, { headers })
  socket.on('message', (data) => messages.push(JSON.parse(String(data))))
  await new Promise((resolve, reject) => {
    socket.once('message', resolve)
    socket.once('error', reject)
  })
  return { socket, messages, [Symbol.dispose]: () => socket.terminate() }
}

before(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'svyaz-console-'))
  const [system, gateway] = await Promise.all([startSystem({ topology, bundle: false }), startGateway()])
  place = { system, gateway, directory, console: await startHere(directory, gateway, system) }
  ours = await openSession(place.console.port)
})
after(async () => {
  await place.console[Symbol.asyncDispose]()
  await Promise.all([place.gateway[Symbol.asyncDispose](), place.system[Symbol.asyncDispose]()])
  rmSync(place.directory, { recursive: true, force: true })
})

const pidOf = (name: string) => place.system.instances().find((view) => view.name === name)?.pid
const post = (path: string, headers: Record<string, string>, body = '{}') =>
  ask(place.console.port, path, { method: 'POST', headers, body })

// ---------------------------------------------------------------- who may kill

describe('a process is killed only by a page of ours', () => {
  const without = (name: string) => Object.fromEntries(Object.entries(ours).filter(([key]) => key !== name))
  /** [what is wrong, the headers, the code of the refusal] */
  const refusals: [string, () => Record<string, string>, string][] = [
    ['another site, with the cookie', () => ({ ...ours, origin: 'https://evil.example' }), 'foreign_origin'],
    ['a sandboxed frame', () => ({ ...ours, origin: 'null' }), 'foreign_origin'],
    ['another port of this machine', () => ({ ...ours, origin: 'http://127.0.0.1:9' }), 'foreign_origin'],
    ['the same name over another scheme', () => ({ ...ours, origin: `https://${own()}` }), 'foreign_origin'],
    [
      'a name that was rebound to this machine',
      () => ({ ...ours, host: 'evil.example', origin: 'http://evil.example' }),
      'foreign_host',
    ],
    ['a rebound name with our port', () => ({ ...ours, host: `evil.example:${place.console.port}` }), 'foreign_host'],
    [
      'a name that begins like ours',
      () => ({ ...ours, host: `localhost.evil.example:${place.console.port}` }),
      'foreign_host',
    ],
    ['what the browser says is cross-site', () => ({ ...ours, 'sec-fetch-site': 'cross-site' }), 'foreign_site'],
    ['what the browser says is another subdomain', () => ({ ...ours, 'sec-fetch-site': 'same-site' }), 'foreign_site'],
    [
      'a navigation that posts',
      () => ({ ...ours, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }),
      'foreign_site',
    ],
    ['nobody says where from', () => without('origin'), 'no_origin'],
    ['no session', () => without('cookie'), 'no_session'],
    ['a guessed session', () => ({ ...ours, cookie: 'svyaz_console=AAAA' }), 'no_session'],
    ['no token of the session', () => without('x-svyaz-csrf'), 'csrf'],
    ['a wrong token', () => ({ ...ours, 'x-svyaz-csrf': 'A'.repeat(ours['x-svyaz-csrf']?.length ?? 0) }), 'csrf'],
    ['a token with as many letters and more bytes', () => ({ ...ours, 'x-svyaz-csrf': 'é'.repeat(43) }), 'csrf'],
    [
      "a form's media type",
      () => ({ ...ours, 'content-type': 'application/x-www-form-urlencoded' }),
      'unsupported_media_type',
    ],
    ['the media type that needs no leave', () => ({ ...ours, 'content-type': 'text/plain' }), 'unsupported_media_type'],
  ]
  for (const [what, headers, code] of refusals) {
    test(`refused: ${what}`, async () => {
      const before = pidOf('edge-1')
      for (const path of ['/api/processes/edge-1/kill', '/api/services/worker/scale/1', '/api/relay/start']) {
        const answer = await post(path, headers())
        assert.equal(answer.code, code, answer.text)
        assert.ok(answer.status === 403 || answer.status === 401 || answer.status === 415, String(answer.status))
        assert.equal(answer.headers['access-control-allow-origin'], undefined)
      }
      assert.equal(pidOf('edge-1'), before)
      assert.equal(place.system.instances().filter(({ service }) => service === 'worker').length, 2)
    })
  }

  test('refused: the token of another session', async () => {
    const other = await openSession(place.console.port)
    assert.equal(
      (await post('/api/processes/edge-1/kill', { ...ours, 'x-svyaz-csrf': other['x-svyaz-csrf'] ?? '' })).code,
      'csrf',
    )
  })

  test('refused: a body that nests too deep, as a wrong body and not as an outage', async () => {
    const deep = `{"items":${'['.repeat(5_000)}${']'.repeat(5_000)}}`
    for (const path of ['/api/users/ada/orders', '/api/processes/edge-1/kill', '/api/relay/start']) {
      const answer = await post(path, ours, deep)
      assert.deepEqual([answer.status, answer.code], [400, 'malformed_json'], path)
    }
  })

  test('a flood of sessions from the same address leaves the one of our page alone', async () => {
    for (let count = 0; count < 250; count += 1)
      assert.equal((await ask(place.console.port, '/api/session')).status, 200)
    assert.equal((await post('/api/processes/nobody/kill', ours)).status, 409, 'let in, and refused by the supervisor')
  })

  test('refused: leave to ask (CORS), and any method but POST', async () => {
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' }
    const leave = await ask(place.console.port, '/api/processes/edge-1/kill', { method: 'OPTIONS', headers })
    assert.equal(leave.status, 403)
    assert.equal(leave.headers['access-control-allow-origin'], undefined)
    const get = await ask(place.console.port, '/api/processes/edge-1/kill', { headers: ours })
    assert.deepEqual([get.status, get.headers.allow], [405, 'POST'])
  })

  test('from our own page it is killed, comes back, and the page is told how long it was away', async () => {
    using page = await openPage(place.console.port, ours)
    const before = await until('edge-1', () => pidOf('edge-1'))
    assert.equal((await post('/api/processes/edge-1/kill', ours)).status, 200)
    await until('another process', () =>
      pidOf('edge-1') !== undefined && pidOf('edge-1') !== before ? true : undefined,
    )
    const told = await until(
      'the end of the outage',
      () =>
        page.messages.flatMap((message) =>
          message.type === 'outage' && message.outage.until ? [message.outage] : [],
        )[0],
    )
    assert.deepEqual([told.instance, told.cause], ['edge-1', 'killed'])
    assert.ok(!JSON.stringify(page.messages).includes(place.system.home), 'no path of this machine')
  })

  test('under a configured name too', async () => {
    const headers = { ...ours, host: 'svyaz.test', origin: 'http://svyaz.test' }
    assert.equal((await post('/api/processes/edge-1/restart', headers)).status, 200)
  })

  test('what the supervisor refuses is passed on in its words; the console never stops itself', async () => {
    const unknown = await post('/api/processes/nobody/kill', ours)
    assert.deepEqual([unknown.status, unknown.code], [409, 'refused'])
    assert.match(unknown.text, /there is no \\"nobody\\"/)
    assert.equal((await post('/api/processes/console-1/stop', ours)).status, 409)
    assert.equal((await post('/api/processes/edge-1/explode', ours)).status, 404)
    assert.equal((await post('/api/services/ground/scale/2', ours)).status, 409)
  })
})

describe('the line to a page', () => {
  const statusOf = (headers: Record<string, string>, path = '/api/live') =>
    new Promise<number>((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${place.console.port}${path}`, { headers })
      socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0))
      socket.on('open', () => {
        socket.terminate()
        resolve(101)
      })
      socket.on('error', () => {})
    })

  test('opens for our own page alone', async () => {
    const { origin = '', cookie = '' } = ours
    assert.equal(await statusOf({ origin, cookie }), 101)
    assert.equal(await statusOf({ cookie, origin: 'https://evil.example' }), 403)
    assert.equal(await statusOf({ cookie }), 403)
    assert.equal(await statusOf({ origin }), 401)
    assert.equal(await statusOf({ cookie, origin: 'http://evil.example', host: 'evil.example' }), 403)
    assert.equal(await statusOf({ origin, cookie }, '/elsewhere'), 404)
  })

  test('is open to a limited number of pages of one address; one more is 429 until one is closed', async () => {
    const { origin = '', cookie = '' } = ours
    const pages: Awaited<ReturnType<typeof openPage>>[] = []
    while ((await statusOf({ origin, cookie })) === 101 && pages.length <= limits.pagesPerAddressMax)
      pages.push(await openPage(place.console.port, ours))
    assert.ok(pages.length <= limits.pagesPerAddressMax)
    assert.equal(await statusOf({ origin, cookie }), 429)
    pages[0]?.socket.terminate()
    await until('there is room', async () => (await statusOf({ origin, cookie })) === 101)
    for (const page of pages) page.socket.terminate()
  })

  test('ends at words that are not ours', async () => {
    using page = await openPage(place.console.port, ours)
    const closed = new Promise<number>((resolve) => page.socket.once('close', resolve))
    page.socket.send('{"type":"kill","target":"edge-1"}')
    assert.equal(await closed, 1008)
  })
})

describe('the users', () => {
  const order = (headers: Record<string, string> = {}) =>
    post('/api/users/ada/orders', { ...ours, ...headers }, '{"items":[{"productId":"P-1001","quantity":1}]}')

  test('an order goes to the gateway as the user, with its key; the answer comes back, the token does not', async () => {
    const answer = await until('the user', async () => {
      const tried = await order({ 'idempotency-key': 'key-1' })
      return tried.status === 201 ? tried : undefined
    })
    assert.equal((JSON.parse(answer.text) as OrderView).id, recorded.order.id)
    const sent = place.gateway.seen.findLast(({ method, path }) => method === 'POST' && path === '/orders')
    assert.match(String(sent?.headers.authorization), /^Bearer secret-token-/)
    assert.equal(sent?.headers['idempotency-key'], 'key-1')
    assert.equal(sent?.headers.cookie, undefined)
    assert.ok(!`${answer.text}${JSON.stringify(answer.headers)}`.includes('secret-'))
  })

  test('its story is pushed to the pages, and nothing that they get holds a token or a password', async () => {
    using page = await openPage(place.console.port, ours)
    await order()
    page.socket.send(JSON.stringify({ type: 'watch', orderId: recorded.order.id }))
    const told = await until('the story', () =>
      page.messages.find(
        (message) => message.type === 'order' && message.order.story?.steps.length === recorded.story.steps.length,
      ),
    )
    assert.equal(told.type, 'order')
    const secrets = ['secret-', ...place.gateway.accounts.values()]
    for (const secret of secrets) assert.ok(!JSON.stringify(page.messages).includes(secret))
  })

  test('an order of anybody is shown when it is asked for by its id, read by the one who may', async () => {
    using page = await openPage(place.console.port, ours)
    page.socket.send(JSON.stringify({ type: 'watch', orderId: strangersOrder }))
    const told = await until('the order with its story', () =>
      page.messages.find(
        (message) =>
          message.type === 'order' && message.order.order.id === strangersOrder && message.order.story !== undefined,
      ),
    )
    assert.ok(told.type === 'order')
    assert.equal(told.order.user, 'other')
    assert.ok(!JSON.stringify(page.messages).includes('secret-'))
  })

  test('a refusal of the gateway is passed on as it is', async () => {
    const answer = await post('/api/users/ada/orders', ours)
    assert.deepEqual([answer.status, JSON.parse(answer.text)], [400, { code: 'invalid_request', detail: 'items' }])
    assert.equal((await post('/api/users/mallory/orders', ours)).status, 404)
  })

  test('an expired token is replaced unseen, and the notifications go on after the last one seen', async () => {
    using page = await openPage(place.console.port, ours)
    const frame = (cursor: number): NotificationFrame => ({
      cursor,
      kind: 'order.paid',
      title: 't',
      at: '2026-01-01T00:00:00.000Z',
      eventId: `e${cursor}`,
    })
    const cursors = () =>
      page.messages.flatMap((message) =>
        message.type === 'notification' && message.user === 'ada' ? [message.notification.cursor] : [],
      )
    place.gateway.notify(frame(7))
    await until('the first notification', () => cursors()[0])
    place.gateway.expire()
    assert.equal((await order()).status, 201)
    const resumed = await until('a new line', () =>
      place.gateway.seen.findLast(({ method, path }) => method === 'UPGRADE' && path.endsWith('?cursor=7')),
    )
    assert.ok(resumed.path.startsWith(streamPath))
    await until('the next notification', () => {
      place.gateway.notify(frame(7))
      place.gateway.notify(frame(8))
      return cursors().includes(8) ? true : undefined
    })
    assert.deepEqual(cursors(), [7, 8])
  })

  test('they are the same ones after a restart; their passwords lie where only the owner reads', async () => {
    const before = [...place.gateway.accounts.keys()]
    assert.equal(before.length, demoUsers.length + 1)
    await place.console[Symbol.asyncDispose]()
    place = { ...place, console: await startHere(place.directory, place.gateway, place.system, place.console.port) }
    assert.equal((await order()).code, 'no_session')
    ours = await openSession(place.console.port)
    assert.equal((await order()).status, 201)
    assert.deepEqual([...place.gateway.accounts.keys()], before)
    const files = readdirSync(place.directory).filter((name) => name.endsWith('.json'))
    assert.equal(files.length, 2)
    for (const name of files) assert.equal(statSync(join(place.directory, name)).mode & 0o777, 0o600)
  })

  test('they are registered again when their database was emptied', async () => {
    place.gateway.accounts.clear()
    place.gateway.expire()
    await until('a new account', async () =>
      (await order()).status === 201 && place.gateway.accounts.size > 0 ? true : undefined,
    )
  })

  test('the path of the stream and its codes are those of the contract', () => {
    assert.equal(streamPath, contractStreamPath)
    assert.deepEqual(closedFor, { token: closeCodes.unauthenticated, cursor: closeCodes.badRequest })
  })
})

describe('the page', () => {
  test('is built once, and allows nothing from elsewhere and nothing inline', async () => {
    const { port } = place.console
    const built = async () => (JSON.parse((await ask(port, '/info')).text).page === 'built' ? true : undefined)
    // It is built at the lowest priority.
    await until('the page', built, { timeoutMs: 90_000 })
    const page = await ask(port, '/')
    const policy = String(page.headers['content-security-policy'])
    assert.match(policy, /default-src 'none'/)
    assert.doesNotMatch(policy, /unsafe|\*|https?:/)
    assert.equal(page.headers['x-frame-options'], 'DENY')
    assert.doesNotMatch(page.text, /https?:\/\/|<style|<script>|style=/)
    assert.equal((await ask(port, '/orders/some-order')).text, page.text, 'a place within the page is the page')
    assert.equal((await ask(port, '/assets/missing.js')).status, 404)
    assert.equal((await ask(port, '/../../package.json')).status, 404)
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(page.text)?.[1] ?? ''
    const asset = await ask(port, script)
    assert.match(String(asset.headers['cache-control']), /immutable/)
  })

  test('comes compressed by the build, and not again to who holds it', async () => {
    const { port } = place.console
    const page = await ask(port, '/')
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(page.text)?.[1] ?? ''
    const sizes: number[] = []
    for (const coding of ['br', 'gzip', 'identity']) {
      const headers = { 'accept-encoding': coding }
      const asset = await ask(port, script, { headers })
      assert.equal(asset.headers['content-encoding'] ?? 'identity', coding)
      assert.equal(asset.headers.vary, 'accept-encoding')
      sizes.push(Number(asset.headers['content-length']))
      const again = await ask(port, script, { headers: { ...headers, 'if-none-match': String(asset.headers.etag) } })
      assert.deepEqual([again.status, again.text], [304, ''], coding)
    }
    assert.deepEqual(
      sizes,
      sizes.toSorted((a, b) => a - b),
      'br, gzip, plain',
    )
    // Every page of the console together; what the first view takes is counted in test/map-scenarios.ts.
    const names = [
      ...page.text.matchAll(/(?:src|href)="(\/[^"]+\.(?:js|css|svg))"/g),
      ...(await ask(port, script)).text.matchAll(/["'`](assets\/[\w-]+\.(?:js|css))["'`]/g),
    ].map(([, name = '']) => (name.startsWith('/') ? name : `/${name}`))
    let bytes = 0
    for (const name of new Set(['/', ...names])) {
      const { status, headers } = await ask(port, name, { method: 'HEAD', headers: { 'accept-encoding': 'br' } })
      assert.equal(status, 200, name)
      bytes += Number(headers['content-length'])
    }
    assert.ok(names.length > 5, 'the lazy parts were found')
    assert.ok(bytes <= 200_000, `all pages take ${bytes} bytes`)
  })

  test('opens from a link on another site, and to nothing else of it', async () => {
    const { port } = place.console
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
    assert.equal((await ask(port, '/', { headers: link })).status, 200)
    assert.equal((await ask(port, '/', { headers: { ...link, host: 'evil.example' } })).status, 403)
    assert.equal(
      (await ask(port, '/', { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' } })).status,
      403,
    )
    assert.equal((await ask(port, '/api/session', { headers: link })).status, 403)
    assert.equal((await ask(port, '/api/session', { headers: { host: 'evil.example' } })).code, 'foreign_host')
  })

  test('shows logs to those with a session alone', async () => {
    const { port } = place.console
    assert.equal((await ask(port, '/api/processes/edge-1/logs')).status, 401)
    const logs = await ask(port, '/api/processes/edge-1/logs?lines=5', { headers: { cookie: ours.cookie ?? '' } })
    assert.equal(logs.status, 200)
    const lines = logs.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { instance: string })
    assert.ok(lines.length > 0 && lines.length <= 5 && lines.every(({ instance }) => instance === 'edge-1'))
    assert.equal(
      (await ask(port, '/api/processes/nobody/logs', { headers: { cookie: ours.cookie ?? '' } })).status,
      404,
    )
  })

  test('health, info and metrics answer without a session, and to no foreign name', async () => {
    for (const path of ['/health/live', '/health/ready', '/info', '/metrics']) {
      assert.equal((await ask(place.console.port, path, { headers: { host: 'localhost' } })).status, 200)
      assert.equal((await ask(place.console.port, path, { headers: { host: 'probe.example' } })).status, 403)
    }
  })
})
