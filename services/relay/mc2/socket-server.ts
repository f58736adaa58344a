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
import { createCollector } from './collector.ts'
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
    const { log, tracer, clock } = context
    const server = createHttpListener({
      hosts: { names: context.allowedHosts },
      answer: (_request, response) => {
        response.writeHead(426, { upgrade: 'websocket', connection: 'upgrade' }).end()
      },
      refused: (fault, cause) => log.warn({ ...fault, err: cause }, 'a connection was refused'),
    })
    const webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: true,
      maxPayload: relayFrameBytesMax,
      perMessageDeflate: false,
    })
    let unproduced = 0
    const collector = createCollector<Item>({
      itemsMax: relayLimits.messagesTogetherMax * 4,
      async send(items) {
        await context.records.send(items.map((item) => item.record))
        unproduced -= items.length
        for (const { span } of items) span.end()
      },
      failed(items, error) {
        unproduced -= items.length
        for (const { span } of items) span.end(String(error))
        log.error({ err: error, messages: items.length }, 'could not produce: MC1 is to send again')
        for (const socket of webSockets.clients) socket.close(closeStatus.internalError, 'could not produce')
      },
    })

    context.metrics.gauge('svyaz_relay_waiting', 'Messages received and not yet produced').collect(() => unproduced)

    const take = (socket: WebSocket, text: string) => {
      const received = readFrame(text)
      if ('broken' in received) {
        log.error({ reason: received.broken }, 'a frame breaks its contract')
        return socket.close(closeStatus.invalidPayload, 'a frame breaks its contract')
      }
      if (collector.waiting >= limits.waitingMax) return socket.close(closeStatus.tryLater, 'too much waits here')
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
      unproduced += 1
      collector.add({ span, record: toRecord(received, clock.micros(), span.traceparent) })
    }

    const serve = (socket: WebSocket) => {
      // MC1 holds one socket: with a new one it sends everything again, so what an old one left waiting is surplus.
      for (const other of webSockets.clients) if (other !== socket) other.terminate()
      const surplus = collector.drop()
      unproduced -= surplus.length
      for (const { span } of surplus) span.end('dropped: it comes again on a new socket')
      socket.on('message', (bytes: Buffer) => take(socket, bytes.toString()))
      socket.on('error', (error) => log.info({ err: error }, 'the socket of MC1 broke'))
    }
    server.on('upgrade', (request, stream, head) => {
      admit(context, request).then(
        () => webSockets.handleUpgrade(request, stream, head, serve),
        (error: unknown) => refuse(context, stream, toFailure(error)),
      )
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, resolve)
    })
    return {
      port: (server.address() as AddressInfo).port,
      async drain(deadlineMs) {
        server.close()
        for (const socket of webSockets.clients) socket.close(closeStatus.goingAway, 'going away')
        await Promise.race([collector.idle(), clock.delay(deadlineMs)])
      },
      async [Symbol.asyncDispose]() {
        for (const socket of webSockets.clients) socket.terminate()
        server.closeAllConnections()
      },
    }
  },
})

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
