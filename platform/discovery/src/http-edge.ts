/** From sockets to routes and back: callers, body limits, blocking queries, headers, errors. Knows no endpoint by name. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { BodyFault, gatherBody, withRetryAfter } from '@svyaz/listener'
import { answerAbout, type Process } from './about.ts'
import { type Answer, type Call, checkReadOptions, readWait } from './call.ts'
import { allowedHosts, foreignCaller, foreignProbe } from './callers.ts'
import type { Clock } from './clock.ts'
import { createDispatch, type Dispatch } from './dispatch.ts'
import { StorageRefused } from './journal.ts'
import type { Limits } from './limits.ts'
import type { Log } from './log.ts'
import { refuseUnknown } from './parameters.ts'
import { Refusal } from './refusal.ts'
import type { Fault } from './reply.ts'
import { type Route, routes } from './routes.ts'

export interface EdgeOptions {
  readonly process: Process
  readonly limits: Limits
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly listenHost: string
  /** Names, beside the loopback ones and `listenHost`, under which callers may reach this server (no port). */
  readonly allowedHosts: readonly string[]
  readonly port: () => number
}

/** As Consul answers them. */
const statusOfFault: Readonly<Record<Fault, number>> = {
  'unknown service': 404,
  'unknown check': 404,
  'not a TTL check': 500,
  'limit reached': 507,
}

const retrySoon = { 'Retry-After': '1' }
/** Constant on one node: it is its own leader and has spoken to it just now. */
const consistencyHeaders = {
  'X-Consul-Effective-Consistency': 'leader',
  'X-Consul-Knownleader': 'true',
  'X-Consul-Lastcontact': '0',
  'X-Consul-Query-Backend': 'blocking-query',
}

type Command = Extract<Route, { kind: 'command' }>
type Watch = Extract<Route, { kind: 'watch' }>

interface Seen {
  route: string
  waitedMs: number
}

/** Consul's HTTP API on the registry. `listener` is that of an HTTP server. */
export class Edge {
  readonly #options: EdgeOptions
  readonly #allowed: ReadonlySet<string>
  readonly #dispatch = createDispatch(routes)

  constructor(options: EdgeOptions) {
    this.#options = options
    this.#allowed = allowedHosts(options.listenHost, options.allowedHosts)
  }

  readonly listener: RequestListener = (request, response) => {
    const { process, clock, log } = this.#options
    response.on('error', () => undefined)
    const startedMs = clock.nowMs()
    const seen: Seen = { route: 'none', waitedMs: 0 }
    void this.#answer(request, response, seen)
      .catch((error: unknown) => asAnswer(error, log))
      .then((result) => {
        const seconds = (clock.nowMs() - startedMs - seen.waitedMs) / 1000
        process.metrics.record(knownMethod(request.method), seen.route, result.status, seconds)
        write(response, request, result, process.stopping())
      })
      .catch((error: Error) => log.error('an answer could not be written', { error: error.stack }))
  }

  async #answer(request: IncomingMessage, response: ServerResponse, seen: Seen): Promise<Answer> {
    const { process, limits } = this.#options
    const [path = '/', queryText = ''] = splitOnce(request.url ?? '/', '?')
    const found = this.#dispatch(request.method ?? 'GET', path)
    const isProbe = found.kind === 'found' && found.route.callers === 'probes'
    this.#refuseForeign(request, isProbe)
    if (found.kind !== 'found') return notFound(found, request.method ?? 'GET', path)
    const { route, params } = found
    seen.route = route.path
    const query = new URLSearchParams(queryText)
    if (!isProbe) refuseUnknown(query, route)
    const call: Call = { params, query, body: await readBody(request, route, limits) }
    switch (route.kind) {
      case 'about':
        return answerAbout(route.topic, process)
      case 'read':
        checkReadOptions(call.query, process.host.state.node.datacenter)
        return route.view(process.host.state, call, this.#around())
      case 'watch':
        return this.#answerWatch(route, call, response, seen)
      case 'command':
        return this.#answerCommand(route, call)
    }
  }

  #around(): { readonly limits: Limits; readonly port: number } {
    return { limits: this.#options.limits, port: this.#options.port() }
  }

  #refuseForeign(request: IncomingMessage, isProbe: boolean): void {
    const reason = isProbe
      ? foreignProbe(request, this.#options.allowedHosts)
      : foreignCaller(request.headers, this.#allowed)
    if (reason === null) return
    this.#options.log.warn('refused a foreign caller', { reason, remote: request.socket.remoteAddress })
    throw new Refusal(403, reason)
  }

  async #answerCommand(route: Command, call: Call): Promise<Answer> {
    const { limits, process } = this.#options
    const { host, journal } = process
    checkReadOptions(call.query, host.state.node.datacenter)
    const event = route.event(call, this.#around())
    if (route.soft !== true && (!journal.healthy || journal.pending >= limits.journalPendingMax)) {
      throw new StorageRefused('changes cannot be stored now')
    }
    const reply = host.apply(event)
    if (!reply.ok) throw new Refusal(statusOfFault[reply.fault], reply.text)
    if (route.soft !== true) await journal.settled()
    return route.answers === 'outcome' ? { status: 200, json: reply.value } : { status: 200 }
  }

  async #answerWatch(route: Watch, call: Call, response: ServerResponse, seen: Seen): Promise<Answer> {
    const { limits, clock, random, process } = this.#options
    const { host } = process
    checkReadOptions(call.query, host.state.node.datacenter)
    const wait = readWait(call.query, limits, random)
    // Once before the wait: a wrong request is refused at once.
    let result = route.view(host.state, call, this.#around())
    if (wait !== null && route.index(host.state, call) <= wait.index) {
      const gone = new AbortController()
      response.once('close', () => gone.abort())
      const wakeIndex = route.wakeIndex ?? route.index
      const parkedMs = clock.nowMs()
      const parked = await host.waitFor((state) => wakeIndex(state, call), wait.index, wait.waitMs, gone.signal)
      if (!parked) throw new Refusal(503, `${limits.parkedQueriesMax} queries wait already`, retrySoon)
      seen.waitedMs = clock.nowMs() - parkedMs
      result = route.view(host.state, call, this.#around())
    }
    const headers = {
      'X-Consul-Index': String(route.index(host.state, call)),
      ...consistencyHeaders,
      ...result.headers,
    }
    return { ...result, headers }
  }
}

function notFound(found: Exclude<Dispatch, { kind: 'found' }>, method: string, path: string): Answer {
  switch (found.kind) {
    case 'unknown path':
      throw new Refusal(
        404,
        path.startsWith('/v1/') ? 'Invalid URL path: not a recognized HTTP API endpoint' : 'not found',
      )
    case 'bad encoding':
      throw new Refusal(400, 'the path has a wrong percent-encoding')
    case 'wrong method':
      if (method === 'OPTIONS') return { status: 200, headers: { Allow: found.allow.join(',') } }
      throw new Refusal(405, `method ${method} not allowed`, { Allow: found.allow.join(',') })
  }
}

async function readBody(request: IncomingMessage, route: Route, limits: Limits): Promise<Buffer> {
  const kind = route.kind === 'command' ? route.body : undefined
  const bytesMax = kind === 'value' ? limits.keyValueBytesMax : limits.bodyBytesMax
  try {
    return await gatherBody(request, bytesMax)
  } catch (error) {
    if (!(error instanceof BodyFault)) throw error
    // A caller that went away while its body was read.
    if (error.kind === 'ended-early') throw new Refusal(400, 'aborted')
    throw new Refusal(413, `Request body too large, max size: ${bytesMax} bytes.`, { Connection: 'close' })
  }
}

function asAnswer(error: unknown, log: Log): Answer {
  if (error instanceof Refusal) return { status: error.status, text: error.message, headers: error.headers }
  if (error instanceof StorageRefused) {
    return { status: 503, text: 'changes cannot be stored now; try again', headers: retrySoon }
  }
  log.error('a request failed', { error: error instanceof Error ? error.stack : String(error) })
  return { status: 500, text: 'internal error' }
}

function write(response: ServerResponse, request: IncomingMessage, answer: Answer, last: boolean): void {
  if (response.destroyed) return
  const pretty = /[?&]pretty(?:[=&]|$)/.test(request.url ?? '')
  const [type, bytes] =
    answer.bytes !== undefined
      ? ['application/octet-stream', answer.bytes]
      : answer.text !== undefined
        ? ['text/plain; charset=utf-8', Buffer.from(answer.text)]
        : answer.json !== undefined
          ? ['application/json', Buffer.from(JSON.stringify(answer.json, null, pretty ? 4 : 0))]
          : ['application/json', Buffer.alloc(0)]
  response.writeHead(answer.status, {
    'Content-Type': type,
    'Content-Length': bytes.length,
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    // A connection that stays open would hold up the end of the process until the drain is over.
    ...(last ? { Connection: 'close' } : {}),
    ...withRetryAfter(answer.status, answer.headers ?? {}),
  })
  response.end(bytes)
}

/** A label must not grow with what callers make up. */
function knownMethod(method: string | undefined): string {
  return method !== undefined && ['GET', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'HEAD'].includes(method) ? method : 'other'
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator)
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
