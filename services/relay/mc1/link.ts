/** The WebSocket to MC2: opened again whenever it is gone. What was sent and lost is for the caller to send again. */
import { relayPath } from '@svyaz/contracts/socket/relay.ts'
import type { Context, Worker } from '@svyaz/kit'
import { WebSocket } from 'ws'
import { backOffMs } from '../back-off.ts'
import { limits } from './config.ts'

const bounds = { minMs: limits.reconnectMsMin, maxMs: limits.reconnectMsMax }

/** Holds one socket to MC2 at a time. */
export class Link implements Worker {
  readonly name = 'link to MC2'
  readonly #context: Context<unknown>
  readonly #opened: () => void
  #socket: WebSocket | undefined

  /** @param opened is called with each new socket, before anything else is sent on it */
  constructor(context: Context<unknown>, opened: () => void) {
    this.#context = context
    this.#opened = opened
  }

  get open(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  /** Writes frames at once, as one piece as far as the network goes. False when there is no socket. */
  send(frames: readonly string[]): boolean {
    const socket = this.#socket
    if (socket?.readyState !== WebSocket.OPEN) return false
    // One write for a burst: a segment and a system call for each frame would be most of what a frame costs.
    const stream = (socket as unknown as { _socket?: { cork(): void; uncork(): void } })._socket
    stream?.cork()
    for (const frame of frames) socket.send(frame)
    stream?.uncork()
    return true
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, random } = this.#context
    for (let failures = 0; !signal.aborted; ) {
      try {
        const socket = await connect(this.#context)
        failures = 0
        if (signal.aborted) return socket.terminate()
        await this.#hold(socket, signal)
      } catch (error) {
        failures += 1
        if (failures === 1) log.warn({ reason: String(error) }, 'MC2 is not reachable for now')
      }
      await clock.delay(backOffMs(failures, bounds, random()), signal).catch(() => undefined)
    }
  }

  /** Resolves when the socket is gone. */
  async #hold(socket: WebSocket, signal: AbortSignal): Promise<void> {
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.on('error', (error) => this.#context.log.info({ err: error }, 'the socket to MC2 broke'))
    const pinging = keepAlive(socket)
    const leave = () => socket.close(1001, 'going away')
    signal.addEventListener('abort', leave, { once: true })
    if (signal.aborted) leave()
    this.#socket = socket
    this.#opened()
    await closed
    if (this.#socket === socket) this.#socket = undefined
    clearInterval(pinging)
    signal.removeEventListener('abort', leave)
  }
}

async function connect({ discovery, signer }: Context<unknown>): Promise<WebSocket> {
  const picked = discovery.pick('mc2')
  const port = picked?.instance.ports.http
  if (!picked || port === undefined) throw new Error('no instance of mc2 is known')
  const { host } = picked.instance
  const address = host.includes(':') ? `[${host}]` : host
  try {
    const socket = new WebSocket(`ws://${address}:${port}${relayPath}`, {
      perMessageDeflate: false,
      handshakeTimeout: limits.connectTimeoutMs,
      headers: { authorization: `Bearer ${await signer.serviceToken('mc2')}` },
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    picked.done('ok')
    return socket
  } catch (error) {
    picked.done('failed')
    throw error
  }
}

/** Pings now and then; a peer that has not answered the last ping is cut off. */
function keepAlive(socket: WebSocket): NodeJS.Timeout {
  let answered = true
  socket.on('pong', () => {
    answered = true
  })
  return setInterval(() => {
    if (!answered) return socket.terminate()
    answered = false
    socket.ping()
  }, limits.pingEveryMs)
}
