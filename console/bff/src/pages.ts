/** The open pages: each gets everything at first and every change from then on, by one WebSocket. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { addressKey, endWith, Places, rawAnswer, writeProblem } from '@svyaz/listener'
import { WebSocketServer } from 'ws'
import type { LiveMessage, PageMessage } from '../../protocol.ts'
import { limits } from './limits.ts'

export interface Pages {
  readonly size: number
  /** The orders that open pages look at. */
  watched(orderId: string): boolean
  /** Whether any looks at the relay loop. */
  watchesRelay(): boolean
  /** Takes over a request that is meant for the console. */
  join(request: IncomingMessage, socket: Duplex, head: Buffer): void
  say(message: LiveMessage): void
  /** Says goodbye to all (1001: they come back). */
  close(): void
}

/** Every open page: a snapshot when it joins, then whatever is said to all of them. */
export function createPages(parts: {
  snapshot(): LiveMessage
  watch(orderId: string): void
  watchRelay(): void
}): Pages {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.pageMessageBytesMax,
    perMessageDeflate: false,
    clientTracking: true,
  })
  const places = new Places(limits.pagesMax, limits.pagesPerAddressMax)
  const silent = new WeakSet<object>()
  const watching = new WeakMap<object, string>()
  const watchingRelay = new WeakSet<object>()
  const pings = setInterval(() => {
    for (const page of server.clients) {
      if (silent.has(page)) page.terminate()
      else {
        silent.add(page)
        page.ping()
      }
    }
  }, limits.pingEveryMs)
  pings.unref()

  server.on('connection', (page) => {
    page.on('pong', () => silent.delete(page))
    page.on('error', () => page.terminate())
    page.on('message', (data) => {
      silent.delete(page)
      const message = pageMessage(String(data))
      if (message === undefined) page.close(1008, 'not a message of the console')
      else if (message.type === 'watch-relay') {
        if (!message.watch) return void watchingRelay.delete(page)
        watchingRelay.add(page)
        parts.watchRelay()
      } else {
        watching.set(page, message.orderId)
        parts.watch(message.orderId)
      }
    })
    page.send(JSON.stringify(parts.snapshot()))
  })

  return {
    get size() {
      return server.clients.size
    },
    watched: (orderId) => [...server.clients].some((page) => watching.get(page) === orderId),
    watchesRelay: () => [...server.clients].some((page) => watchingRelay.has(page)),
    join(request, socket, head) {
      const release = places.take(addressKey(request.socket.remoteAddress ?? ''))
      if (typeof release === 'string') {
        const status = release === 'all' ? 503 : 429
        const [code, detail] = ['overloaded', 'too many pages are open; close one']
        return endWith(socket, rawAnswer(status, code, writeProblem({ status, code, detail })))
      }
      socket.once('close', release)
      server.handleUpgrade(request, socket, head, (page) => server.emit('connection', page, request))
    },
    say(message) {
      if (server.clients.size === 0) return
      const text = JSON.stringify(message)
      for (const page of server.clients) {
        if (message.type === 'relay' && !watchingRelay.has(page)) continue
        if (page.bufferedAmount > limits.pageBufferedBytesMax) page.terminate()
        else if (page.readyState === page.OPEN) page.send(text)
      }
    },
    close() {
      clearInterval(pings)
      for (const page of server.clients) page.close(1001, 'the console is going away')
      server.close()
    },
  }
}

function pageMessage(text: string): PageMessage | undefined {
  try {
    const { type, orderId, watch } = JSON.parse(text) as Readonly<Record<string, unknown>>
    if (type === 'watch' && typeof orderId === 'string' && orderId.length <= 64) return { type, orderId }
    return type === 'watch-relay' && typeof watch === 'boolean' ? { type, watch } : undefined
  } catch {
    return undefined
  }
}
