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

/** Turns that are taken one after the other. */
class Turns {
  #last: Promise<void> = Promise.resolve()

  /** Resolves when it is this one's turn, with what ends the turn. */
  async next(): Promise<() => void> {
    const turn = Promise.withResolvers<void>()
    const before = this.#last
    this.#last = turn.promise
    await before
    return turn.resolve
  }
}

/** A client's connection and the one that its messages go on by. */
class Link {
  readonly #client: Socket
  readonly #upstream: Socket
  readonly #turns: Turns
  /** Ends the turn of the write that is under way. */
  #release: (() => void) | undefined
  #inOrder: Promise<void> = Promise.resolve()
  #asked: Buffer = Buffer.alloc(0)
  #answered: Buffer = Buffer.alloc(0)

  constructor(client: Socket, upstream: Socket, turns: Turns) {
    this.#client = client
    this.#upstream = upstream
    this.#turns = turns
    for (const socket of [client, upstream])
      socket
        .setNoDelay(true)
        .on('error', () => this.#end())
        .on('close', () => this.#end())
    client.on('data', (chunk) => this.#ask(chunk))
    upstream.on('data', (chunk) => this.#answer(chunk))
  }

  #end(): void {
    this.#client.destroy()
    this.#upstream.destroy()
    this.#release?.()
  }

  #ask(chunk: Buffer): void {
    const { messages, rest } = messagesIn(Buffer.concat([this.#asked, chunk]))
    this.#asked = rest
    for (const message of messages) this.#inOrder = this.#inOrder.then(() => this.#forward(message))
  }

  async #forward(message: Buffer): Promise<void> {
    if (writes.has(commandOf(message) ?? '')) {
      const release = await this.#turns.next()
      // The client may have gone while it waited in line.
      if (this.#client.destroyed) return release()
      this.#release = release
    }
    this.#upstream.write(message)
  }

  #answer(chunk: Buffer): void {
    const { messages, rest } = messagesIn(Buffer.concat([this.#answered, chunk]))
    this.#answered = rest
    if (messages.some(storageIsAway)) return this.#end()
    this.#client.write(chunk)
    // A driver has one command under way on a connection: an answer is the answer.
    if (messages.length > 0) {
      this.#release?.()
      this.#release = undefined
    }
  }
}

/** Listens on a free port of the loopback, or where it is told to. */
export async function oneAtATime(
  serverPort: number,
  at: { host: string; port: number } = { host: '127.0.0.1', port: 0 },
): Promise<{ port: number } & AsyncDisposable> {
  const turns = new Turns()
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = tcpConnect(serverPort, '127.0.0.1')
    for (const socket of [client, upstream]) sockets.add(socket.on('close', () => sockets.delete(socket)))
    new Link(client, upstream, turns)
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
