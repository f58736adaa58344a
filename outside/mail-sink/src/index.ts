/**
 * Receives mail over SMTP, keeps it on the disk before it says so (intake.ts), and shows it over HTTP (pages.ts).
 */
import type { AddressInfo } from 'node:net'
import { holdErrors } from '@svyaz/listener'
import { close, createListener, type Log, listen } from '@svyaz/stage'
import { Intake } from './intake.ts'
import { openMailFiles } from './mail-files.ts'
import { emptyMailbox, keep } from './mailbox.ts'
import { Pages } from './pages.ts'
import { createSmtpServer } from './smtp.ts'

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
  const { host = '127.0.0.1', allowedHosts = [], log = () => {}, onBroken = fatal } = options
  const { now = () => new Date(), random = Math.random } = options
  const limits = { ...defaultLimits, ...options.limits }
  const mailbox = emptyMailbox()
  const stopping = new AbortController()
  await using opening = new AsyncDisposableStack()
  const files = opening.use(
    await openMailFiles(options.directory, limits, (received) => keep(mailbox, received, limits), onBroken),
  )
  const shared = { mailbox, log, stopping: stopping.signal }
  const intake = new Intake({ ...shared, files, limits, now, random })
  let smtpPort = 0
  const { bodyBytesMax } = limits
  const pages = new Pages({ ...shared, intake, bodyBytesMax, allowedHosts, smtpPort: () => smtpPort })

  const smtp = createSmtpServer(limits, (envelope, raw) => intake.receive(envelope, raw))
  holdErrors(smtp.server, (error) => log('error', 'an SMTP connection could not be accepted', { error: String(error) }))
  smtpPort = await listenSmtp(smtp, options.smtpPort ?? 0, host)
  // Clients that break off are their own business; without a listener they would end the process.
  smtp.on('error', (error) => log('warn', 'SMTP connection failed', { error: String(error) }))
  opening.defer(() => new Promise<void>((resolve) => smtp.close(() => resolve())))

  const http = createListener(log, (request, response, target) => pages.answer(request, response, target), {
    allowedHosts,
    connections: limits,
  })
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

function fatal(error: unknown): never {
  throw error
}

/** Resolves with the port. */
async function listenSmtp(smtp: ReturnType<typeof createSmtpServer>, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    smtp.once('error', reject)
    smtp.listen(port, host, () => {
      smtp.off('error', reject)
      resolve()
    })
  })
  return (smtp.server.address() as AddressInfo).port
}
