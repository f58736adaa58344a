/** From sockets to routes and back: callers, body limits, blocking queries, headers, errors. Knows no endpoint by name. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { withRetryAfter } from '@svyaz/listener'
import { answerAbout, type Process } from './about.ts'
import { type Answer, type Call, checkReadOptions, readWait } from './call.ts'
import { allowedHosts, foreignCaller, foreignProbe } from './callers.ts'
import type { Clock } from './clock.ts'
import { createDispatch } from './dispatch.ts'
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

/** Consul's HTTP API on the registry: the listener of an HTTP server. */
export function createEdge(options: EdgeOptions): RequestListener {
  const { process, limits, clock, log, random } = options
  const allowed = allowedHosts(options.listenHost, options.allowedHosts)
  const { host, journal, metrics } = process
  const dispatch = createDispatch(routes)
  const around = () => ({ limits, port: options.port() })

  return (request, response) => {
    response.on('error', () => undefined)
    const startedMs = clock.nowMs()
    const seen: Seen = { route: 'none', waitedMs: 0 }
    void answer(request, response, seen)
      .catch((error: unknown) => asAnswer(error, log))
      .then((result) => {
        metrics.record(
          knownMethod(request.method),
          seen.route,
          result.status,
          (clock.nowMs() - startedMs - seen.waitedMs) / 1000,
        )
        write(response, request, result, process.stopping())
      })
      .catch((error: Error) => log.error('an answer could not be written', { error: error.stack }))
  }

  interface Seen {
    route: string
    waitedMs: number
  }

  async function answer(request: IncomingMessage, response: ServerResponse, seen: Seen): Promise<Answer> {
    const [path = '/', queryText = ''] = splitOnce(request.url ?? '/', '?')
    const method = request.method ?? 'GET'
    const found = dispatch(method, path)
    const open = found.kind === 'found' && found.route.callers === 'probes'
    const reason = open ? foreignProbe(request, options.allowedHosts) : foreignCaller(request.headers, allowed)
    if (reason !== null) {
      log.warn('refused a foreign caller', { reason, remote: request.socket.remoteAddress })
      throw new Refusal(403, reason)
    }
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
    const { route, params } = found
    seen.route = route.path
    const query = new URLSearchParams(queryText)
    if (!open) refuseUnknown(query, route)
    const call: Call = { params, query, body: await readBody(request, route, limits) }
    switch (route.kind) {
      case 'about':
        return answerAbout(route.topic, process)
      case 'read':
        checkReadOptions(call.query, host.state.node.datacenter)
        return route.view(host.state, call, around())
      case 'watch':
        return answerWatch(route, call, response, seen)
      case 'command':
        return answerCommand(route, call)
    }
  }

  async function answerCommand(route: Command, call: Call): Promise<Answer> {
    checkReadOptions(call.query, host.state.node.datacenter)
    const event = route.event(call, around())
    if (route.soft !== true && (!journal.healthy || journal.pending >= limits.journalPendingMax)) {
      throw new StorageRefused('changes cannot be stored now')
    }
    const reply = host.apply(event)
    if (!reply.ok) throw new Refusal(statusOfFault[reply.fault], reply.text)
    if (route.soft !== true) await journal.settled()
    return route.answers === 'outcome' ? { status: 200, json: reply.value } : { status: 200 }
  }

  async function answerWatch(route: Watch, call: Call, response: ServerResponse, seen: Seen): Promise<Answer> {
    checkReadOptions(call.query, host.state.node.datacenter)
    const wait = readWait(call.query, limits, random)
    // Once before the wait: a wrong request is refused at once.
    let result = route.view(host.state, call, around())
    if (wait !== null && route.index(host.state, call) <= wait.index) {
      const gone = new AbortController()
      response.once('close', () => gone.abort())
      const wakeIndex = route.wakeIndex ?? route.index
      const parkedMs = clock.nowMs()
      const parked = await host.waitFor((state) => wakeIndex(state, call), wait.index, wait.waitMs, gone.signal)
      if (!parked) throw new Refusal(503, `${limits.parkedQueriesMax} queries wait already`, retrySoon)
      seen.waitedMs = clock.nowMs() - parkedMs
      result = route.view(host.state, call, around())
    }
    const headers = {
      'X-Consul-Index': String(route.index(host.state, call)),
      ...consistencyHeaders,
      ...result.headers,
    }
    return { ...result, headers }
  }
}

async function readBody(request: IncomingMessage, route: Route, limits: Limits): Promise<Buffer> {
  const kind = route.kind === 'command' ? route.body : undefined
  const bytesMax = kind === 'value' ? limits.keyValueBytesMax : limits.bodyBytesMax
  const tooLarge = () =>
    new Refusal(413, `Request body too large, max size: ${bytesMax} bytes.`, { Connection: 'close' })
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge()
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bytesMax) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function asAnswer(error: unknown, log: Log): Answer {
  if (error instanceof Refusal) return { status: error.status, text: error.message, headers: error.headers }
  if (error instanceof StorageRefused) {
    return { status: 503, text: 'changes cannot be stored now; try again', headers: retrySoon }
  }
  // A caller that went away while its body was read.
  if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return { status: 400, text: 'aborted' }
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
