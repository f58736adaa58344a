/**
 * Receives mail over SMTP, keeps it on the disk before it says so, and shows it over HTTP. Read from the top: how one
 * message is taken in (`receive`), then what may be asked (`routes`).
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { holdErrors, type Target } from '@svyaz/listener'
import type { Log } from '@svyaz/stage'
import {
  close,
  createListener,
  DiskRefused,
  listen,
  noRoute,
  Problem,
  prometheusText,
  readJsonObject,
  refuseForeign,
  send,
  sendJson,
  sendProblem,
} from '@svyaz/stage'
import { type FaultState, hit, noFault } from './faults.ts'
import { openMailFiles } from './mail-files.ts'
import { emptyMailbox, find, keep } from './mailbox.ts'
import { page, pageHeaders } from './page.ts'
import { faultRequest, mailQuery } from './requests.ts'
import { createSmtpServer, type Envelope, type SmtpAnswer } from './smtp.ts'

export { findLostMails } from './mail-files.ts'

export type MailSinkOptions = {
  /** Where the mails live; created when missing. One process at a time. */
  readonly directory: string
  readonly host?: string
  /** HTTP; 0 takes a free port. */
  readonly port?: number
  /** SMTP; 0 takes a free port. */
  readonly smtpPort?: number
  /** Host names, beside the loopback ones, under which mails may be read (a container's name, for instance). */
  readonly allowedHosts?: readonly string[]
  readonly limits?: Partial<Limits>
  readonly log?: Log
  readonly now?: () => Date
  /** A number in [0, 1), for faults with a probability. */
  readonly random?: () => number
  /** The disk failed twice: the process must end. */
  readonly onBroken?: (error: unknown) => void
}

export type Limits = {
  readonly messageBytesMax: number
  readonly recipientsMax: number
  /** Mails kept in memory and shown. */
  readonly mailsMax: number
  readonly bytesMax: number
  readonly fileBytesMax: number
  readonly filesMax: number
  readonly bodyBytesMax: number
  /** Of each port, SMTP and HTTP (see `@svyaz/listener`). */
  readonly connectionsMax: number
  readonly connectionsPerAddressMax: number
  /** Until the first complete request, which for SMTP is a whole message. */
  readonly firstRequestMs: number
  readonly smtpIdleMs: number
  readonly smtpCloseMs: number
}
export const defaultLimits: Limits = {
  messageBytesMax: 1024 * 1024,
  recipientsMax: 100,
  mailsMax: 10_000,
  bytesMax: 64 * 1024 * 1024,
  fileBytesMax: 8 * 1024 * 1024,
  filesMax: 12,
  bodyBytesMax: 16 * 1024,
  connectionsMax: 1_024,
  connectionsPerAddressMax: 256,
  firstRequestMs: 1_000,
  smtpIdleMs: 60_000,
  smtpCloseMs: 2_000,
}

export type MailSink = AsyncDisposable & {
  readonly port: number
  readonly url: string
  readonly smtpPort: number
}

/**
 * Reads the mails kept, then opens both ports.
 * @throws when a file is damaged or a port is taken
 */
export async function startMailSink(options: MailSinkOptions): Promise<MailSink> {
  const {
    host = '127.0.0.1',
    allowedHosts = [],
    log = () => {},
    now = () => new Date(),
    random = Math.random,
  } = options
  const limits = { ...defaultLimits, ...options.limits }
  const mailbox = emptyMailbox()
  const fatal =
    options.onBroken ??
    ((error) => {
      throw error
    })
  const files = await openMailFiles(options.directory, limits, (received) => keep(mailbox, received, limits), fatal)
  const stopping = new AbortController()
  let fault: FaultState = noFault
  const counts = { received: 0, refused: 0, faults: 0, requests: 0 }

  async function receive(envelope: Envelope, raw: Buffer): Promise<SmtpAnswer> {
    const drawn = hit(fault, random())
    fault = drawn.state
    if (drawn.hit) counts.faults += 1
    if (drawn.hit && fault.mode === 'refuse') {
      counts.refused += 1
      return { responseCode: fault.responseCode ?? 451, text: 'refused on request of the test control' }
    }
    if (drawn.hit && fault.mode === 'slow') await pause(fault.delayMs ?? 3_000)
    try {
      const received = { receivedAt: now().toISOString(), envelope, raw: raw.toString('latin1') }
      let id = ''
      await files.append(received, (placed) => {
        id = keep(mailbox, placed, limits).id
      })
      counts.received += 1
      if (drawn.hit && fault.mode === 'lost-reply') return 'cut'
      return { responseCode: 250, text: `OK, kept as ${id}` }
    } catch (error) {
      counts.refused += 1
      if (!(error instanceof DiskRefused)) log('error', 'a mail could not be kept', { error: String(error) })
      return { responseCode: 452, text: 'could not be written, try again' }
    }
  }

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

  type Route = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => Promise<void> | void
  /** Only what reveals nothing private may be read under any Host. */
  const openRoutes: Readonly<Record<string, Route>> = {
    'GET /health/live': (_, response) => sendJson(response, 200, { status: 'UP' }),
    'GET /health/ready': (_, response) =>
      sendJson(response, stopping.signal.aborted ? 503 : 200, { status: stopping.signal.aborted ? 'DOWN' : 'UP' }),
    'GET /info': (_, response) =>
      sendJson(response, 200, { service: 'mail-sink', pid: process.pid, node: process.version, smtpPort }),
    'GET /metrics': (_, response) => send(response, 200, 'text/plain; version=0.0.4', metricsText()),
  }
  const guardedRoutes: Readonly<Record<string, Route>> = {
    'GET /': (_, response) => {
      const nonce = randomBytes(16).toString('base64')
      send(response, 200, 'text/html; charset=utf-8', page(nonce), pageHeaders(nonce))
    },
    'GET /mails': (_, response, query) => sendJson(response, 200, find(mailbox, mailQuery(query))),
    'GET /faults': (_, response) => sendJson(response, 200, fault),
    'POST /faults': async (request, response) => {
      fault = { ...faultRequest(await readJsonObject(request, limits.bodyBytesMax)), fired: 0 }
      log('info', 'faults changed', { ...fault })
      sendJson(response, 200, fault)
    },
  }

  async function handle(request: IncomingMessage, response: ServerResponse, { path, query }: Target): Promise<void> {
    const asked = new URLSearchParams(query)
    const name = `${request.method} ${path}`
    const open = openRoutes[name]
    if (open !== undefined) return await open(request, response, asked)
    refuseForeign(request, path === '/faults' ? [] : allowedHosts)
    const guarded = guardedRoutes[name]
    if (guarded !== undefined) return await guarded(request, response, asked)
    const id = /^\/mails\/(\d+)$/.exec(path)?.[1]
    if (request.method === 'GET' && id !== undefined) {
      const mail = mailbox.mails.get(id)
      if (mail === undefined) throw new Problem(404, 'mail_not_found', 'no mail has this id, or it was dropped')
      return sendJson(response, 200, mail)
    }
    throw noRoute(Object.keys({ ...openRoutes, ...guardedRoutes }), path)
  }

  function metricsText(): string {
    const counter = (name: string, help: string, value: number) =>
      ({ name: `mail_sink_${name}`, type: 'counter', help, value }) as const
    const gauge = (name: string, help: string, value: number) =>
      ({ name: `mail_sink_${name}`, type: 'gauge', help, value }) as const
    return prometheusText([
      counter('received_total', 'Mails kept since the start', counts.received),
      counter('refused_total', 'Mails refused', counts.refused),
      counter('duplicates_total', 'Mails with a Message-ID seen before', mailbox.duplicates),
      counter('dropped_total', 'Mails dropped because of the limits', mailbox.dropped),
      counter('faults_fired_total', 'Mails hit by the fault control', counts.faults),
      counter('http_requests_total', 'HTTP requests received', counts.requests),
      gauge('mails', 'Mails shown', mailbox.mails.size),
      gauge('bytes', 'Bytes of the mails shown', mailbox.bytes),
    ])
  }

  const http = createListener(
    log,
    async (request, response, target) => {
      counts.requests += 1
      try {
        await handle(request, response, target)
      } catch (error) {
        if (!(error instanceof Problem)) log('error', 'request failed', { path: request.url, error: String(error) })
        sendProblem(response, error)
      }
    },
    { allowedHosts, connections: limits },
  )
  const smtp = createSmtpServer(limits, receive)
  holdErrors(smtp.server, (error) => log('error', 'an SMTP connection could not be accepted', { error: String(error) }))

  await using opening = new AsyncDisposableStack()
  opening.use(files)
  let smtpPort = 0
  await new Promise<void>((resolve, reject) => {
    smtp.once('error', reject)
    smtp.listen(options.smtpPort ?? 0, host, () => {
      smtp.off('error', reject)
      resolve()
    })
  })
  // Clients that break off are their own business; without a listener they would end the process.
  smtp.on('error', (error) => log('warn', 'SMTP connection failed', { error: String(error) }))
  smtpPort = (smtp.server.address() as AddressInfo).port
  opening.defer(() => new Promise<void>((resolve) => smtp.close(() => resolve())))
  const port = await listen(http, options.port ?? 0, host)
  opening.defer(() => close(http, 5_000))
  opening.defer(() => stopping.abort())
  const running = opening.move()
  return {
    port,
    url: `http://${host}:${port}`,
    smtpPort,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
