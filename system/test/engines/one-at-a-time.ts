/**
 * Lets one write at a time through to a server of MongoDB's protocol. On MongoDB every write to a document is atomic, its
 * condition included; FerretDB 1 reads the document, decides, and writes it in a second statement, so two updates at once
 * may both see the revision they ask for. With this in between, each of its commands is as atomic as MongoDB's.
 *
 * And it passes no InternalError on: that is FerretDB whose PostgreSQL is away. MongoDB keeps its data itself; when those
 * are away it does not answer at all, so the connection is cut instead.
 *
 * The wire format is that of OP_MSG (https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/):
 * int32 length, requestId, responseTo, opCode 2013; uint32 flags; a section of kind 0 with one BSON document, whose
 * first element is named after the command.
 */
import { createServer, type Socket, connect as tcpConnect } from 'node:net'

const writes: ReadonlySet<string> = new Set([
  'insert',
  'update',
  'delete',
  'findAndModify',
  'findandmodify',
  'createIndexes',
])
const opMsg = 2013
const headerBytes = 16

/** The command of a message; undefined for what is not an OP_MSG with its body first. */
export const commandOf = (message: Buffer): string | undefined => {
  const body = headerBytes + 4
  if (message.readInt32LE(12) !== opMsg || message[body] !== 0) return undefined
  // kind (1), length of the document (4), type of its first element (1), then that element's name.
  const name = body + 1 + 4 + 1
  return message.toString('latin1', name, message.indexOf(0, name))
}

/** The complete messages at the front of `bytes`, and what is left. */
export const messagesIn = (bytes: Buffer): { messages: Buffer[]; rest: Buffer } => {
  const messages: Buffer[] = []
  let rest = bytes
  while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
    messages.push(rest.subarray(0, rest.readInt32LE(0)))
    rest = rest.subarray(rest.readInt32LE(0))
  }
  return { messages, rest }
}

/** `codeName` of an answer as BSON has it: type 2, the name, the length of the text with its end, the text. */
const internalError = Buffer.from('\x02codeName\0\x0e\0\0\0InternalError\0', 'latin1')

/** Whether this answer means that the server could not reach its own storage. */
export const storageIsAway = (answer: Buffer): boolean => answer.includes(internalError)

/** Listens on a free port of the loopback, or where it is told to. */
export async function oneAtATime(
  serverPort: number,
  at: { host: string; port: number } = { host: '127.0.0.1', port: 0 },
): Promise<{ port: number } & AsyncDisposable> {
  let last: Promise<void> = Promise.resolve()
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = tcpConnect(serverPort, '127.0.0.1')
    let release: (() => void) | undefined
    let inOrder: Promise<void> = Promise.resolve()
    const end = () => {
      client.destroy()
      upstream.destroy()
      release?.()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket.setNoDelay(true))
      socket
        .on('error', end)
        .on('close', end)
        .on('close', () => sockets.delete(socket))
    }
    const forward = async (message: Buffer) => {
      if (writes.has(commandOf(message) ?? '')) {
        const turn = Promise.withResolvers<void>()
        const before = last
        last = turn.promise
        await before
        // The client may have gone while it stood in line.
        if (client.destroyed) return turn.resolve()
        release = turn.resolve
      }
      upstream.write(message)
    }
    let asked: Buffer = Buffer.alloc(0)
    client.on('data', (chunk) => {
      const { messages, rest } = messagesIn(Buffer.concat([asked, chunk]))
      asked = rest
      for (const message of messages) inOrder = inOrder.then(() => forward(message))
    })
    let answered: Buffer = Buffer.alloc(0)
    upstream.on('data', (chunk) => {
      const { messages, rest } = messagesIn(Buffer.concat([answered, chunk]))
      answered = rest
      if (messages.some(storageIsAway)) return end()
      client.write(chunk)
      // A driver has one command under way on a connection: an answer is the answer.
      if (messages.length > 0) {
        release?.()
        release = undefined
      }
    })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(at.port, at.host, resolve))
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

// In a container: `node one-at-a-time.ts <address> <port>` listens there for a server on that port of the loopback.
if (import.meta.main) {
  const [host = '', port = ''] = process.argv.slice(2)
  await oneAtATime(Number(port), { host, port: Number(port) })
}
