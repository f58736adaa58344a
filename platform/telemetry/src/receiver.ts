/**
 * Answers the port. Read from the top: what everybody may reach (`#open`, exports.ts), then what is answered to whoever
 * looks (answers.ts, apis/api.ts).
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Target } from '@svyaz/listener'
import {
  type Log,
  noRoute,
  Problem,
  readBody,
  refuseForeign,
  send,
  sendJson,
  sendProblem,
  watchRoutes,
} from '@svyaz/stage'
import { type Answer, answersOf, type Sources } from './answers.ts'
import { apiRoutes } from './apis/api.ts'
import type { ApiRoute } from './apis/route.ts'
import { Exports } from './exports.ts'
import { Malformed } from './otlp/malformed.ts'
import { ownMetrics } from './own-metrics.ts'

type Route = (request: IncomingMessage, response: ServerResponse) => void

/** Of a query that is posted as a form. */
const formBytesMax = 64 * 1024
/** Paths with one part that varies. */
const patterns = [
  /^(\/traces\/)([^/]+)((?:\/joined)?)$/,
  /^(\/api\/traces\/)([^/]+)()$/,
  /^(\/api\/services\/)([^/]+)(\/operations)$/,
  /^(\/api\/v1\/label\/)([^/]+)(\/values)$/,
  /^(\/api\/v2\/trace\/)([^/]+)()$/,
]
/** Grafana posts its queries. */
const posted: readonly string[] = ['/api/v1/query', '/api/v1/query_range', '/api/v1/series', '/api/v1/labels']

export class Receiver {
  stopping = false
  readonly #sources: Sources
  readonly #allowedHosts: readonly string[]
  readonly #log: Log
  readonly #exports: Exports
  readonly #answers: Readonly<Record<string, Answer>>
  readonly #apis: Readonly<Record<string, ApiRoute>>
  #refused = 0

  /** Exporters and probes may reach this process under any name; they learn nothing from it. */
  readonly #open: Readonly<Record<string, Route>> = watchRoutes({
    service: 'telemetry',
    info: () => ({ accepts: ['traces', 'logs', 'metrics'] }),
    metrics: () => this.metricsText(),
    stopping: () => this.stopping,
  })

  constructor(sources: Sources, allowedHosts: readonly string[], log: Log) {
    this.#sources = sources
    this.#allowedHosts = allowedHosts
    this.#log = log
    this.#exports = new Exports(sources)
    this.#answers = answersOf(sources)
    this.#apis = apiRoutes(sources)
  }

  /** Of this process itself. */
  metricsText(): string {
    return ownMetrics(this.#sources, this.#exports.counts, this.#refused)
  }

  /** Answers one request, whatever becomes of it. */
  async answer(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    const isExport = target.path.startsWith('/v1/')
    try {
      if (isExport && request.method === 'POST') await this.#exports.take(target.path, request, response)
      else await this.#route(request, response, target)
    } catch (error) {
      const known = error instanceof Malformed ? new Problem(400, 'malformed', error.message) : error
      if (!(known instanceof Problem)) this.#log('error', 'request failed', { path: request.url, error: String(error) })
      if (isExport) return this.#exports.refuse(request, response, known)
      this.#refused += 1
      sendProblem(response, known)
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse, { path, query }: Target): Promise<void> {
    const open = this.#open[`${request.method} ${path}`]
    if (open !== undefined) return open(request, response)
    refuseForeign(request, this.#allowedHosts)
    const { route, id } = routeOf(path)
    const answer = this.#answers[route]
    if (request.method === 'GET' && answer !== undefined)
      return sendJson(response, 200, await answer(new URLSearchParams(query), id))
    const api = this.#apis[route]
    const isPosted = request.method === 'POST' && posted.includes(route)
    if (api === undefined || (request.method !== 'GET' && !isPosted)) throw noRoute(this.#routes(), route)
    const asked = isPosted ? await formOf(request) : new URLSearchParams(query)
    const { status, body } = await api(asked, id)
    if (typeof body === 'string') send(response, status, 'text/plain', body)
    else sendJson(response, status, body)
  }

  #routes(): string[] {
    const read = [...Object.keys(this.#answers), ...Object.keys(this.#apis)].map((route) => `GET ${route}`)
    return [...Object.keys(this.#open), ...this.#exports.routes, ...read, ...posted.map((route) => `POST ${route}`)]
  }
}

/** The path with `{id}` in place of the part that varies. */
function routeOf(path: string): { readonly route: string; readonly id: string } {
  for (const pattern of patterns) {
    const [, before, id, after] = pattern.exec(path) ?? []
    if (id !== undefined) return { route: `${before}{id}${after}`, id: decoded(id) }
  }
  return { route: path, id: '' }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** @throws Problem 415 for anything but a form */
async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new Problem(415, 'unsupported_media_type', 'the body must be application/x-www-form-urlencoded')
  return new URLSearchParams((await readBody(request, formBytesMax)).toString('utf8'))
}
