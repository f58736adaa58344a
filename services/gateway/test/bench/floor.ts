/**
 * What passing a request on can cost at least with Node, with nothing around it: `floor.ts sockets|server|client BEHIND`;
 * sends its port. `sockets` has a head parser of a few lines on both sides, `server` node:http towards the client. Neither
 * checks anything: no proxy may be like this. `client` is node:http and the gateway's own client, which checks answers.
 */
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Fields } from '../../src/headers.ts'

const [mode, behind = '0'] = process.argv.slice(2)
const hop: ReadonlySet<string> = new Set(['host', 'connection', 'keep-alive'])

/** Fields of a head, flat, without those of the hop; and the length of the body. */
function fieldsOf(text: string): { fields: string[]; length: number } {
  const fields: string[] = []
  let length = 0
  for (let at = text.indexOf('\r\n') + 2; at < text.length; ) {
    const end = text.indexOf('\r\n', at)
    const colon = text.indexOf(':', at)
    const name = text.slice(at, colon).toLowerCase()
    const value = text.slice(colon + 1, end).trim()
    if (name === 'content-length') length = Number(value)
    if (!hop.has(name)) fields.push(name, value)
    at = end + 2
  }
  return { fields, length }
}

function headOf(line: string, fields: readonly string[]): string {
  let head = `${line}\r\n`
  for (let at = 0; at < fields.length; at += 2) head += `${fields[at]}: ${fields[at + 1]}\r\n`
  return `${head}\r\n`
}

type Answered = (status: string, fields: string[], body: string) => void
const free: Upstream[] = []

/** A kept connection; an answer is gathered. */
class Upstream {
  readonly #socket: Socket
  #answered: Answered = () => undefined
  #head: { status: string; fields: string[]; length: number } | undefined
  #body = ''

  constructor() {
    this.#socket = connect({ host: '127.0.0.1', port: Number(behind), noDelay: true })
    this.#socket.on('data', (chunk) => this.#read(chunk))
  }

  ask(head: string, answered: Answered): void {
    this.#answered = answered
    this.#socket.write(head, 'latin1')
  }

  #read(chunk: Buffer): void {
    let from = 0
    if (this.#head === undefined) {
      const end = chunk.indexOf('\r\n\r\n')
      const text = chunk.toString('latin1', 0, end + 2)
      this.#head = { status: text.slice(9, 12), ...fieldsOf(text) }
      from = end + 4
    }
    this.#body += chunk.toString('latin1', from)
    const { status, fields, length } = this.#head
    if (this.#body.length < length) return
    const body = this.#body
    this.#head = undefined
    this.#body = ''
    free.push(this)
    this.#answered(status, fields, body)
  }
}

const ask = (line: string, fields: readonly string[], answered: Answered): void =>
  (free.pop() ?? new Upstream()).ask(headOf(line, ['host', 'orders', ...fields]), answered)

function onSockets(): Server {
  return createServer({ noDelay: true }, (client) => {
    client.on('error', () => undefined)
    client.on('data', (chunk) => {
      const text = chunk.toString('latin1', 0, chunk.indexOf('\r\n\r\n') + 2)
      const date = ['date', new Date().toUTCString()]
      ask(text.slice(0, text.indexOf('\r\n')), fieldsOf(text).fields, (status, fields, body) =>
        client.write(headOf(`HTTP/1.1 ${status} OK`, [...date, ...fields]) + body, 'latin1'),
      )
    })
  })
}

function onServer(): Server {
  const server = createHttpServer({ noDelay: true }, ({ method, url, rawHeaders }, response) => {
    const fields = rawHeaders.filter((_, at) => !hop.has(rawHeaders[at - (at % 2)]!.toLowerCase()))
    ask(`${method} ${url} HTTP/1.1`, fields, (status, answered, body) => {
      response.writeHead(Number(status), answered)
      // As a string it goes out in one write with the head; a Buffer would be a second one.
      response.end(body, 'latin1')
    })
  })
  server.keepAliveTimeout = 120_000
  return server
}

async function onOwnClient(): Promise<Server> {
  const [{ Upstreams }, { ClientReceiver }, { appendAnswerHeaders, headersToForward }] = await Promise.all([
    import('../../src/upstream/upstreams.ts'),
    import('../../src/client-receiver.ts'),
    import('../../src/headers.ts'),
  ])
  const upstreams = new Upstreams(() => performance.now())
  const instance = { id: 'behind', host: '127.0.0.1', ports: { http: Number(behind) } }
  const server = createHttpServer({ noDelay: true }, ({ method = '', url = '', rawHeaders, headers }, response) => {
    const gone = new AbortController()
    response.once('close', () => {
      if (!response.writableFinished) gone.abort()
    })
    const head = (status: number, fields: Fields) => {
      const into: string[] = []
      appendAnswerHeaders(into, fields)
      response.writeHead(status, into)
    }
    const fields = headersToForward(rawHeaders, headers.connection)
    upstreams
      .send(
        instance,
        { method, path: url, headers: fields, body: { kind: 'none' } },
        new ClientReceiver(response),
        { head, over: () => undefined },
        { timeoutMs: 10_000, signal: gone.signal },
      )
      .catch(() => response.destroy())
  })
  server.keepAliveTimeout = 120_000
  return server
}

const server = mode === 'sockets' ? onSockets() : mode === 'client' ? await onOwnClient() : onServer()
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
