/** How a request is judged, and who answers it: routes, the page's files, what may be read by everybody. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { endWith, rawAnswer, type Target, writeProblem } from '@svyaz/listener'
import { metricsOf, Problem, send, sendProblem, watchRoutes } from '@svyaz/stage'
import { buildingPage, failedPage, pageHeaders } from './first-page.ts'
import { refuseForged, refuseOtherSites, sessionOf } from './guard.ts'
import { pageAnswer } from './page-answer.ts'
import type { PageFiles } from './page-files.ts'
import { Unreachable } from './requests.ts'
import type { Parts, Route } from './route.ts'
import { routesOf } from './routes.ts'

/** What a page loads; any other path, with a dot too, such as a topic's, is a place within it. */
const isFile = /^\/assets\/|\.(?:css|gif|html|ico|jpe?g|js|json|map|mjs|php|png|svg|txt|woff2?|xml)$/i

export class Edge {
  /** What is shown at every path that isn't one of the API. */
  page: PageFiles | 'building' | Error = 'building'
  readonly #parts: Parts
  readonly #allowedHosts: readonly string[]
  readonly #routes: readonly Route[]
  /** Only what reveals nothing private may be read under any Host. */
  readonly #open: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>>

  constructor(parts: Parts, allowedHosts: readonly string[]) {
    this.#parts = parts
    this.#allowedHosts = allowedHosts
    this.#routes = routesOf(parts)
    this.#open = watchRoutes({
      service: 'console',
      info: () => ({ page: this.#pageState() }),
      metrics: () => this.#metrics(),
      stopping: () => parts.ending.aborted,
    })
  }

  /** Answers a request, whatever it is. */
  async answer(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    const { counts, log } = this.#parts
    counts.requests += 1
    try {
      await this.#handle(request, response, target)
    } catch (error) {
      counts.refused += 1
      const known =
        error instanceof Unreachable ? new Problem(503, 'unavailable', 'what was asked does not answer') : error
      if (!(known instanceof Problem)) log('error', 'request failed', { path: request.url, error: String(error) })
      sendProblem(response, known)
    }
  }

  /** Takes the WebSocket of a page. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { sessions, pages, tunnels, counts } = this.#parts
    try {
      const line = request.url === '/api/live' ? pages : request.url === '/api/telemetry/live' ? tunnels : undefined
      if (line === undefined) throw new Problem(404, 'not_found', 'there is no socket at this path')
      refuseOtherSites(request, this.#allowedHosts)
      // Browsers always send it on a handshake, and a script elsewhere can't leave it out.
      if (request.headers.origin === undefined) throw new Problem(403, 'no_origin', 'a handshake must carry its Origin')
      sessionOf(request, sessions)
      line.join(request, socket, head)
    } catch (error) {
      counts.refused += 1
      const status = error instanceof Problem ? error.status : 500
      const [code, detail] = error instanceof Problem ? [error.code, error.message] : ['internal', 'it broke here']
      endWith(socket, rawAnswer(status, code, writeProblem({ status, code, detail })))
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    const { path: pathname } = target
    const open = this.#open[`${request.method} ${pathname}`]
    if (open !== undefined) return open(request, response)
    refuseOtherSites(request, this.#allowedHosts)
    if (!pathname.startsWith('/api/')) return this.#sendPage(request, response, pathname)
    const known = this.#routes.filter((route) => route.path.test(pathname))
    const route = known.find(({ method }) => method === request.method)
    if (route === undefined) {
      const allow = known.map(({ method }) => method).join(', ')
      if (allow === '') throw new Problem(404, 'not_found', 'there is nothing at this path')
      throw new Problem(405, 'method_not_allowed', 'this path knows other methods', { headers: { allow } })
    }
    await this.#admit(route, request)
    const params = route.path.exec(pathname)?.slice(1) ?? []
    await route.handle({ request, response, params, query: new URLSearchParams(target.query) })
  }

  /** @throws Problem 401, 403 for who may not; Unreachable */
  async #admit({ access, method }: Route, request: IncomingMessage): Promise<void> {
    const { sessions, operators } = this.#parts
    if (access === 'servers') return
    if (method !== 'GET') refuseForged(request, sessions)
    if (access === 'anyone') return
    const session = sessionOf(request, sessions)
    if (access === 'operator') await operators.admit(session)
  }

  #pageState(): 'building' | 'failed' | 'built' {
    if (this.page === 'building') return 'building'
    return this.page instanceof Error ? 'failed' : 'built'
  }

  #metrics(): string {
    const { counts, pages, sessions, tracker } = this.#parts
    const { counter, gauge } = metricsOf('console')
    return [
      counter('requests_total', 'HTTP requests received', counts.requests),
      counter('requests_refused_total', 'Requests answered with an error', counts.refused),
      counter('orders_total', 'Orders placed from a page', counts.orders),
      counter('actions_total', 'Kills, restarts and the like asked by a page', counts.actions),
      gauge('pages', 'Open pages', pages.size),
      gauge('sessions', 'Sessions', sessions.size),
      gauge('orders_tracked', 'Orders whose stories are held', tracker.orders().length),
    ].join('')
  }

  /** A file of the page; any other path is a place within the page, which the page itself finds. */
  #sendPage(request: IncomingMessage, response: ServerResponse, pathname: string): void {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new Problem(405, 'method_not_allowed', 'a page is only read', { headers: { allow: 'GET, HEAD' } })
    const { page } = this
    if (page === 'building') return send(response, 200, 'text/html; charset=utf-8', buildingPage, pageHeaders)
    if (page instanceof Error)
      return send(response, 500, 'text/html; charset=utf-8', failedPage(page.message), pageHeaders)
    const file = page.get(pathname) ?? (isFile.test(pathname) ? undefined : page.get('/index.html'))
    if (file === undefined) throw new Problem(404, 'not_found', 'there is nothing at this path')
    const { status, headers, body } = pageAnswer(file, request.headers)
    response.writeHead(status, { ...pageHeaders, ...headers })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
}
