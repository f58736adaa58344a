/**
 * The payment provider of the outside world. Read from the top: what may be asked (`routes`), then how one request
 * that moves money goes: faults → decision → ledger synced → answer.
 */
import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Target } from '@svyaz/listener'
import type { Log } from '@svyaz/stage'
import {
  close,
  createListener,
  DiskRefused,
  encodeLine,
  listen,
  noRoute,
  openSyncedFile,
  Problem,
  prometheusText,
  readJsonObject,
  refuseForeign,
  send,
  sendJson,
  sendProblem,
} from '@svyaz/stage'
import { hit, noFault } from './faults.ts'
import * as ledgerRules from './ledger.ts'
import { OneAtATime } from './one-at-a-time.ts'
import { chargeRequest, faultRequest, idempotencyKey, refundRequest, voidRequest } from './requests.ts'

export type PaymentProcessorOptions = {
  /** Where `ledger.ndjson` lives; created when missing. One process at a time. */
  readonly directory: string
  readonly host?: string
  /** 0 takes a free port. */
  readonly port?: number
  /** How long `pm_slow` takes. */
  readonly slowMs?: number
  /** How long a reply that never comes keeps its connection. */
  readonly hangMs?: number
  readonly limits?: Partial<Limits>
  readonly log?: Log
  readonly now?: () => Date
  readonly newId?: () => string
  /** A number in [0, 1), for faults with a probability. */
  readonly random?: () => number
  /** The ledger can't be trusted any more (the disk failed twice): the process must end. */
  readonly onBroken?: (error: unknown) => void
}

export type Limits = {
  readonly bodyBytesMax: number
  readonly inFlightMax: number
  readonly connectionsMax: number
  readonly connectionsPerAddressMax: number
  readonly entriesMax: number
}
export const defaultLimits: Limits = {
  bodyBytesMax: 64 * 1024,
  inFlightMax: 1_024,
  connectionsMax: 4_096,
  connectionsPerAddressMax: 1_024,
  entriesMax: 2_000_000,
}

export const ledgerName = 'ledger.ndjson'

export type PaymentProcessor = AsyncDisposable & { readonly port: number; readonly url: string }

/**
 * Reads the ledger, then opens the port.
 * @throws when the ledger is damaged or the port is taken
 */
export async function startPaymentProcessor(options: PaymentProcessorOptions): Promise<PaymentProcessor> {
  const { host = '127.0.0.1', slowMs = 3_000, hangMs = 10_000, log = () => {} } = options
  const { now = () => new Date(), newId = randomUUID, random = Math.random } = options
  const limits = { ...defaultLimits, ...options.limits }
  const ledgerPath = join(options.directory, ledgerName)
  const fatal =
    options.onBroken ??
    ((error) => {
      throw error
    })
  const { file, values, tornBytes } = await openSyncedFile(ledgerPath, fatal)
  const ledger = ledgerRules.emptyLedger()
  for (const value of values) ledgerRules.apply(ledger, value as ledgerRules.Entry)
  if (tornBytes > 0) log('warn', 'dropped a torn tail of the ledger', { tornBytes })

  const oneAtATime = new OneAtATime()
  const stopping = new AbortController()
  let fault = noFault
  let inFlight = 0
  const counts = { requests: 0, refused: 0, replayed: 0, shed: 0, faults: 0, lostReplies: 0 }

  const stamp = (): ledgerRules.Stamp => ({ id: newId(), createdAt: now().toISOString() })

  /** Resolves once the entry is on the disk and in the state. */
  async function record(entry: ledgerRules.NewEntry): Promise<void> {
    if (ledger.sequence >= limits.entriesMax)
      throw new Problem(503, 'ledger_full', 'the ledger holds as many entries as it may')
    let placed: ledgerRules.Entry
    const encode = (place: number) => {
      placed = { v: 1, sequence: ledger.sequence + 1 + place, ...entry } as ledgerRules.Entry
      return encodeLine(placed)
    }
    try {
      // The state moves on only when the entry is durable.
      await file.append(encode, () => ledgerRules.apply(ledger, placed))
    } catch (error) {
      if (!(error instanceof DiskRefused)) throw error
      throw new Problem(503, 'disk_refused', 'the ledger could not be written: nothing has happened, try again', {
        headers: { 'retry-after': '1' },
      })
    }
  }

  /** Decides and records while nothing else touches these keys. */
  async function settle<T>(
    keys: readonly string[],
    decide: () => ledgerRules.Decision<T>,
  ): Promise<{ answer: T; replayed: boolean }> {
    const [key, ...rest] = keys
    if (key !== undefined) return await oneAtATime.run(key, () => settle(rest, decide))
    const { answer, entry } = decide()
    if (entry !== undefined) await record(entry)
    else counts.replayed += 1
    return { answer, replayed: entry === undefined }
  }

  async function charge(request: IncomingMessage): Promise<Answer> {
    const key = idempotencyKey(request)
    const wanted = chargeRequest(await readJsonObject(request, limits.bodyBytesMax))
    const method = ledgerRules.methodOf(wanted.method)
    if (method?.delay === 'slow' && ledger.accounts.get(key) === undefined) await pause(slowMs)
    const { answer, replayed } = await settle([`charge ${key}`], () =>
      ledgerRules.decideCharge(ledger, key, wanted, stamp()),
    )
    const lost = !replayed && method?.reply === 'lost'
    return { status: 201, value: answer, replayed, lost }
  }

  async function voidCharge(request: IncomingMessage): Promise<Answer> {
    const { key } = voidRequest(await readJsonObject(request, limits.bodyBytesMax))
    const { answer, replayed } = await settle([`charge ${key}`], () => ledgerRules.decideVoid(ledger, key, stamp()))
    return { status: 200, value: answer, replayed }
  }

  async function refund(request: IncomingMessage): Promise<Answer> {
    const key = idempotencyKey(request)
    const wanted = refundRequest(await readJsonObject(request, limits.bodyBytesMax))
    // Always refund before charge, so that two requests can't wait for each other.
    const { answer, replayed } = await settle([`refund ${key}`, `charge ${wanted.chargeKey}`], () =>
      ledgerRules.decideRefund(ledger, key, wanted, stamp()),
    )
    return { status: 201, value: answer, replayed }
  }

  /** A request that moves money, with the faults that the test control asked for around it. */
  async function moveMoney(
    request: IncomingMessage,
    response: ServerResponse,
    act: (r: IncomingMessage) => Promise<Answer>,
  ) {
    const drawn = hit(fault, random())
    fault = drawn.state
    if (!drawn.hit) return await reply(response, await act(request))
    counts.faults += 1
    const { mode, when = 'before' } = fault
    if (when === 'after') await act(request)
    if (mode === 'hang') return await neverReply(response)
    if (mode === 'unavailable')
      throw new Problem(503, 'unavailable', 'the provider is not available', { headers: { 'retry-after': '1' } })
    throw new Problem(500, 'provider_error', 'the provider failed; the charge may or may not have been made')
  }

  async function reply(response: ServerResponse, answer: Answer): Promise<void> {
    if (answer.lost === true) {
      counts.lostReplies += 1
      return await neverReply(response)
    }
    sendJson(response, answer.status, answer.value, answer.replayed ? { 'idempotency-replayed': 'true' } : {})
  }

  async function neverReply(response: ServerResponse): Promise<void> {
    await pause(hangMs)
    response.socket?.destroy()
  }

  /** Waits, but not beyond the end of this process. */
  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (stopping.signal.aborted) return resolve()
      const end = () => {
        clearTimeout(timer)
        stopping.signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      stopping.signal.addEventListener('abort', end)
    })
  }

  const routes: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => Promise<void> | void>> =
    {
      'POST /charges': (request, response) => moveMoney(request, response, charge),
      'POST /voids': (request, response) => moveMoney(request, response, voidCharge),
      'POST /refunds': (request, response) => moveMoney(request, response, refund),
      'GET /totals': (_, response) => sendJson(response, 200, ledgerRules.currentTotals(ledger)),
      'GET /ledger': async (_, response) => {
        response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
        // Read from the disk up to what is synced: a reader never sees an entry that a crash could take back.
        if (file.syncedBytes === 0) response.end()
        else await pipeline(createReadStream(ledgerPath, { end: file.syncedBytes - 1 }), response)
      },
      'GET /faults': (request, response) => {
        refuseForeign(request)
        sendJson(response, 200, fault)
      },
      'POST /faults': async (request, response) => {
        refuseForeign(request)
        fault = { ...faultRequest(await readJsonObject(request, limits.bodyBytesMax)), fired: 0 }
        log('info', 'faults changed', { ...fault })
        sendJson(response, 200, fault)
      },
      'GET /health/live': (_, response) => sendJson(response, 200, { status: 'UP' }),
      'GET /health/ready': (_, response) =>
        sendJson(response, stopping.signal.aborted ? 503 : 200, { status: stopping.signal.aborted ? 'DOWN' : 'UP' }),
      'GET /info': (_, response) =>
        sendJson(response, 200, {
          service: 'payment-processor',
          pid: process.pid,
          node: process.version,
          methods: Object.keys(ledgerRules.methods),
        }),
      'GET /metrics': (_, response) => send(response, 200, 'text/plain; version=0.0.4', metricsText()),
    }

  function metricsText(): string {
    const counter = (name: string, help: string, value: number) => ({
      name: `payment_processor_${name}`,
      type: 'counter' as const,
      help,
      value,
    })
    const gauge = (name: string, help: string, value: number) => ({
      name: `payment_processor_${name}`,
      type: 'gauge' as const,
      help,
      value,
    })
    return prometheusText([
      counter('requests_total', 'Requests received', counts.requests),
      counter('refused_total', 'Requests answered with a problem', counts.refused),
      counter('replayed_total', 'Requests answered with an earlier result', counts.replayed),
      counter('shed_total', 'Requests shed because too many were in flight', counts.shed),
      counter('faults_fired_total', 'Requests hit by the fault control', counts.faults),
      counter('lost_replies_total', 'Charges made whose reply was withheld', counts.lostReplies),
      counter('ledger_syncs_total', 'Group commits of the ledger', file.syncs),
      gauge('ledger_entries', 'Entries in the ledger', ledger.sequence),
      gauge('ledger_bytes', 'Bytes of the ledger on the disk', file.syncedBytes),
      gauge('in_flight', 'Requests being worked on', inFlight),
    ])
  }

  async function handle(request: IncomingMessage, response: ServerResponse, { path }: Target): Promise<void> {
    const route = routes[`${request.method} ${path}`]
    if (route !== undefined) return await route(request, response)
    const chargeKey = /^\/charges\/([^/]+)$/.exec(path)?.[1]
    if (request.method === 'GET' && chargeKey !== undefined) {
      const found = ledgerRules.currentCharge(ledger, decodeKey(chargeKey))
      if (found === undefined) throw new Problem(404, 'charge_not_found', 'no charge has this key')
      return sendJson(response, 200, found)
    }
    throw noRoute(Object.keys(routes), path)
  }

  async function answer(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    counts.requests += 1
    const watched =
      request.url?.startsWith('/health') === true || request.url === '/faults' || request.url === '/metrics'
    inFlight += 1
    try {
      if (inFlight > limits.inFlightMax && !watched) {
        counts.shed += 1
        throw new Problem(503, 'overloaded', 'too many requests are in flight', { headers: { 'retry-after': '1' } })
      }
      await handle(request, response, target)
    } catch (error) {
      counts.refused += 1
      if (!(error instanceof Problem))
        log('error', 'request failed', { path: request.url, error: String(error), stack: (error as Error)?.stack })
      sendProblem(response, error)
    } finally {
      inFlight -= 1
    }
  }
  const server = createListener(log, answer, { connections: limits })

  let port: number
  try {
    port = await listen(server, options.port ?? 0, host)
  } catch (error) {
    await file[Symbol.asyncDispose]()
    throw error
  }
  return {
    port,
    url: `http://${host}:${port}`,
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await close(server, 5_000)
      await file[Symbol.asyncDispose]()
    },
  }
}

type Answer = { readonly status: number; readonly value: unknown; readonly replayed: boolean; readonly lost?: boolean }

function decodeKey(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Problem(400, 'malformed_path', 'the path is not percent-encoded UTF-8')
  }
}
