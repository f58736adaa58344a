import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { boundConnections, type ConnectionBounds, type ConnectionTable } from '@svyaz/listener'
import { SMTPServer } from 'smtp-server'

export type Envelope = { readonly from: string; readonly to: readonly string[] }

/** What the receiver says to a whole message. `cut` takes the connection away without a word. */
export type SmtpAnswer = { readonly responseCode: number; readonly text: string } | 'cut'

export type SmtpLimits = ConnectionBounds & {
  readonly messageBytesMax: number
  readonly recipientsMax: number
  /** A connection on which nothing arrives for so long is told 421 and closed. */
  readonly smtpIdleMs: number
  /** How long open connections may take to end when the server closes. */
  readonly smtpCloseMs: number
}

/**
 * An SMTP server without authentication and TLS, for a loopback address or a closed network.
 * @param receive gets each whole message; the client has its answer only when this resolves
 */
export function createSmtpServer(
  limits: SmtpLimits,
  receive: (envelope: Envelope, raw: Buffer) => Promise<SmtpAnswer>,
): SMTPServer {
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    disableReverseLookup: true,
    logger: false,
    size: limits.messageBytesMax,
    socketTimeout: limits.smtpIdleMs,
    closeTimeout: limits.smtpCloseMs,
    onRcptTo(_address, session, callback) {
      if (session.envelope.rcptTo.length >= limits.recipientsMax)
        return callback(refusal(452, `at most ${limits.recipientsMax} recipients`))
      callback()
    },
    onData(stream, session, callback) {
      const { mailFrom, rcptTo } = session.envelope
      const socket = socketOf(server, session.id)
      const envelope = {
        from: mailFrom === false ? '' : mailFrom.address,
        to: rcptTo.map((recipient) => recipient.address),
      }
      collect(stream, limits.messageBytesMax)
        .then((raw) => {
          if (socket) table.began(socket)
          return raw === undefined ? tooLarge(limits) : receive(envelope, raw)
        })
        .catch((): SmtpAnswer => ({ responseCode: 451, text: 'could not be kept, try again' }))
        .then((answer) => {
          if (socket) table.ended(socket)
          if (answer === 'cut') socket?.destroy()
          else if (answer.responseCode >= 400) callback(refusal(answer.responseCode, answer.text))
          else callback(null, answer.text)
        })
    },
  })
  const table = bounded(server, limits)
  return server
}

/**
 * The bounds that every listener has: a whole message is what a complete request is elsewhere. smtp-server's own bound
 * (`maxClients`) keeps whoever came first, so it isn't used; a connection without a place never reaches smtp-server.
 */
function bounded({ server }: SMTPServer, bounds: ConnectionBounds): ConnectionTable<Socket> {
  const serve = server.listeners('connection') as ((socket: Socket) => void)[]
  server.removeAllListeners('connection')
  const table = boundConnections(server, {
    bounds,
    refuse: (socket) => {
      socket.end('421 too many connections are at work here, try again\r\n')
      socket.destroySoon()
    },
  })
  server.on('connection', (socket: Socket) => {
    if (socket.writable) for (const listener of serve) listener.call(server, socket)
  })
  return table
}

/** Reads to the end in any case, or the client could not hear the refusal. @returns undefined when too large */
async function collect(stream: Readable, bytesMax: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= bytesMax) chunks.push(chunk)
  }
  return bytes > bytesMax ? undefined : Buffer.concat(chunks)
}

const tooLarge = (limits: SmtpLimits): SmtpAnswer => ({
  responseCode: 552,
  text: `a message may have ${limits.messageBytesMax} bytes`,
})

const refusal = (responseCode: number, text: string) => Object.assign(new Error(text), { responseCode })

/** smtp-server has no public way from a session to its connection. */
function socketOf(server: SMTPServer, sessionId: string): Socket | undefined {
  const { connections } = server as unknown as { connections: Set<{ id: string; _socket?: Socket }> }
  return [...connections].find(({ id }) => id === sessionId)?._socket
}
