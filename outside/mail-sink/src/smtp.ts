import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { SMTPServer } from 'smtp-server'

export type Envelope = { readonly from: string; readonly to: readonly string[] }

/** What the receiver says to a whole message. `cut` takes the connection away without a word. */
export type SmtpAnswer = { readonly responseCode: number; readonly text: string } | 'cut'

export type SmtpLimits = {
  readonly messageBytesMax: number
  readonly clientsMax: number
  readonly recipientsMax: number
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
    maxClients: limits.clientsMax,
    socketTimeout: 60_000,
    closeTimeout: 2_000,
    onRcptTo(_address, session, callback) {
      if (session.envelope.rcptTo.length >= limits.recipientsMax)
        return callback(refusal(452, `at most ${limits.recipientsMax} recipients`))
      callback()
    },
    onData(stream, session, callback) {
      const { mailFrom, rcptTo } = session.envelope
      const envelope = {
        from: mailFrom === false ? '' : mailFrom.address,
        to: rcptTo.map((recipient) => recipient.address),
      }
      collect(stream, limits.messageBytesMax)
        .then((raw) => (raw === undefined ? tooLarge(limits) : receive(envelope, raw)))
        .catch((): SmtpAnswer => ({ responseCode: 451, text: 'could not be kept, try again' }))
        .then((answer) => {
          if (answer === 'cut') cutConnection(server, session.id)
          else if (answer.responseCode >= 400) callback(refusal(answer.responseCode, answer.text))
          else callback(null, answer.text)
        })
    },
  })
  return server
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

/** smtp-server has no public way to lose a connection, which is what this fault is about. */
function cutConnection(server: SMTPServer, sessionId: string): void {
  const { connections } = server as unknown as { connections: Set<{ id: string; _socket?: Socket }> }
  for (const connection of connections) if (connection.id === sessionId) connection._socket?.destroy()
}
