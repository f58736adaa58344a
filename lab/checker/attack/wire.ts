/** One connection of an attacker: steps as data, carried out on a bare TCP socket, and what came of them. */
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'

export type Step =
  | { readonly send: string | Buffer }
  /** Byte by byte, for as long as the other side bears it. */
  | { readonly drip: string; readonly everyMs: number }
  /** Until something is answered, or the connection is over. */
  | { readonly until: 'answered' | 'closed'; readonly ms: number }
  /** RST instead of FIN: what the peer reads or writes next fails with ECONNRESET. */
  | 'reset'
  | 'half-close'

export interface Outcome {
  /** Everything that was answered, at most {@link answerBytesMax}. */
  readonly answer: Buffer
  /** Whether the other side ended the connection before we did. */
  readonly closedByPeer: boolean
  readonly ms: number
}

export interface Place {
  /** A TCP port of the machine, or the path of a Unix socket. */
  readonly at: { readonly port: number } | { readonly path: string }
  /** Our own address; default: the system's choice. */
  readonly from?: string | undefined
  /** TLS first, for this protocol (ALPN); what the steps send goes inside. */
  readonly inside?: Inside | undefined
}

export type Inside = 'h2' | 'http/1.1'

const answerBytesMax = 1024 * 1024
const connectMs = 5_000

/**
 * Carries out the steps one after the other and then ends the connection. What the peer does to us is not an error: a
 * connection that is refused or reset gives an outcome too.
 */
export async function carryOut(place: Place, steps: readonly Step[]): Promise<Outcome> {
  const startedAt = performance.now()
  const wire = open(place)
  const line = place.inside === undefined ? new Line(wire, wire, 'port' in place.at) : secured(wire, place.inside)
  await Promise.race([line.connected, line.over, timeOut(connectMs)])
  for (const step of steps) {
    if (line.isOver) break
    if (step === 'reset') line.reset()
    else if (step === 'half-close') line.endOurs()
    else if ('send' in step) await line.send(step.send)
    else if ('drip' in step) await line.drip(step.drip, step.everyMs)
    else await Promise.race([step.until === 'closed' ? line.over : line.answered, timeOut(step.ms)])
  }
  const ms = performance.now() - startedAt
  line.leave()
  return { answer: line.answer, closedByPeer: line.endedByPeer, ms }
}

function open({ at, from }: Place): Socket {
  return 'path' in at
    ? connect({ path: at.path, allowHalfOpen: true })
    : connect({ host: '127.0.0.1', port: at.port, allowHalfOpen: true, ...(from ? { localAddress: from } : {}) })
}

/** Whose certificate it is doesn't matter to an attacker. */
function secured(wire: Socket, inside: Inside): Line {
  wire.on('error', () => undefined)
  const socket = connectTls({ socket: wire, ALPNProtocols: [inside], rejectUnauthorized: false })
  return new Line(socket, wire, true, 'secureConnect')
}

const timeOut = (ms: number): Promise<unknown> => delay(ms, undefined, { ref: false })

class Line {
  readonly #socket: Socket
  /** What is below TLS; the same without. */
  readonly #wire: Socket
  readonly #isTcp: boolean
  readonly #chunks: Buffer[] = []
  readonly #over = Promise.withResolvers<void>()
  readonly #answered = Promise.withResolvers<void>()
  readonly connected: Promise<void>
  #bytes = 0
  #left = false
  isOver = false
  endedByPeer = false

  constructor(socket: Socket, wire: Socket, isTcp: boolean, ready = 'connect') {
    this.#socket = socket
    this.#wire = wire
    this.#isTcp = isTcp
    this.connected = new Promise((resolve) => socket.once(ready, () => resolve()))
    socket.on('error', () => this.#end())
    socket.on('end', () => this.#end())
    socket.on('close', () => this.#end())
    socket.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length
      if (this.#bytes <= answerBytesMax) this.#chunks.push(chunk)
      this.#answered.resolve()
    })
  }

  get over(): Promise<void> {
    return this.#over.promise
  }
  /** Also when the connection is over without an answer. */
  get answered(): Promise<void> {
    return this.#answered.promise
  }
  get answer(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** Waits until the bytes have left, or the peer has. */
  async send(bytes: string | Buffer): Promise<void> {
    const text = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    await Promise.race([
      new Promise<void>((resolve) => this.#socket.write(text, () => resolve())),
      this.over,
      timeOut(2_000),
    ])
  }

  async drip(text: string, everyMs: number): Promise<void> {
    for (const byte of text) {
      if (this.isOver) return
      this.#socket.write(byte, 'latin1')
      await Promise.race([this.over, timeOut(everyMs)])
    }
  }

  reset(): void {
    this.#left = true
    // A Unix socket knows no RST; what it has not read yet is reset all the same (unix(7)).
    if (this.#isTcp) this.#wire.resetAndDestroy()
    this.#socket.destroy()
  }

  endOurs(): void {
    this.#socket.end()
  }

  leave(): void {
    this.#left = true
    this.#socket.destroy()
  }

  #end(): void {
    if (!this.isOver && !this.#left) this.endedByPeer = true
    this.isOver = true
    this.#over.resolve()
    this.#answered.resolve()
  }
}
