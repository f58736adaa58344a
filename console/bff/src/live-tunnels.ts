/** The telemetry's live frames, for pages: what a page wishes for is passed on, and what comes is passed back. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { addressKey, endWith, Places, rawAnswer, writeProblem } from '@svyaz/listener'
import { Problem } from '@svyaz/stage'
import WebSocket, { WebSocketServer } from 'ws'
import { limits } from './limits.ts'

/** The WebSockets `/api/telemetry/live`: each page has one to the telemetry's `/live` of its own. */
export class LiveTunnels {
  readonly #telemetry: string | undefined
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.pageMessageBytesMax,
    perMessageDeflate: false,
  })
  readonly #places = new Places(limits.pagesMax, limits.pagesPerAddressMax)

  /** @param telemetry http://host:port */
  constructor(telemetry: string | undefined) {
    this.#telemetry = telemetry
  }

  /** Takes over the handshake of a page. @throws Problem 503 where there is no telemetry */
  join(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const telemetry = this.#telemetry
    if (telemetry === undefined) throw new Problem(503, 'no_telemetry', 'this console was told of no telemetry')
    const release = this.#places.take(addressKey(request.socket.remoteAddress ?? ''))
    if (typeof release === 'string') {
      const status = release === 'all' ? 503 : 429
      const [code, detail] = ['overloaded', 'too many pages are open; close one']
      return endWith(socket, rawAnswer(status, code, writeProblem({ status, code, detail })))
    }
    socket.once('close', release)
    this.#server.handleUpgrade(request, socket, head, (page) => tunnel(page, telemetry))
  }

  close(): void {
    for (const page of this.#server.clients) page.close(1001, 'the console is going away')
    this.#server.close()
  }
}

/** Both ways until either ends. What a page wishes for before the other line is open waits: one wish replaces another. */
function tunnel(page: WebSocket, telemetry: string): void {
  const line = new WebSocket(`${telemetry.replace(/^http/, 'ws')}/live`, {
    handshakeTimeout: limits.callTimeoutMs,
    maxPayload: limits.answerBytesMax,
    perMessageDeflate: false,
  })
  let wish: string | undefined
  page.on('message', (data) => {
    wish = String(data)
    if (line.readyState === WebSocket.OPEN) line.send(wish)
  })
  line.on('open', () => {
    if (wish !== undefined) line.send(wish)
  })
  line.on('message', (data) => {
    // A page that doesn't read misses groups: the telemetry says how many lines it left out on its own side alone.
    if (page.bufferedAmount < limits.pageBufferedBytesMax && page.readyState === WebSocket.OPEN) page.send(String(data))
  })
  line.on('error', () => line.terminate())
  page.on('error', () => page.terminate())
  line.on('close', () => page.close(1013, 'the telemetry is away'))
  page.on('close', () => line.terminate())
}
