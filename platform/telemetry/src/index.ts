/**
 * Receives spans over OTLP/HTTP (JSON) and answers traces, alone or joined along their links. Read from the top: how
 * an export is taken (`exportTraces`), then what may be asked (`guardedRoutes`).
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Target } from '@svyaz/listener'
import {
  close,
  createListener,
  type Log,
  listen,
  Problem,
  parseJson,
  prometheusText,
  readBody,
  refuseForeign,
  send,
  sendJson,
  sendProblem,
} from '@svyaz/stage'
import { type JoinLimits, joinTraces } from './join.ts'
import { decodeTraces, Malformed } from './otlp.ts'
import { traceIdOf, traceQuery } from './queries.ts'
import { openSegments, type SegmentLimits } from './segments.ts'
import { isSpan } from './span.ts'
import { add, emptyStore, findTraces, type StoreLimits, services, spansOf } from './trace-store.ts'

export type { Joined } from './join.ts'
export type { Attributes, AttributeValue, Span, SpanKind, SpanReference, StatusCode } from './span.ts'
export type { TraceSummary } from './trace-store.ts'

export type TelemetryOptions = {
  /** Where the span files live; created when missing. One process at a time. */
  readonly directory: string
  readonly host?: string
  /** 0 takes a free port. */
  readonly port?: number
  /** Host names, beside the loopback ones, under which traces may be read. */
  readonly allowedHosts?: readonly string[]
  readonly limits?: Partial<Limits>
  readonly log?: Log
}

export type Limits = StoreLimits &
  SegmentLimits & {
    /** Of an export, before and after decompression. */
    readonly bodyBytesMax: number
    readonly exportsInFlightMax: number
    readonly connectionsMax: number
    readonly connectionsPerAddressMax: number
    readonly join: JoinLimits
  }

/** Sized for a process of about 100 MB. */
export const defaultLimits: Limits = {
  spansMax: 40_000,
  bytesMax: 24 * 1024 * 1024,
  spansPerTraceMax: 5_000,
  spanBytesMax: 64 * 1024,
  segmentBytesMax: 8 * 1024 * 1024,
  segmentsMax: 5,
  pendingBytesMax: 8 * 1024 * 1024,
  bodyBytesMax: 8 * 1024 * 1024,
  exportsInFlightMax: 64,
  connectionsMax: 1_024,
  connectionsPerAddressMax: 512,
  join: { tracesMax: 100, spansMax: 5_000 },
}

export type Telemetry = AsyncDisposable & { readonly port: number; readonly url: string }

/**
 * Reads the spans kept on the disk, then opens the port.
 * @throws when the folder can't be used or the port is taken
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { host = '127.0.0.1', allowedHosts = [], log = () => {} } = options
  const limits = { ...defaultLimits, ...options.limits }
  const store = emptyStore()
  let stopping = false
  let exportsInFlight = 0
  let diskFaulty = false
  const counts = { exports: 0, spans: 0, rejected: 0, refused: 0 }
  const segments = await openSegments(
    options.directory,
    limits,
    (value) => {
      if (isSpan(value)) add(store, value, limits)
    },
    (error) => {
      if (!diskFaulty) log('warn', 'spans are kept in memory only: the disk refuses them', { error: String(error) })
      diskFaulty = true
    },
  )
  store.tracesDropped = 0

  async function exportTraces(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const decoded = decodeTraces(await readExport(request, limits.bodyBytesMax))
    const kept: string[] = []
    let refused = 0
    for (const span of decoded.spans) {
      if (add(store, span, limits)) kept.push(JSON.stringify(span))
      else refused += 1
    }
    segments.append(kept)
    const rejected = decoded.rejected + refused
    counts.exports += 1
    counts.spans += kept.length
    counts.rejected += rejected
    // The member must be absent when all were taken.
    const errorMessage = decoded.firstFault || 'a span or its trace is larger than the limits allow'
    sendJson(response, 200, rejected === 0 ? {} : { partialSuccess: { rejectedSpans: String(rejected), errorMessage } })
  }

  type Route = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => Promise<void> | void
  /** Exporters may reach this process under any name; they learn nothing from it. */
  const openRoutes: Readonly<Record<string, Route>> = {
    'POST /v1/traces': exportTraces,
    'POST /v1/logs': () => notYet('logs'),
    'POST /v1/metrics': () => notYet('metrics'),
    'GET /health/live': (_, response) => sendJson(response, 200, { status: 'UP' }),
    'GET /health/ready': (_, response) =>
      sendJson(response, stopping ? 503 : 200, { status: stopping ? 'DOWN' : 'UP' }),
    'GET /info': (_, response) =>
      sendJson(response, 200, { service: 'telemetry', pid: process.pid, node: process.version, accepts: ['traces'] }),
    'GET /metrics': (_, response) => send(response, 200, 'text/plain; version=0.0.4', metricsText()),
  }
  const guardedRoutes: Readonly<Record<string, Route>> = {
    'GET /api/traces': (_, response, query) =>
      sendJson(response, 200, { traces: findTraces(store, traceQuery(query)) }),
    'GET /api/services': (_, response) => sendJson(response, 200, { services: services(store) }),
  }

  function answerTrace(response: ServerResponse, id: string, joined: boolean): void {
    const traceId = traceIdOf(id)
    const answer = joined ? joinTraces(store, traceId, limits.join) : { traceId, spans: spansOf(store, traceId) }
    if (answer?.spans === undefined)
      throw new Problem(
        404,
        'trace_not_found',
        'no span of this trace is kept: not arrived yet, dropped, or never sent',
      )
    sendJson(response, 200, answer)
  }

  async function handle(request: IncomingMessage, response: ServerResponse, { path, query }: Target): Promise<void> {
    const asked = new URLSearchParams(query)
    const name = `${request.method} ${path}`
    const open = openRoutes[name]
    if (open !== undefined) return await open(request, response, asked)
    refuseForeign(request, allowedHosts)
    const guarded = guardedRoutes[name]
    if (guarded !== undefined) return await guarded(request, response, asked)
    const [, id, joined] = /^\/api\/traces\/([^/]+)(\/joined)?$/.exec(path) ?? []
    if (request.method === 'GET' && id !== undefined) return answerTrace(response, id, joined !== undefined)
    const allowed = Object.keys({ ...openRoutes, ...guardedRoutes })
      .filter((known) => known.endsWith(` ${path}`))
      .map((known) => known.split(' ')[0])
    if (allowed.length > 0)
      throw new Problem(405, 'method_not_allowed', 'this path knows other methods', {
        headers: { allow: allowed.join(', ') },
      })
    throw new Problem(404, 'not_found', 'there is nothing at this path')
  }

  function metricsText(): string {
    const counter = (name: string, help: string, value: number) =>
      ({ name: `telemetry_${name}`, type: 'counter', help, value }) as const
    const gauge = (name: string, help: string, value: number) =>
      ({ name: `telemetry_${name}`, type: 'gauge', help, value }) as const
    return prometheusText([
      counter('exports_total', 'Exports taken', counts.exports),
      counter('spans_received_total', 'Spans taken', counts.spans),
      counter('spans_rejected_total', 'Spans rejected: malformed or above a limit', counts.rejected),
      counter('requests_refused_total', 'Requests answered with an error', counts.refused),
      counter('traces_dropped_total', 'Traces dropped because of the limits', store.tracesDropped),
      counter('spans_not_on_disk_total', 'Spans kept in memory only', segments.linesLost),
      gauge('traces', 'Traces kept', store.traces.size),
      gauge('spans', 'Spans kept', store.spans),
      gauge('bytes', 'Bytes of the spans kept, as JSON', store.bytes),
    ])
  }

  async function answer(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    const isExport = target.path.startsWith('/v1/')
    if (isExport) exportsInFlight += 1
    try {
      if (isExport && exportsInFlight > limits.exportsInFlightMax)
        throw new Problem(503, 'overloaded', 'too many exports are in flight', { headers: { 'retry-after': '1' } })
      await handle(request, response, target)
    } catch (error) {
      counts.refused += 1
      const known = error instanceof Malformed ? new Problem(400, 'malformed', error.message) : error
      if (!(known instanceof Problem)) log('error', 'request failed', { path: request.url, error: String(error) })
      if (isExport) sendStatus(response, known)
      else sendProblem(response, known)
    } finally {
      if (isExport) exportsInFlight -= 1
    }
  }
  const server = createListener(log, answer, { allowedHosts, connections: limits })

  let port: number
  try {
    port = await listen(server, options.port ?? 0, host)
  } catch (error) {
    await segments[Symbol.asyncDispose]()
    throw error
  }
  return {
    port,
    url: `http://${host}:${port}`,
    async [Symbol.asyncDispose]() {
      stopping = true
      await close(server, 5_000)
      await segments[Symbol.asyncDispose]()
    },
  }
}

function notYet(signal: string): never {
  throw new Problem(404, 'signal_not_accepted', `this receiver takes traces; ${signal} are not accepted yet`)
}

const gunzipped = promisify(gunzip)

/** Reads an export's JSON, plain or gzip. The size limit holds before and after decompression. */
async function readExport(request: IncomingMessage, bytesMax: number): Promise<unknown> {
  const mediaType = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (mediaType === 'application/x-protobuf')
    throw new Problem(415, 'protobuf_not_accepted', 'binary protobuf is not accepted: set the exporter to http/json')
  if (mediaType !== 'application/json')
    throw new Problem(415, 'unsupported_media_type', 'the body must be application/json')
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase()
  if (encoding !== 'identity' && encoding !== 'gzip')
    throw new Problem(415, 'unsupported_encoding', 'Content-Encoding may be gzip', {
      headers: { 'accept-encoding': 'gzip' },
    })
  const body = await readBody(request, bytesMax)
  const plain = encoding === 'gzip' ? await decompress(body, bytesMax) : body
  try {
    return parseJson(plain.toString('utf8'))
  } catch (error) {
    throw new Problem(400, 'malformed_json', (error as SyntaxError).message)
  }
}

async function decompress(body: Buffer, bytesMax: number): Promise<Buffer> {
  try {
    return await gunzipped(body, { maxOutputLength: bytesMax })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new Problem(413, 'body_too_large', `the body may have ${bytesMax} bytes after decompression`)
    throw new Problem(400, 'malformed_gzip', 'the body is not gzip')
  }
}

/** OTLP "Failures": the body of an error is a google.rpc.Status; `code` may be left out. */
function sendStatus(response: ServerResponse, error: unknown): void {
  const problem = error instanceof Problem ? error : new Problem(500, 'internal', 'unexpected failure')
  sendJson(response, problem.status, { message: `${problem.code}: ${problem.message}` }, { ...problem.headers })
}
