/** The open pages: each gets everything at first and every change from then on, by one WebSocket. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { addressKey, endWith, Places, rawAnswer, writeProblem } from '@svyaz/listener'
import { type WebSocket, WebSocketServer } from 'ws'
import { type LiveMessage, type PageMessage, type View, views } from '../../protocol.ts'
import { limits } from './limits.ts'

interface Parts {
  snapshot(): LiveMessage
  /** Somebody looks at this order from now on. */
  watch(orderId: string): void
  /** Somebody begins to look at what is told only to those who do. */
  look(at: View): void
}

interface Gaze {
  orderId?: string
  readonly at: Set<View>
  /** Said nothing since the last ping. */
  silent: boolean
}

/** Every open page: a snapshot when it joins, then whatever is said to all of them. */
export class Pages {
  readonly #parts: Parts
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.pageMessageBytesMax,
    perMessageDeflate: false,
    clientTracking: true,
  })
  readonly #places = new Places(limits.pagesMax, limits.pagesPerAddressMax)
  readonly #gazes = new Map<WebSocket, Gaze>()
  readonly #pings: NodeJS.Timeout

  constructor(parts: Parts) {
    this.#parts = parts
    this.#server.on('connection', (page) => this.#welcome(page))
    this.#pings = setInterval(() => this.#ping(), limits.pingEveryMs)
    this.#pings.unref()
  }

  get size(): number {
    return this.#server.clients.size
  }

  /** Whether an open page looks at this order. */
  watched(orderId: string): boolean {
    return [...this.#gazes.values()].some((gaze) => gaze.orderId === orderId)
  }

  /** Whether an open page looks at this. */
  looksAt(view: View): boolean {
    return [...this.#gazes.values()].some(({ at }) => at.has(view))
  }

  /** Takes over a request that is meant for the console. */
  join(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const release = this.#places.take(addressKey(request.socket.remoteAddress ?? ''))
    if (typeof release === 'string') {
      const status = release === 'all' ? 503 : 429
      const [code, detail] = ['overloaded', 'too many pages are open; close one']
      return endWith(socket, rawAnswer(status, code, writeProblem({ status, code, detail })))
    }
    socket.once('close', release)
    this.#server.handleUpgrade(request, socket, head, (page) => this.#server.emit('connection', page, request))
  }

  say(message: LiveMessage): void {
    if (this.size === 0) return
    const view = views.find((name) => name === message.type)
    const text = JSON.stringify(message)
    for (const [page, { at }] of this.#gazes) {
      if (view !== undefined && !at.has(view)) continue
      if (page.bufferedAmount > limits.pageBufferedBytesMax) page.terminate()
      else if (page.readyState === page.OPEN) page.send(text)
    }
  }

  /** Says goodbye to all (1001: they come back). */
  close(): void {
    clearInterval(this.#pings)
    for (const page of this.#gazes.keys()) page.close(1001, 'the console is going away')
    this.#server.close()
  }

  #welcome(page: WebSocket): void {
    const gaze: Gaze = { at: new Set(), silent: false }
    this.#gazes.set(page, gaze)
    page.on('close', () => this.#gazes.delete(page))
    page.on('error', () => page.terminate())
    page.on('pong', () => {
      gaze.silent = false
    })
    page.on('message', (data) => {
      gaze.silent = false
      const message = pageMessage(String(data))
      if (message === undefined) page.close(1008, 'not a message of the console')
      else this.#hear(gaze, message)
    })
    page.send(JSON.stringify(this.#parts.snapshot()))
  }

  #hear(gaze: Gaze, message: PageMessage): void {
    if (message.type === 'watch') {
      gaze.orderId = message.orderId
      this.#parts.watch(message.orderId)
    } else if (message.watch) {
      gaze.at.add(message.at)
      this.#parts.look(message.at)
    } else gaze.at.delete(message.at)
  }

  #ping(): void {
    for (const [page, gaze] of this.#gazes) {
      if (gaze.silent) page.terminate()
      else {
        gaze.silent = true
        page.ping()
      }
    }
  }
}

function pageMessage(text: string): PageMessage | undefined {
  try {
    const { type, orderId, at, watch } = JSON.parse(text) as Readonly<Record<string, unknown>>
    if (type === 'watch' && typeof orderId === 'string' && orderId.length <= 64) return { type, orderId }
    const view = views.find((name) => name === at)
    return type === 'look' && view !== undefined && typeof watch === 'boolean' ? { type, at: view, watch } : undefined
  } catch {
    return undefined
  }
}
