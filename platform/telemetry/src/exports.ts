/** Takes exports over OTLP/HTTP: traces, logs, metrics. What can't be kept is refused, and counted, never waited for. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { withRetryAfter } from '@svyaz/listener'
import { Problem, sendJson } from '@svyaz/stage'
import type { Sources } from './answers.ts'
import { BodyBudget, isProtobuf, readExport } from './otlp/export-body.ts'
import { decodeLogs } from './otlp/logs.ts'
import { decodeMetrics } from './otlp/metrics.ts'
import { encodeAnswer, encodeStatus } from './otlp/protobuf.ts'
import { decodeTraces } from './otlp/traces-json.ts'

/** Of one signal, and what its answer calls what was rejected. */
type Taken = { readonly rejected: number; readonly member: string; readonly message: string }
type Signal = (request: IncomingMessage, budget: BodyBudget) => Promise<Taken>

export class Exports {
  readonly counts = { exports: 0, spansRejected: 0, linesRejected: 0, pointsRejected: 0, refused: 0 }
  readonly #sources: Sources
  #inFlight = 0
  readonly #bytes = { held: 0 }

  readonly #signals: Readonly<Record<string, Signal>> = {
    '/v1/traces': (request, budget) => this.#traces(request, budget),
    '/v1/logs': (request, budget) => this.#logs(request, budget),
    '/v1/metrics': (request, budget) => this.#metrics(request, budget),
  }

  constructor(sources: Sources) {
    this.#sources = sources
  }

  /** As `METHOD /path`. */
  get routes(): string[] {
    return Object.keys(this.#signals).map((path) => `POST ${path}`)
  }

  /** @throws Problem */
  async take(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const signal = this.#signals[path]
    if (signal === undefined) throw new Problem(404, 'not_found', 'there is nothing at this path')
    this.#inFlight += 1
    const budget = new BodyBudget(this.#bytes, this.#sources.limits.exportBytesInFlightMax)
    try {
      if (this.#inFlight > this.#sources.limits.exportsInFlightMax)
        throw new Problem(503, 'overloaded', 'too many exports are in flight', { headers: { 'retry-after': '1' } })
      const { rejected, member, message } = await signal(request, budget)
      this.counts.exports += 1
      if (isProtobuf(request)) return sendProtobuf(response, 200, encodeAnswer(rejected, message))
      // The member must be absent when all were taken.
      const partialSuccess = { [member]: String(rejected), errorMessage: message }
      sendJson(response, 200, rejected === 0 ? {} : { partialSuccess })
    } finally {
      budget.giveBack()
      this.#inFlight -= 1
    }
  }

  /** OTLP "Failures": the body of an error is a google.rpc.Status; `code` may be left out. */
  refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    this.counts.refused += 1
    const problem = error instanceof Problem ? error : new Problem(500, 'internal', 'unexpected failure')
    const message = `${problem.code}: ${problem.message}`
    if (isProtobuf(request)) sendProtobuf(response, problem.status, encodeStatus(message), problem.headers)
    else sendJson(response, problem.status, { message }, { ...problem.headers })
  }

  async #traces(request: IncomingMessage, budget: BodyBudget): Promise<Taken> {
    const { spans, activity, limits, now } = this.#sources
    const decoded = decodeTraces(await readExport(request, 'TracesRequest', limits.bodyBytesMax, budget))
    const nowMs = now()
    const kept = spans.add(decoded.spans, nowMs)
    for (const span of decoded.spans) activity.take(span, nowMs)
    const rejected = decoded.rejected + decoded.spans.length - kept
    this.counts.spansRejected += rejected
    const message = decoded.firstFault || 'a span or its trace is larger than the limits allow'
    return { rejected, member: 'rejectedSpans', message }
  }

  async #logs(request: IncomingMessage, budget: BodyBudget): Promise<Taken> {
    const { logs, follower, limits, now } = this.#sources
    const nowMs = now()
    const decoded = decodeLogs(await readExport(request, 'LogsRequest', limits.bodyBytesMax, budget), nowMs)
    const kept = logs.add(decoded.lines, nowMs)
    follower.hear(kept)
    const rejected = decoded.rejected + decoded.lines.length - kept.length
    this.counts.linesRejected += rejected
    return { rejected, member: 'rejectedLogRecords', message: decoded.firstFault || 'they could not be written' }
  }

  async #metrics(request: IncomingMessage, budget: BodyBudget): Promise<Taken> {
    const { pushed, limits, now } = this.#sources
    const decoded = decodeMetrics(await readExport(request, 'MetricsRequest', limits.bodyBytesMax, budget))
    const before = pushed.samplesRefused
    for (const { target, samples } of decoded.pushed) pushed.take(target, samples, now())
    const rejected = decoded.rejected + pushed.samplesRefused - before
    this.counts.pointsRejected += rejected
    return { rejected, member: 'rejectedDataPoints', message: decoded.firstFault || 'there are too many series' }
  }
}

function sendProtobuf(
  response: ServerResponse,
  status: number,
  body: Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.destroyed || response.headersSent) return
  response.writeHead(status, {
    'content-type': 'application/x-protobuf',
    'content-length': body.length,
    ...withRetryAfter(status, headers),
  })
  response.end(body)
}
