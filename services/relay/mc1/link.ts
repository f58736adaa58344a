/** The WebSocket to MC2: opened again whenever it is gone. What was sent and lost is for the caller to send again. */
import { relayPath } from '@svyaz/contracts/socket/relay.ts'
import type { Context, Worker } from '@svyaz/kit'
import { WebSocket } from 'ws'
import { limits } from './config.ts'

export interface Link extends Worker {
  readonly open: boolean
  /** Writes frames at once, as one piece as far as the network goes. False when there is no socket. */
  send(frames: readonly string[]): boolean
}

/** `onOpen` is called with each new socket, before anything else is sent on it. */
export const createLink = (context: Context<unknown>, onOpen: () => void): Link => {
  const { clock, discovery, log, random, signer } = context
  let current: WebSocket | undefined

  const connect = async (): Promise<WebSocket> => {
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

  /** Resolves when the socket is gone. */
  const hold = async (socket: WebSocket, signal: AbortSignal): Promise<void> => {
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    let answered = true
    socket.on('pong', () => {
      answered = true
    })
    socket.on('error', (error) => log.info({ err: error }, 'the socket to MC2 broke'))
    const pinging = setInterval(() => {
      if (!answered) return socket.terminate()
      answered = false
      socket.ping()
    }, limits.pingEveryMs)
    const leave = () => socket.close(1001, 'going away')
    signal.addEventListener('abort', leave, { once: true })
    current = socket
    onOpen()
    await closed
    if (current === socket) current = undefined
    clearInterval(pinging)
    signal.removeEventListener('abort', leave)
  }

  return {
    name: 'link to MC2',
    get open() {
      return current?.readyState === WebSocket.OPEN
    },
    send(frames) {
      const socket = current
      if (socket?.readyState !== WebSocket.OPEN) return false
      // One write for a burst: a segment and a system call for each frame would be most of what a frame costs.
      const stream = (socket as unknown as { _socket?: { cork(): void; uncork(): void } })._socket
      stream?.cork()
      for (const frame of frames) socket.send(frame)
      stream?.uncork()
      return true
    },
    async run(signal) {
      for (let failures = 0; !signal.aborted; ) {
        try {
          const socket = await connect()
          failures = 0
          if (signal.aborted) return socket.terminate()
          await hold(socket, signal)
        } catch (error) {
          failures += 1
          if (failures === 1) log.warn({ reason: String(error) }, 'MC2 is not reachable for now')
        }
        const ceilingMs = Math.min(limits.reconnectMsMax, limits.reconnectMsMin * 2 ** Math.min(failures, 10))
        await clock.delay(ceilingMs / 2 + (random() * ceilingMs) / 2, signal).catch(() => undefined)
      }
    },
  }
}
