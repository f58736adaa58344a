/** What may be asked over HTTP. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Target } from '@svyaz/listener'
import {
  type Log,
  metricsOf,
  noRoute,
  Problem,
  readJsonObject,
  refuseForeign,
  send,
  sendJson,
  sendProblem,
  watchRoutes,
} from '@svyaz/stage'
import type { Intake } from './intake.ts'
import { briefly, find, type Mailbox } from './mailbox.ts'
import { page, pageHeaders } from './page.ts'
import { faultRequest, mailQuery } from './requests.ts'

type Route = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => Promise<void> | void
type Routes = Readonly<Record<string, Route>>

export interface PagesParts {
  readonly intake: Intake
  readonly mailbox: Mailbox
  readonly log: Log
  readonly bodyBytesMax: number
  /** Host names, beside the loopback ones, under which mails may be read. */
  readonly allowedHosts: readonly string[]
  readonly stopping: AbortSignal
  /** Known once the port is open. */
  readonly smtpPort: () => number
}

export class Pages {
  requests = 0
  readonly #parts: PagesParts
  /** Only what reveals nothing private may be read under any Host. */
  readonly #open: Routes
  readonly #guarded: Routes

  constructor(parts: PagesParts) {
    this.#parts = parts
    this.#open = watchRoutes({
      service: 'mail-sink',
      info: () => ({ smtpPort: parts.smtpPort() }),
      metrics: () => this.#metricsText(),
      stopping: () => parts.stopping.aborted,
    })
    this.#guarded = guardedRoutes(parts)
  }

  /** Answers one request, whatever becomes of it. */
  async answer(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    this.requests += 1
    try {
      await this.#handle(request, response, target)
    } catch (error) {
      if (!(error instanceof Problem))
        this.#parts.log('error', 'request failed', { path: request.url, error: String(error) })
      sendProblem(response, error)
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse, { path, query }: Target): Promise<void> {
    const asked = new URLSearchParams(query)
    const name = `${request.method} ${path}`
    const open = this.#open[name]
    if (open !== undefined) return await open(request, response, asked)
    refuseForeign(request, path === '/faults' ? [] : this.#parts.allowedHosts)
    const guarded = this.#guarded[name]
    if (guarded !== undefined) return await guarded(request, response, asked)
    const id = /^\/mails\/(\d+)$/.exec(path)?.[1]
    if (request.method !== 'GET' || id === undefined)
      throw noRoute(Object.keys({ ...this.#open, ...this.#guarded }), path)
    const mail = this.#parts.mailbox.mails.get(id)
    if (mail === undefined) throw new Problem(404, 'mail_not_found', 'no mail has this id, or it was dropped')
    sendJson(response, 200, mail)
  }

  #metricsText(): string {
    const { intake, mailbox } = this.#parts
    const { counts } = intake
    const { counter, gauge } = metricsOf('mail_sink')
    return [
      counter('received_total', 'Mails kept since the start', counts.received),
      counter('refused_total', 'Mails refused', counts.refused),
      counter('duplicates_total', 'Mails with a Message-ID seen before', mailbox.duplicates),
      counter('dropped_total', 'Mails dropped because of the limits', mailbox.dropped),
      counter('faults_fired_total', 'Mails hit by the fault control', counts.faults),
      counter('http_requests_total', 'HTTP requests received', this.requests),
      gauge('mails', 'Mails shown', mailbox.mails.size),
      gauge('bytes', 'Bytes of the mails shown', mailbox.bytes),
    ].join('')
  }
}

const guardedRoutes = ({ intake, mailbox, log, bodyBytesMax }: PagesParts): Routes => ({
  'GET /': (_, response) => {
    const nonce = randomBytes(16).toString('base64')
    send(response, 200, 'text/html; charset=utf-8', page(nonce), pageHeaders(nonce))
  },
  'GET /mails': (_, response, query) => {
    const { brief, ...asked } = mailQuery(query)
    const found = find(mailbox, asked)
    sendJson(response, 200, brief ? { ...found, mails: found.mails.map(briefly) } : found)
  },
  'GET /faults': (_, response) => sendJson(response, 200, intake.fault),
  'POST /faults': async (request, response) => {
    intake.fault = { ...faultRequest(await readJsonObject(request, bodyBytesMax)), fired: 0 }
    log('info', 'faults changed', { ...intake.fault })
    sendJson(response, 200, intake.fault)
  },
})
