/**
 * The server behind the page (R2.11: browser ↔ this ↔ gateway). Read from the top: what it holds together, then what
 * may be asked (`routes`), then how a request is judged (`handle`, guard.ts).
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { addressKey, endWith, Places, rawAnswer, type Target, writeProblem } from '@svyaz/listener'
import {
  close,
  createListener,
  type Log,
  listen,
  Problem,
  prometheusText,
  readJsonObject,
  send,
  sendJson,
  sendProblem,
} from '@svyaz/stage'
import {
  type Action,
  actions,
  type DemoUser,
  demoUsers,
  type LiveMessage,
  type OrderView,
  type SessionAnswer,
} from '../../protocol.ts'
import { buildingPage, failedPage, pageHeaders } from './first-page.ts'
import { readerSession } from './gateway-session.ts'
import { refuseForged, refuseOtherSites, sessionOf } from './guard.ts'
import { limits } from './limits.ts'
import { pageAnswer } from './page-answer.ts'
import { filesOf, type PageFiles, pageFiles } from './page-files.ts'
import { createPages } from './pages.ts'
import { createPerson, type Person } from './person.ts'
import { createRelay } from './relay.ts'
import { Unreachable } from './requests.ts'
import { createSessions } from './sessions.ts'
import { createSupervisor } from './supervisor.ts'
import { createTracker } from './tracker.ts'

export interface ConsoleOptions {
  readonly host?: string
  /** 0 takes a free port. */
  readonly port?: number
  /** Host names, beside the loopback ones, under which the page may be opened. */
  readonly allowedHosts?: readonly string[]
  /** Where the demo users' passwords lie. */
  readonly directory: string
  /** Where built pages lie. */
  readonly pageCache: string
  /** A page that was built beforehand, where there are no sources to build it from. */
  readonly page?: string
  /** http://host:port */
  readonly gateway: string
  readonly telemetry?: string
  /** http://host:port of MC1; without it there is no relay loop to watch. */
  readonly relay?: string
  /** Path of the supervisor's control socket; without it there is nothing to kill. */
  readonly controlSocket?: string
  /** Who may read everybody's orders; without it the page shows those of its two people alone. */
  readonly reader?: { readonly email: string; readonly password: string }
  readonly log?: Log
}

export type Console = AsyncDisposable & { readonly port: number; readonly url: string }

const findPage = async ({ page, pageCache }: ConsoleOptions, signal: AbortSignal): Promise<PageFiles> =>
  page === undefined ? pageFiles(pageCache, signal) : filesOf(page)

/** Opens the port at once; the page, the users and the supervisor come as they can. */
export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const { host = '127.0.0.1', allowedHosts = [], log = () => {}, gateway } = options
  const ending = new AbortController()
  const sessions = createSessions(() => performance.now())
  const counts = { requests: 0, refused: 0, orders: 0, actions: 0 }
  const logStreams = new Places(limits.logStreamsMax, limits.logStreamsPerAddressMax)
  let page: PageFiles | 'building' | Error = 'building'
  let memory: Record<string, number> = {}

  const supervisor = createSupervisor(options.controlSocket, {
    process: (process) => pages.say({ type: 'process', process }),
    removed: (name) => pages.say({ type: 'process-removed', name }),
    outage: (outage) => pages.say({ type: 'outage', outage }),
    away: (away) => pages.say({ type: 'away', away }),
    supervised: (supervised) => pages.say({ type: 'supervised', supervised }),
  })
  const people = Object.fromEntries(
    demoUsers.map((user) => [
      user,
      createPerson({
        user,
        gateway,
        directory: options.directory,
        log,
        changed: () => {
          const { state, feed } = people[user]
          pages.say({ type: 'user', user, state, feed })
          if (state === 'ready') void tracker.begin(user)
        },
        notified: (notification) => {
          pages.say({ type: 'notification', user, notification })
          if (notification.orderId !== undefined) tracker.heardOf(user, notification.orderId)
        },
      }),
    ]),
  ) as Record<DemoUser, Person>
  const tracker = createTracker({
    people,
    reader: options.reader === undefined ? undefined : readerSession(gateway, options.reader),
    gateway,
    telemetry: options.telemetry,
    log,
    watched: (orderId) => pages.watched(orderId),
    order: (order) => pages.say({ type: 'order', order }),
    products: (products) => pages.say({ type: 'products', products }),
  })
  const relay = createRelay({
    url: options.relay,
    watched: () => pages.watchesRelay(),
    changed: (picture) => pages.say({ type: 'relay', relay: picture }),
  })
  const pages = createPages({
    snapshot,
    watch: (orderId) => tracker.watch(orderId),
    watchRelay: () => relay.look(),
  })

  function snapshot(): LiveMessage {
    const each = <T>(of: (person: Person) => T) =>
      Object.fromEntries(demoUsers.map((user) => [user, of(people[user])])) as Record<DemoUser, T>
    void sampleMemory()
    return {
      type: 'snapshot',
      now: new Date().toISOString(),
      supervised: supervisor.supervised,
      processes: supervisor.processes(),
      outages: supervisor.outages(),
      aways: supervisor.aways(),
      memory,
      users: each(({ state, feed }) => ({ state, feed })),
      products: tracker.products(),
      orders: tracker.orders(),
      notifications: each(({ notifications }) => notifications),
      relay: relay.picture(),
    }
  }

  async function sampleMemory(): Promise<void> {
    try {
      memory = await supervisor.memory()
      pages.say({ type: 'memory', memory })
    } catch {
      // The next sample says it.
    }
  }

  type Params = readonly string[]
  type Handle = (
    request: IncomingMessage,
    response: ServerResponse,
    params: Params,
    query: URLSearchParams,
  ) => Promise<void> | void
  interface Route {
    readonly method: 'GET' | 'POST'
    readonly path: RegExp
    readonly handle: Handle
  }

  /** Only what reveals nothing private may be read under any Host. */
  const openRoutes: Readonly<Record<string, Handle>> = {
    '/health/live': (_, response) => sendJson(response, 200, { status: 'UP' }),
    '/health/ready': (_, response) =>
      sendJson(response, ending.signal.aborted ? 503 : 200, { status: ending.signal.aborted ? 'DOWN' : 'UP' }),
    '/info': (_, response) =>
      sendJson(response, 200, { service: 'console', pid: process.pid, node: process.version, page: pageState() }),
    '/metrics': (_, response) => send(response, 200, 'text/plain; version=0.0.4', metricsText()),
  }

  const routes: readonly Route[] = [
    {
      method: 'GET',
      path: /^\/api\/session$/,
      handle: (request, response) => {
        const session = sessions.find(request.headers.cookie) ?? sessions.open(request.socket.remoteAddress ?? '')
        const answer: SessionAnswer = { csrf: session.csrf }
        sendJson(response, 200, answer, { 'set-cookie': sessions.cookie(session) })
      },
    },
    {
      method: 'POST',
      path: /^\/api\/users\/(\w+)\/orders$/,
      handle: async (request, response, [name = '']) => {
        const person = personOf(name)
        const key = request.headers['idempotency-key']
        const answer = await person.ask({
          method: 'POST',
          path: '/orders',
          body: await readJsonObject(request, limits.bodyBytesMax),
          headers: typeof key === 'string' ? { 'idempotency-key': key } : {},
        })
        if (answer.status === 201) {
          counts.orders += 1
          tracker.placed(person.user, JSON.parse(answer.text) as OrderView)
        }
        passOn(response, answer)
      },
    },
    {
      method: 'POST',
      path: /^\/api\/users\/(\w+)\/orders\/([\w-]{1,64})\/cancel$/,
      handle: async (request, response, [name = '', orderId = '']) => {
        await readJsonObject(request, limits.bodyBytesMax)
        const answer = await personOf(name).ask({ method: 'POST', path: `/orders/${orderId}/cancel` })
        passOn(response, answer)
      },
    },
    {
      method: 'POST',
      path: /^\/api\/processes\/([\w-]{1,64})\/(\w+)$/,
      handle: async (request, response, [target = '', action = '']) => {
        await readJsonObject(request, limits.bodyBytesMax)
        if (!actions.includes(action as Action)) throw new Problem(404, 'not_found', `there is no action "${action}"`)
        if (/^console(?:-\d+)?$/.test(target) && !['kill', 'restart'].includes(action))
          throw new Problem(409, 'refused', 'a page can not bring back the console that it came from')
        counts.actions += 1
        log('info', 'asked by a page', { action, target })
        await supervisor.act(action as Action, target)
        sendJson(response, 200, {})
      },
    },
    {
      method: 'POST',
      path: /^\/api\/services\/([\w-]{1,64})\/scale\/(\d{1,2})$/,
      handle: async (request, response, [service = '', count = '']) => {
        await readJsonObject(request, limits.bodyBytesMax)
        counts.actions += 1
        log('info', 'asked by a page', { action: 'scale', target: service, count: Number(count) })
        await supervisor.scale(service, Number(count))
        sendJson(response, 200, {})
      },
    },
    {
      method: 'POST',
      path: /^\/api\/relay\/(start|stop)$/,
      handle: async (request, response, [what]) => {
        await readJsonObject(request, limits.bodyBytesMax)
        counts.actions += 1
        log('info', 'asked by a page', { action: what, target: 'relay' })
        passOn(response, await relay.command(what as 'start' | 'stop'))
      },
    },
    { method: 'GET', path: /^\/api\/processes\/([\w-]{1,64})\/logs$/, handle: sendLogs },
  ]

  async function sendLogs(
    request: IncomingMessage,
    response: ServerResponse,
    [target = '']: Params,
    query: URLSearchParams,
  ): Promise<void> {
    sessionOf(request, sessions)
    const lines = Math.min(limits.logLinesMax, Number(query.get('lines') ?? 200) || 0)
    const release = logStreams.take(addressKey(request.socket.remoteAddress ?? ''))
    if (typeof release === 'string')
      throw new Problem(release === 'all' ? 503 : 429, 'overloaded', 'too many logs are being read')
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    try {
      const follow = query.get('follow') === '1'
      const body = await supervisor.logs(target, lines, follow, AbortSignal.any([gone.signal, ending.signal]))
      response.writeHead(200, {
        'content-type': 'application/x-ndjson; charset=utf-8',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      })
      await pipeline(body, response).catch(() => undefined)
    } finally {
      release()
    }
  }

  function personOf(name: string): Person {
    const user = demoUsers.find((known) => known === name)
    if (user === undefined) throw new Problem(404, 'not_found', 'there is no such user here')
    return people[user]
  }

  const pageState = () => (page === 'building' ? 'building' : page instanceof Error ? 'failed' : 'built')

  function metricsText(): string {
    const counter = (name: string, help: string, value: number) =>
      ({ name: `console_${name}`, type: 'counter', help, value }) as const
    const gauge = (name: string, help: string, value: number) =>
      ({ name: `console_${name}`, type: 'gauge', help, value }) as const
    return prometheusText([
      counter('requests_total', 'HTTP requests received', counts.requests),
      counter('requests_refused_total', 'Requests answered with an error', counts.refused),
      counter('orders_total', 'Orders placed from a page', counts.orders),
      counter('actions_total', 'Kills, restarts and the like asked by a page', counts.actions),
      gauge('pages', 'Open pages', pages.size),
      gauge('sessions', 'Sessions', sessions.size),
      gauge('orders_tracked', 'Orders whose stories are held', tracker.orders().length),
    ])
  }

  async function handle(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    const { path: pathname } = target
    const query = new URLSearchParams(target.query)
    const open = request.method === 'GET' && Object.hasOwn(openRoutes, pathname) ? openRoutes[pathname] : undefined
    if (open !== undefined) return await open(request, response, [], query)
    refuseOtherSites(request, allowedHosts)
    if (!pathname.startsWith('/api/')) return sendPage(request, response, pathname)
    const known = routes.filter((route) => route.path.test(pathname))
    const route = known.find(({ method }) => method === request.method)
    if (route === undefined) {
      const allow = known.map(({ method }) => method).join(', ')
      if (allow === '') throw new Problem(404, 'not_found', 'there is nothing at this path')
      throw new Problem(405, 'method_not_allowed', 'this path knows other methods', { headers: { allow } })
    }
    if (route.method !== 'GET') refuseForged(request, sessions)
    await route.handle(request, response, route.path.exec(pathname)?.slice(1) ?? [], query)
  }

  /** A file of the page; any other path is a place within the page, which the page itself finds. */
  function sendPage(request: IncomingMessage, response: ServerResponse, pathname: string): void {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new Problem(405, 'method_not_allowed', 'a page is only read', { headers: { allow: 'GET, HEAD' } })
    if (page === 'building') return send(response, 200, 'text/html; charset=utf-8', buildingPage, pageHeaders)
    if (page instanceof Error)
      return send(response, 500, 'text/html; charset=utf-8', failedPage(page.message), pageHeaders)
    const file = page.get(pathname) ?? (/\.\w+$/.test(pathname) ? undefined : page.get('/index.html'))
    if (file === undefined) throw new Problem(404, 'not_found', 'there is nothing at this path')
    const { status, headers, body } = pageAnswer(file, request.headers)
    response.writeHead(status, { ...pageHeaders, ...headers })
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  const server = createListener(
    log,
    async (request, response, target) => {
      counts.requests += 1
      try {
        await handle(request, response, target)
      } catch (error) {
        counts.refused += 1
        const known =
          error instanceof Unreachable
            ? new Problem(503, 'unavailable', 'the gateway does not answer; try again')
            : error
        if (!(known instanceof Problem)) log('error', 'request failed', { path: request.url, error: String(error) })
        sendProblem(response, known)
      }
    },
    { allowedHosts, connections: limits },
  )
  server.on('upgrade', (request, socket, head) => {
    try {
      if (request.url !== '/api/live') throw new Problem(404, 'not_found', 'there is no socket at this path')
      refuseOtherSites(request, allowedHosts)
      // Browsers always send it on a handshake, and a script elsewhere can't leave it out.
      if (request.headers.origin === undefined) throw new Problem(403, 'no_origin', 'a handshake must carry its Origin')
      sessionOf(request, sessions)
      pages.join(request, socket, head)
    } catch (error) {
      counts.refused += 1
      const status = error instanceof Problem ? error.status : 500
      const [code, detail] = error instanceof Problem ? [error.code, error.message] : ['internal', 'it broke here']
      endWith(socket, rawAnswer(status, code, writeProblem({ status, code, detail })))
    }
  })

  const port = await listen(server, options.port ?? 0, host)
  const sampling = setInterval(() => {
    if (pages.size > 0) void sampleMemory()
  }, limits.memoryEveryMs)
  sampling.unref()
  const running = [
    supervisor.run(ending.signal, (error) => log('warn', 'the supervisor does not answer', { error: String(error) })),
    ...Object.values(people).map((person) => person.run(ending.signal)),
    relay.run(ending.signal),
    findPage(options, ending.signal).then(
      (files) => {
        page = files
      },
      (error: Error) => {
        if (ending.signal.aborted) return
        page = error
        log('error', 'the page can not be shown', { error: error.message })
      },
    ),
  ]
  return {
    port,
    url: `http://${host}:${port}`,
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('the console ends'))
      clearInterval(sampling)
      pages.close()
      tracker.close()
      await close(server, 500)
      await Promise.allSettled(running)
    },
  }
}

function passOn(
  response: ServerResponse,
  answer: { status: number; headers: Readonly<Record<string, unknown>>; text: string },
): void {
  const retryAfter = answer.headers['retry-after']
  send(
    response,
    answer.status,
    String(answer.headers['content-type'] ?? 'application/json'),
    answer.text,
    typeof retryAfter === 'string' ? { 'retry-after': retryAfter } : {},
  )
}
