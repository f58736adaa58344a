/**
 * One connection of each protocol to the gateway, and the same question over it. Loaded when a race begins. Bytes are
 * counted within TLS, where a socket of Node counts them.
 */
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import type { Socket } from 'node:net'
import WebSocket from 'ws'
import type { RaceLane, RaceQuestion } from '../../race.ts'
import { grpcMethod } from './grpc-methods.ts'
import { fieldsOf, framed, framesOf, grpcWebHeaders, statusOf } from './grpc-web.ts'
import { limits } from './limits.ts'

export interface Traffic {
  readonly up: number
  readonly down: number
}

export interface Connection {
  /** Asks once. @returns whether the gateway had the answer in its memory. @throws when it isn't the answer */
  ask(): Promise<{ readonly kept: boolean }>
  /** Since it was opened. */
  traffic(): Traffic
  close(): void
}

export interface Course {
  readonly question: RaceQuestion
  readonly id: string
  /** http://host:port */
  readonly gateway: string
  /** Where the gateway speaks TLS, and by what it is trusted. */
  readonly tls: { readonly port: number; readonly authority: Buffer } | undefined
  /** Empty, or the token of whoever asks. */
  readonly headers: Readonly<Record<string, string>>
}

/** Opens a connection of that lane. @throws whatever keeps it from being opened */
export function openLane(lane: RaceLane, course: Course): Promise<Connection> {
  if (lane === 'rest-1' || lane === 'rest-1-tls') return http1(course, lane === 'rest-1-tls', restRequest(course))
  if (lane === 'graphql') return http1(course, false, graphRequest(course))
  if (lane === 'grpc-web') return http1(course, false, grpcRequest(course))
  if (lane === 'rest-2') return http2(course, restRequest(course))
  if (lane === 'grpc') return http2(course, grpcRequest(course), true)
  if (lane === 'socket') return socket(course)
  throw new Error('there is no client for it')
}

interface Prepared {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** @throws when it isn't the answer */
  check(body: Buffer, fields: Readonly<Record<string, unknown>>): Promise<void> | void
}

const restRequest = ({ question, id }: Course): Prepared => ({
  method: 'GET',
  path: `/${question}s/${encodeURIComponent(id)}`,
  headers: {},
  check: () => undefined,
})

/** The fields that REST answers with. */
const documents: Readonly<Record<RaceQuestion, string>> = {
  order:
    'query($id:ID!){order(id:$id){id status items{quantity name unitPrice{amountMinor currency}} total{amountMinor currency} paymentMode paymentMethod deliveryMethod reason version createdAt updatedAt}}',
  product: 'query($id:ID!){product(id:$id){id name category description price{amountMinor currency} available}}',
}
const graphQuestion = ({ question, id }: Course) => ({ query: documents[question], variables: { id } })

const graphRequest = (course: Course): Prepared => ({
  method: 'POST',
  path: '/graphql',
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(graphQuestion(course))),
  check: (body) => checkGraph(JSON.parse(body.toString('utf8')), course.question),
})

function checkGraph(
  result: { readonly data?: Readonly<Record<string, unknown>> | null },
  question: RaceQuestion,
): void {
  if (result.data?.[question] == null) throw new Error('the graph has no such thing')
}

function grpcRequest({ question, id }: Course): Prepared {
  const [name, message] =
    question === 'order'
      ? ['svyaz.orders.v1.OrderService/GetOrder', { id }]
      : ['svyaz.inventory.v1.InventoryService/CheckAvailability', { lines: [{ productId: id, quantity: 1 }] }]
  const method = grpcMethod(name)
  if (method === undefined) throw new Error(`${name} isn't open`)
  const check = async (body: Buffer, fields: Readonly<Record<string, unknown>>) => {
    let status = statusOf(fields as Record<string, string>)
    const whole = async function* () {
      yield body
    }
    for await (const { trailers, payload } of framesOf(whole())) {
      if (trailers) status = statusOf(fieldsOf(payload))
      else method.decode(payload)
    }
    if (status?.code !== 0) throw new Error(`gRPC ${status?.code}: ${status?.message}`)
  }
  return { method: 'POST', path: `/${name}`, headers: grpcWebHeaders, body: framed(method.encode(message)), check }
}

const isKept = (cacheStatus: unknown): boolean => String(cacheStatus ?? '').includes('hit')

async function http1(course: Course, tls: boolean, prepared: Prepared): Promise<Connection> {
  const { gateway, headers } = course
  if (tls && course.tls === undefined) throw new Error('there is no port with TLS')
  const agent = tls
    ? new TlsAgent({ keepAlive: true, maxSockets: 1, ca: course.tls?.authority, servername: 'localhost' })
    : new Agent({ keepAlive: true, maxSockets: 1 })
  const to = new URL(gateway)
  const address = { host: to.hostname, port: tls ? course.tls?.port : to.port, agent }
  let line: Socket | undefined
  const send = async ({ method, path, headers: own, body }: Omit<Prepared, 'check'>) => {
    const sent = (tls ? tlsRequest : httpRequest)({
      ...address,
      method,
      path,
      headers: { ...headers, ...own, ...(body && { 'content-length': body.length }) },
      signal: AbortSignal.timeout(limits.raceCallMs),
    })
    sent.end(body)
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    line = response.socket
    const whole = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>))
    return { response, whole }
  }
  // Opens the connection.
  await send({ method: 'HEAD', path: '/health/live', headers: {} })
  const before = { up: line?.bytesWritten ?? 0, down: line?.bytesRead ?? 0 }
  return {
    ask: async () => {
      const { response, whole } = await send(prepared)
      if (response.statusCode !== 200) throw new Error(`the gateway answered ${response.statusCode}`)
      await prepared.check(whole, response.headers)
      return { kept: isKept(response.headers['cache-status']) }
    },
    traffic: () => ({
      up: (line?.bytesWritten ?? 0) - before.up,
      down: (line?.bytesRead ?? 0) - before.down,
    }),
    close: () => agent.destroy(),
  }
}

/** @param native gRPC itself, whose status comes in trailers */
async function http2(course: Course, prepared: Prepared, native = false): Promise<Connection> {
  if (course.tls === undefined) throw new Error('there is no port with TLS')
  const { port, authority } = course.tls
  const session = connectHttp2(`https://localhost:${port}`, { ca: authority, host: new URL(course.gateway).hostname })
  session.setTimeout(limits.raceMs, () => session.destroy())
  // Whoever waits for an answer hears of it as well.
  session.on('error', () => undefined)
  await once(session, 'connect', { signal: AbortSignal.timeout(limits.raceCallMs) })
  const own = native ? { 'content-type': 'application/grpc+proto', te: 'trailers' } : prepared.headers
  const before = trafficOf(session)
  return {
    ask: async () => {
      const stream = session.request(
        { ':method': prepared.method, ':path': prepared.path, ...course.headers, ...own },
        { signal: AbortSignal.timeout(limits.raceCallMs) },
      )
      let trailers: Readonly<Record<string, unknown>> = {}
      stream.on('trailers', (fields) => {
        trailers = fields
      })
      stream.end(prepared.body)
      const [fields] = (await once(stream, 'response')) as [Record<string, unknown>]
      const whole = Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>))
      if (fields[':status'] !== 200) throw new Error(`the gateway answered ${fields[':status']}`)
      await prepared.check(whole, { ...fields, ...trailers })
      return { kept: isKept(fields['cache-status']) }
    },
    traffic: () => {
      const now = trafficOf(session)
      return { up: now.up - before.up, down: now.down - before.down }
    },
    close: () => session.destroy(),
  }
}

const trafficOf = ({ socket: line }: ClientHttp2Session): Traffic => ({ up: line.bytesWritten, down: line.bytesRead })

/** Questions to the graph over one WebSocket (graphql-transport-ws). */
async function socket(course: Course): Promise<Connection> {
  const line = new WebSocket(`${course.gateway.replace(/^http/, 'ws')}/graphql`, 'graphql-transport-ws', {
    headers: course.headers,
    handshakeTimeout: limits.raceCallMs,
    maxPayload: 256 * 1024,
    perMessageDeflate: false,
  })
  let raw: Socket | undefined
  line.once('upgrade', (response) => {
    raw = response.socket
  })
  const signal = () => AbortSignal.timeout(limits.raceCallMs)
  const heard = async () => {
    const [data] = await once(line, 'message', { signal: signal() })
    return JSON.parse(String(data)) as { type: string; payload?: { data?: Record<string, unknown> } }
  }
  await once(line, 'open', { signal: signal() })
  line.send(JSON.stringify({ type: 'connection_init' }))
  const hello = await heard()
  if (hello.type !== 'connection_ack') throw new Error(`the socket began with ${hello.type}`)
  line.on('error', () => undefined)
  const before = { up: raw?.bytesWritten ?? 0, down: raw?.bytesRead ?? 0 }
  let count = 0
  return {
    ask: async () => {
      const id = String(++count)
      // Both frames may come in one piece, so their listeners are there before.
      const messages = frames(line, id)
      line.send(JSON.stringify({ id, type: 'subscribe', payload: graphQuestion(course) }))
      checkGraph((await messages) as { data?: Record<string, unknown> }, course.question)
      return { kept: false }
    },
    traffic: () => ({ up: (raw?.bytesWritten ?? 0) - before.up, down: (raw?.bytesRead ?? 0) - before.down }),
    close: () => line.terminate(),
  }
}

/** The answer with that id, when it is complete. */
function frames(line: WebSocket, id: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let payload: unknown
    const done = (act: () => void) => {
      clearTimeout(timer)
      line.off('message', hear)
      line.off('close', closed)
      act()
    }
    const hear = (data: WebSocket.RawData) => {
      const message = JSON.parse(String(data)) as { id?: string; type: string; payload?: unknown }
      if (message.id !== id) return
      if (message.type === 'next') payload = message.payload
      if (message.type === 'complete') done(() => resolve(payload))
      if (message.type === 'error') done(() => reject(new Error(JSON.stringify(message.payload))))
    }
    const closed = () => done(() => reject(new Error('the socket was closed')))
    const timer = setTimeout(() => done(() => reject(new Error('no answer in time'))), limits.raceCallMs)
    line.on('message', hear)
    line.once('close', closed)
  })
}
