/** MC2's listener: one WebSocket path for MC1. Each frame is stamped, collected, produced. */
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { relayLimits } from '@svyaz/contracts/events/relay.ts'
import { relayFrameBytesMax, relayPath } from '@svyaz/contracts/socket/relay.ts'
import {
  type Context,
  Failure,
  type OpenSpan,
  type OutgoingRecord,
  type OwnServer,
  problemHeaders,
  toFailure,
} from '@svyaz/kit'
import { createHttpListener, endWith, faults, isForeignHost, rawAnswer } from '@svyaz/listener'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Collector, createCollector } from './collector.ts'
import { limits } from './config.ts'
import { readFrame, toRecord } from './produce.ts'

interface Item {
  record: OutgoingRecord
  span: OpenSpan
}

/** RFC 6455, section 7.4.1. */
const closeStatus = { goingAway: 1001, invalidPayload: 1007, tooMuch: 1008, internalError: 1011, tryLater: 1013 }

/** The WebSocket at which MC1 hands its messages over. */
export const relaySocket = (context: Context<unknown>): OwnServer => ({
  portName: 'http',
  async listen({ host, port }) {
    const listener = new RelayListener(context)
    await listener.open(host, port)
    return listener
  },
})

class RelayListener implements AsyncDisposable {
  readonly #context: Context<unknown>
  readonly #server: ReturnType<typeof createHttpListener>
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    maxPayload: relayFrameBytesMax,
    perMessageDeflate: false,
  })
  readonly #collector: Collector<Item>
  #unproduced = 0

  constructor(context: Context<unknown>) {
    this.#context = context
    this.#server = createHttpListener({
      hosts: { names: context.allowedHosts },
      answer: (_request, response) => {
        response.writeHead(426, { upgrade: 'websocket', connection: 'upgrade' }).end()
      },
      refused: (fault, cause) => context.log.warn({ ...fault, err: cause }, 'a connection was refused'),
    })
    this.#server.on('upgrade', (request, stream, head) => {
      admit(context, request).then(
        () => this.#webSockets.handleUpgrade(request, stream, head, (socket) => this.#serve(socket)),
        (error: unknown) => refuse(context, stream, toFailure(error)),
      )
    })
    this.#collector = createCollector<Item>({
      itemsMax: relayLimits.messagesTogetherMax * 4,
      send: (items) => this.#produce(items),
      failed: (items, error) => this.#notProduced(items, error),
    })
    context.metrics
      .gauge('svyaz_relay_waiting', 'Messages received and not yet produced')
      .collect(() => this.#unproduced)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  open(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, resolve)
    })
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#server.close()
    for (const socket of this.#webSockets.clients) socket.close(closeStatus.goingAway, 'going away')
    await Promise.race([this.#collector.idle(), this.#context.clock.delay(deadlineMs)])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#webSockets.clients) socket.terminate()
    this.#server.closeAllConnections()
  }

  #serve(socket: WebSocket): void {
    // MC1 holds one socket: with a new one it sends everything again, so what an old one left waiting is surplus.
    for (const other of this.#webSockets.clients) if (other !== socket) other.terminate()
    const surplus = this.#collector.drop()
    this.#unproduced -= surplus.length
    for (const { span } of surplus) span.end('dropped: it comes again on a new socket')
    socket.on('message', (bytes: Buffer) => this.#take(socket, bytes.toString()))
    socket.on('error', (error) => this.#context.log.info({ err: error }, 'the socket of MC1 broke'))
  }

  #take(socket: WebSocket, text: string): void {
    const { clock, log, tracer } = this.#context
    const received = readFrame(text)
    if ('broken' in received) {
      log.error({ reason: received.broken }, 'a frame breaks its contract')
      return socket.close(closeStatus.invalidPayload, 'a frame breaks its contract')
    }
    if (this.#collector.waiting >= limits.waitingMax) return socket.close(closeStatus.tryLater, 'too much waits here')
    const { message } = received
    const span = tracer.open('receive from MC1', {
      kind: 'consumer',
      parent: received.traceparent,
      attributes: {
        'messaging.system': 'websocket',
        'messaging.operation.type': 'receive',
        'svyaz.relay.id': message.id,
        'svyaz.relay.session_id': message.session_id,
      },
    })
    this.#unproduced += 1
    this.#collector.add({ span, record: toRecord(received, clock.micros(), span.traceparent) })
  }

  async #produce(items: readonly Item[]): Promise<void> {
    await this.#context.records.send(items.map((item) => item.record))
    this.#unproduced -= items.length
    for (const { span } of items) span.end()
  }

  #notProduced(items: readonly Item[], error: unknown): void {
    this.#unproduced -= items.length
    for (const { span } of items) span.end(String(error))
    this.#context.log.error({ err: error, messages: items.length }, 'could not produce: MC1 is to send again')
    for (const socket of this.#webSockets.clients) socket.close(closeStatus.internalError, 'could not produce')
  }
}

/** Only MC1, by its own token, and no browser. @throws Failure */
const admit = async (context: Context<unknown>, request: IncomingMessage): Promise<void> => {
  if (isForeignHost(request.headers.host, request.socket.localAddress, { names: context.allowedHosts }))
    throw new Failure('forbidden', faults.host.detail)
  if (request.url !== relayPath) throw new Failure('not_found', 'there is nothing at this path')
  if (request.headers.origin !== undefined) throw new Failure('forbidden', 'not for browsers')
  const caller = await context.verify(request.headers.authorization)
  if (caller.kind !== 'service' || caller.service !== 'mc1') throw new Failure('forbidden', 'only MC1 may')
}

const refuse = (context: Context<unknown>, stream: Duplex, failure: Failure) => {
  context.log.warn({ code: failure.code, detail: failure.detail }, 'socket refused')
  endWith(stream, rawAnswer(failure.status, failure.code, { headers: problemHeaders(failure), body: '' }))
}
