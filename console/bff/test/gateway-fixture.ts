/** A gateway that says what the real one says; the real one is behind the console in test/browser.test.ts. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import type { NotificationFrame } from '../../protocol.ts'
import { recorded } from '../../test/recorded.ts'

export interface Gateway extends AsyncDisposable {
  readonly url: string
  readonly seen: { readonly method: string; readonly path: string; readonly headers: IncomingMessage['headers'] }[]
  /** Accounts by e-mail. */
  readonly accounts: Map<string, string>
  /** From now on every token given so far is no good. */
  expire(): void
  notify(frame: NotificationFrame): void
}

/** May read every order, as support does. */
export const reader = { email: 'reader@svyaz.test', password: 'secret-reader' }
export const strangersOrder = '01a1fe8e-0000-71b3-91e4-3277ba2aac06'

/** Registers, signs in and answers like the real one, for one recorded order. */
export async function startGateway(): Promise<Gateway> {
  const seen: Gateway['seen'] = []
  const accounts = new Map<string, string>([[reader.email, reader.password]])
  const tokens = new Set<string>()
  const readers = new Set<string>()
  const sockets = new WebSocketServer({ noServer: true })
  let count = 0
  const bearer = (message: IncomingMessage) => message.headers.authorization?.replace('Bearer ', '') ?? ''
  const server: Server = createServer(async (message, response) => {
    const path = message.url ?? ''
    seen.push({ method: message.method ?? '', path, headers: message.headers })
    let text = ''
    for await (const chunk of message) text += chunk
    const body = text === '' ? {} : JSON.parse(text)
    const say = (status: number, value: unknown) =>
      response
        .writeHead(status, { 'content-type': 'application/json', ratelimit: '"user";r=90;t=60' })
        .end(JSON.stringify(value))
    if (path === '/users') {
      accounts.set(body.email, body.password)
      return say(201, { id: body.email })
    }
    if (path === '/auth/login') {
      if (accounts.get(body.email) !== body.password) return say(401, { code: 'invalid_credentials' })
      const accessToken = `secret-token-${++count}`
      tokens.add(accessToken)
      if (body.email === reader.email) readers.add(accessToken)
      return say(200, {
        accessToken,
        refreshToken: 'secret-refresh',
        tokenType: 'Bearer',
        expiresIn: 60,
        userId: body.email,
      })
    }
    if (path.startsWith('/products')) return say(200, [])
    if (!tokens.has(bearer(message))) return say(401, { code: 'unauthenticated' })
    if (path === '/orders' && message.method === 'POST')
      return body.items === undefined
        ? say(400, { code: 'invalid_request', detail: 'items' })
        : say(201, recorded.order)
    if (path.endsWith('/story')) return say(200, recorded.story)
    if (path === `/orders/${strangersOrder}`)
      return readers.has(bearer(message))
        ? say(200, { ...recorded.order, id: strangersOrder })
        : say(404, { code: 'not_found' })
    return say(200, [])
  })
  server.on('upgrade', (message, socket, head) => {
    if (!tokens.has(bearer(message))) return void socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n')
    seen.push({ method: 'UPGRADE', path: message.url ?? '', headers: message.headers })
    sockets.handleUpgrade(message, socket, head, (page) =>
      page.send(JSON.stringify({ type: 'hello', userId: 'x', cursor: 0, instance: 'n-1' })),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    accounts,
    expire() {
      tokens.clear()
      for (const socket of sockets.clients) socket.close(4401)
    },
    notify(data) {
      for (const socket of sockets.clients) socket.send(JSON.stringify({ type: 'notification', data }))
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
