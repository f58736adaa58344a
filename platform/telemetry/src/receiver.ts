/**
 * Answers the port. Read from the top: what may be asked (`#open`, `#guarded`), then how an export is taken
 * (`#exportTraces`).
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Target } from '@svyaz/listener'
import { type Log, noRoute, Problem, prometheusText, refuseForeign, send, sendJson, sendProblem } from '@svyaz/stage'
import { readExport } from './export-body.ts'
import { findTraces, services } from './find-traces.ts'
import { joinTraces } from './join.ts'
import type { Limits } from './limits.ts'
import { decodeTraces, Malformed } from './otlp.ts'
import { traceIdOf, traceQuery } from './queries.ts'
import type { Segments } from './segments.ts'
import { lineOf } from './span-line.ts'
import type { TraceStore } from './trace-store.ts'

type Route = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => Promise<void> | void

export class Receiver {
  stopping = false
  readonly #store: TraceStore
  readonly #segments: Segments
  readonly #limits: Limits
  readonly #allowedHosts: readonly string[]
  readonly #log: Log
  readonly #counts = { exports: 0, spans: 0, rejected: 0, refused: 0 }
  #exportsInFlight = 0

  /** Exporters may reach this process under any name; they learn nothing from it. */
  readonly #open: Readonly<Record<string, Route>> = {
    'POST /v1/traces': (request, response) => this.#exportTraces(request, response),
    'POST /v1/logs': () => notYet('logs'),
    'POST /v1/metrics': () => notYet('metrics'),
    'GET /health/live': (_, response) => sendJson(response, 200, { status: 'UP' }),
    'GET /health/ready': (_, response) =>
      sendJson(response, this.stopping ? 503 : 200, { status: this.stopping ? 'DOWN' : 'UP' }),
    'GET /info': (_, response) =>
      sendJson(response, 200, { service: 'telemetry', pid: process.pid, node: process.version, accepts: ['traces'] }),
    'GET /metrics': (_, response) => send(response, 200, 'text/plain; version=0.0.4', this.#metricsText()),
  }
  readonly #guarded: Readonly<Record<string, Route>> = {
    'GET /api/traces': (_, response, query) =>
      sendJson(response, 200, { traces: findTraces(this.#store, traceQuery(query)) }),
    'GET /api/services': (_, response) => sendJson(response, 200, { services: services(this.#store) }),
  }

  constructor(store: TraceStore, segments: Segments, limits: Limits, allowedHosts: readonly string[], log: Log) {
    this.#store = store
    this.#segments = segments
    this.#limits = limits
    this.#allowedHosts = allowedHosts
    this.#log = log
  }

  /** Answers one request, whatever becomes of it. */
  async answer(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    const isExport = target.path.startsWith('/v1/')
    if (isExport) this.#exportsInFlight += 1
    try {
      if (isExport && this.#exportsInFlight > this.#limits.exportsInFlightMax)
        throw new Problem(503, 'overloaded', 'too many exports are in flight', { headers: { 'retry-after': '1' } })
      await this.#route(request, response, target)
    } catch (error) {
      this.#counts.refused += 1
      const known = error instanceof Malformed ? new Problem(400, 'malformed', error.message) : error
      if (!(known instanceof Problem)) this.#log('error', 'request failed', { path: request.url, error: String(error) })
      if (isExport) sendStatus(response, known)
      else sendProblem(response, known)
    } finally {
      if (isExport) this.#exportsInFlight -= 1
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse, { path, query }: Target): Promise<void> {
    const asked = new URLSearchParams(query)
    const name = `${request.method} ${path}`
    const open = this.#open[name]
    if (open !== undefined) return await open(request, response, asked)
    refuseForeign(request, this.#allowedHosts)
    const guarded = this.#guarded[name]
    if (guarded !== undefined) return await guarded(request, response, asked)
    const [, id, joined] = /^\/api\/traces\/([^/]+)(\/joined)?$/.exec(path) ?? []
    if (request.method === 'GET' && id !== undefined) return this.#answerTrace(response, id, joined !== undefined)
    throw noRoute(Object.keys({ ...this.#open, ...this.#guarded }), path)
  }

  async #exportTraces(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const decoded = decodeTraces(await readExport(request, this.#limits.bodyBytesMax))
    const kept: string[] = []
    let refused = 0
    for (const span of decoded.spans) {
      const line = lineOf(span)
      if (this.#store.add(span, line)) kept.push(line)
      else refused += 1
    }
    this.#segments.append(kept)
    const rejected = decoded.rejected + refused
    this.#counts.exports += 1
    this.#counts.spans += kept.length
    this.#counts.rejected += rejected
    // The member must be absent when all were taken.
    const errorMessage = decoded.firstFault || 'a span or its trace is larger than the limits allow'
    sendJson(response, 200, rejected === 0 ? {} : { partialSuccess: { rejectedSpans: String(rejected), errorMessage } })
  }

  #answerTrace(response: ServerResponse, id: string, joined: boolean): void {
    const traceId = traceIdOf(id)
    const answer = joined
      ? joinTraces(this.#store, traceId, this.#limits.join)
      : { traceId, spans: this.#store.spansOf(traceId) }
    if (answer?.spans === undefined)
      throw new Problem(
        404,
        'trace_not_found',
        'no span of this trace is kept: not arrived yet, dropped, or never sent',
      )
    sendJson(response, 200, answer)
  }

  #metricsText(): string {
    const store = this.#store
    const counter = (name: string, help: string, value: number) =>
      ({ name: `telemetry_${name}`, type: 'counter', help, value }) as const
    const gauge = (name: string, help: string, value: number) =>
      ({ name: `telemetry_${name}`, type: 'gauge', help, value }) as const
    return prometheusText([
      counter('exports_total', 'Exports taken', this.#counts.exports),
      counter('spans_received_total', 'Spans taken', this.#counts.spans),
      counter('spans_rejected_total', 'Spans rejected: malformed or above a limit', this.#counts.rejected),
      counter('requests_refused_total', 'Requests answered with an error', this.#counts.refused),
      counter('traces_dropped_total', 'Traces dropped because of the limits', store.tracesDropped),
      counter('spans_not_on_disk_total', 'Spans kept in memory only', this.#segments.linesLost),
      gauge('traces', 'Traces kept', store.traceCount),
      gauge('spans', 'Spans kept', store.spans),
      gauge('bytes', 'Bytes of memory that hold the spans', store.bytes),
    ])
  }
}

function notYet(signal: string): never {
  throw new Problem(404, 'signal_not_accepted', `this receiver takes traces; ${signal} are not accepted yet`)
}

/** OTLP "Failures": the body of an error is a google.rpc.Status; `code` may be left out. */
function sendStatus(response: ServerResponse, error: unknown): void {
  const problem = error instanceof Problem ? error : new Problem(500, 'internal', 'unexpected failure')
  sendJson(response, problem.status, { message: `${problem.code}: ${problem.message}` }, { ...problem.headers })
}
