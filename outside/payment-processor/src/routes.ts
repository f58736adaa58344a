/** What may be asked of the provider, and how much at once. */
import { createReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Target } from '@svyaz/listener'
import {
  type Log,
  metricsOf,
  noRoute,
  Problem,
  readJsonObject,
  refuseForeign,
  sendJson,
  sendProblem,
  watchRoutes,
} from '@svyaz/stage'
import type { BookedLedger } from './booked-ledger.ts'
import * as ledgerRules from './ledger.ts'
import type { Provider } from './provider.ts'
import { faultRequest } from './requests.ts'

type Route = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void
type RouteTable = Readonly<Record<string, Route>>

export interface RoutesParts {
  readonly ledger: BookedLedger
  readonly provider: Provider
  readonly log: Log
  readonly limits: { readonly bodyBytesMax: number; readonly inFlightMax: number }
  readonly stopping: AbortSignal
}

export class Routes {
  readonly #parts: RoutesParts
  readonly #routes: RouteTable
  readonly #counts = { requests: 0, refused: 0, shed: 0 }
  #inFlight = 0

  constructor(parts: RoutesParts) {
    this.#parts = parts
    this.#routes = {
      ...moneyRoutes(parts),
      ...faultRoutes(parts),
      ...watchRoutes({
        service: 'payment-processor',
        info: () => ({ methods: Object.keys(ledgerRules.methods) }),
        metrics: () => this.#metricsText(),
        stopping: () => parts.stopping.aborted,
      }),
    }
  }

  /** Answers one request, whatever becomes of it. */
  async answer(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    const { limits, log } = this.#parts
    this.#counts.requests += 1
    const watched =
      request.url?.startsWith('/health') === true || request.url === '/faults' || request.url === '/metrics'
    this.#inFlight += 1
    try {
      if (this.#inFlight > limits.inFlightMax && !watched) {
        this.#counts.shed += 1
        throw new Problem(503, 'overloaded', 'too many requests are in flight', { headers: { 'retry-after': '1' } })
      }
      await this.#handle(request, response, target)
    } catch (error) {
      this.#counts.refused += 1
      if (!(error instanceof Problem))
        log('error', 'request failed', { path: request.url, error: String(error), stack: (error as Error)?.stack })
      sendProblem(response, error)
    } finally {
      this.#inFlight -= 1
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse, { path }: Target): Promise<void> {
    const route = this.#routes[`${request.method} ${path}`]
    if (route !== undefined) return await route(request, response)
    const chargeKey = /^\/charges\/([^/]+)$/.exec(path)?.[1]
    if (request.method !== 'GET' || chargeKey === undefined) throw noRoute(Object.keys(this.#routes), path)
    const found = ledgerRules.currentCharge(this.#parts.ledger.state, decodeKey(chargeKey))
    if (found === undefined) throw new Problem(404, 'charge_not_found', 'no charge has this key')
    sendJson(response, 200, found)
  }

  #metricsText(): string {
    const { ledger, provider } = this.#parts
    const counts = { ...this.#counts, ...provider.counts }
    const { counter, gauge } = metricsOf('payment_processor')
    return [
      counter('requests_total', 'Requests received', counts.requests),
      counter('refused_total', 'Requests answered with a problem', counts.refused),
      counter('replayed_total', 'Requests answered with an earlier result', counts.replayed),
      counter('shed_total', 'Requests shed because too many were in flight', counts.shed),
      counter('faults_fired_total', 'Requests hit by the fault control', counts.faults),
      counter('lost_replies_total', 'Charges made whose reply was withheld', counts.lostReplies),
      counter('ledger_syncs_total', 'Group commits of the ledger', ledger.syncs),
      gauge('ledger_entries', 'Entries in the ledger', ledger.state.sequence),
      gauge('ledger_bytes', 'Bytes of the ledger on the disk', ledger.syncedBytes),
      gauge('in_flight', 'Requests being worked on', this.#inFlight),
    ].join('')
  }
}

const moneyRoutes = ({ ledger, provider }: RoutesParts): RouteTable => ({
  'POST /charges': (request, response) => provider.charge(request, response),
  'POST /voids': (request, response) => provider.voidCharge(request, response),
  'POST /refunds': (request, response) => provider.refund(request, response),
  'GET /totals': (_, response) => sendJson(response, 200, ledgerRules.currentTotals(ledger.state)),
  'GET /ledger': async (_, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
    // Read from the disk up to what is synced: a reader never sees an entry that a crash could take back.
    if (ledger.syncedBytes === 0) response.end()
    else await pipeline(createReadStream(ledger.path, { end: ledger.syncedBytes - 1 }), response)
  },
})

const faultRoutes = ({ provider, limits, log }: RoutesParts): RouteTable => ({
  'GET /faults': (request, response) => {
    refuseForeign(request)
    sendJson(response, 200, provider.fault)
  },
  'POST /faults': async (request, response) => {
    refuseForeign(request)
    provider.fault = { ...faultRequest(await readJsonObject(request, limits.bodyBytesMax)), fired: 0 }
    log('info', 'faults changed', { ...provider.fault })
    sendJson(response, 200, provider.fault)
  },
})

function decodeKey(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Problem(400, 'malformed_path', 'the path is not percent-encoded UTF-8')
  }
}
