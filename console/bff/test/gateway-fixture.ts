/** A gateway that says what the real one says; the real one is behind the console in test/browser.test.ts. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { NotificationFrame } from '../../protocol.ts'
import { recorded } from '../../test/recorded.ts'

/** May read every order, as support does. */
export const reader = { email: 'reader@svyaz.test', password: 'secret-reader' }
export const strangersOrder = '01a1fe8e-0000-71b3-91e4-3277ba2aac06'

/** Registers, signs in and answers like the real one, for one recorded order. */
export async function startGateway(): Promise<Gateway> {
  const gateway = new Gateway()
  await gateway.listen()
  return gateway
}

interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
}

type Answer = readonly [status: number, body: unknown]

export class Gateway implements AsyncDisposable {
  readonly seen: Seen[] = []
  /** Accounts by e-mail. */
  readonly accounts = new Map<string, string>([[reader.email, reader.password]])
  readonly #tokens = new Set<string>()
  readonly #readers = new Set<string>()
  readonly #sockets = new WebSocketServer({ noServer: true })
  readonly #server = createServer((message, response) => this.#answer(message, response))
  #count = 0

  constructor() {
    this.#server.on('upgrade', (message, socket, head) => this.#upgrade(message, socket, head))
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  /** From now on every token given so far is no good. */
  expire(): void {
    this.#tokens.clear()
    for (const socket of this.#sockets.clients) socket.close(4401)
  }

  notify(data: NotificationFrame): void {
    for (const socket of this.#sockets.clients) socket.send(JSON.stringify({ type: 'notification', data }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const [method, path] = [message.method ?? '', message.url ?? '']
    this.seen.push({ method, path, headers: message.headers })
    let text = ''
    for await (const chunk of message) text += chunk
    const body = text === '' ? {} : JSON.parse(text)
    const [status, value] = this.#anybody(path, body) ?? this.#signedIn(method, path, body, bearer(message))
    response
      .writeHead(status, { 'content-type': 'application/json', ratelimit: '"user";r=90;t=60' })
      .end(JSON.stringify(value))
  }

  #anybody(path: string, body: Record<string, string>): Answer | undefined {
    const { email = '', password = '' } = body
    if (path === '/users') {
      this.accounts.set(email, password)
      return [201, { id: email }]
    }
    if (path.startsWith('/products')) return [200, []]
    if (path !== '/auth/login') return undefined
    if (this.accounts.get(email) !== password) return [401, { code: 'invalid_credentials' }]
    const accessToken = `secret-token-${++this.#count}`
    this.#tokens.add(accessToken)
    if (email === reader.email) this.#readers.add(accessToken)
    return [200, { accessToken, refreshToken: 'secret-refresh', tokenType: 'Bearer', expiresIn: 60, userId: email }]
  }

  #signedIn(method: string, path: string, body: { items?: unknown }, token: string): Answer {
    if (!this.#tokens.has(token)) return [401, { code: 'unauthenticated' }]
    if (path === '/orders' && method === 'POST')
      return body.items === undefined ? [400, { code: 'invalid_request', detail: 'items' }] : [201, recorded.order]
    if (path.endsWith('/story')) return [200, recorded.story]
    if (path !== `/orders/${strangersOrder}`) return [200, []]
    return this.#readers.has(token) ? [200, { ...recorded.order, id: strangersOrder }] : [404, { code: 'not_found' }]
  }

  #upgrade(message: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!this.#tokens.has(bearer(message)))
      return void socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n')
    this.seen.push({ method: 'UPGRADE', path: message.url ?? '', headers: message.headers })
    this.#sockets.handleUpgrade(message, socket, head, (page) =>
      page.send(JSON.stringify({ type: 'hello', userId: 'x', cursor: 0, instance: 'n-1' })),
    )
  }
}

const bearer = (message: IncomingMessage): string => message.headers.authorization?.replace('Bearer ', '') ?? ''
