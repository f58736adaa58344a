/**
 * The graph over a WebSocket (contracts/socket/graphql.ts). The token is that of the handshake, which the gateway looks
 * after and ends the socket with: `connection_init` carries nothing that is read.
 */
import type { GraphQuestion, GraphqlResult } from '@svyaz/contracts/http/graphql.ts'
import {
  graphqlClientMessage,
  graphqlCloseCodes,
  graphqlSocketPath,
  graphqlSubprotocol,
} from '@svyaz/contracts/socket/graphql.ts'
import { type Caller, type Clock, Failure, type Socket, type SocketHandler, toFailure, withDeadline } from '@svyaz/kit'
import { limits } from './config.ts'
import type { Graph } from './graph.ts'
import type { Subscriptions } from './subscriptions.ts'

interface Parts {
  clock: Clock
  graph: () => Promise<Graph>
  subscriptions: Subscriptions
}

/** The endpoint that clients open through the gateway. */
export const socketEdge = (parts: Parts): SocketHandler => ({
  path: graphqlSocketPath,
  protocol: graphqlSubprotocol,
  open(socket, { caller, raw }) {
    const offered = raw.headers['sec-websocket-protocol'] ?? ''
    if (!offered.split(',').some((name) => name.trim() === graphqlSubprotocol))
      return socket.close(graphqlCloseCodes.notAcceptable, `the subprotocol is ${graphqlSubprotocol}`)
    new Conversation(parts, socket, caller)
  },
})

/** One socket: what it has asked and not been told the end of. */
class Conversation {
  readonly #parts: Parts
  readonly #socket: Socket
  readonly #caller: Caller
  readonly #asked = new Map<string, AbortController>()
  readonly #closed = new AbortController()
  #begun = false

  constructor(parts: Parts, socket: Socket, caller: Caller) {
    this.#parts = parts
    this.#socket = socket
    this.#caller = caller
    socket.onMessage((message) => this.#take(message))
    socket.onClose(() => this.#end())
    const { clock } = parts
    clock.delay(limits.connectionInitMs, this.#closed.signal).then(
      () => this.#begun || socket.close(graphqlCloseCodes.initTimeout, 'connection_init did not come'),
      () => undefined,
    )
  }

  #end(): void {
    this.#closed.abort()
    for (const stop of this.#asked.values()) stop.abort()
    this.#asked.clear()
  }

  #take(received: unknown): void {
    const { success, data: message } = graphqlClientMessage.safeParse(received)
    if (!success) return this.#socket.close(graphqlCloseCodes.badRequest, 'not a message of the protocol')
    switch (message.type) {
      case 'connection_init':
        if (this.#begun) return this.#socket.close(graphqlCloseCodes.tooManyInits, 'connection_init came twice')
        this.#begun = true
        return void this.#socket.send({ type: 'connection_ack' })
      case 'ping':
        return void this.#socket.send({ type: 'pong' })
      case 'subscribe':
        return this.#subscribe(message.id, message.payload)
      case 'complete':
        this.#asked.get(message.id)?.abort()
        this.#asked.delete(message.id)
    }
  }

  #subscribe(id: string, question: GraphQuestion): void {
    const { unauthorized, subscriberExists } = graphqlCloseCodes
    if (!this.#begun) return this.#socket.close(unauthorized, 'connection_init comes first')
    if (this.#asked.has(id)) return this.#socket.close(subscriberExists, `${id.slice(0, 40)} is being answered`)
    const stop = new AbortController()
    this.#asked.set(id, stop)
    // What is asked on a socket ends with it, not with the handshake's deadline.
    void withDeadline(undefined, () => this.#answer(id, question, stop))
  }

  async #answer(id: string, question: GraphQuestion, stop: AbortController): Promise<void> {
    const send = (message: object) => !stop.signal.aborted && this.#socket.send({ id, ...message })
    let release: (() => void) | undefined
    try {
      if (this.#asked.size > limits.subscriptions.perSocketMax)
        throw new Failure('too_many_requests', `at most ${limits.subscriptions.perSocketMax} questions at once`)
      release = this.#parts.subscriptions.take(this.#caller)
      const graph = await this.#parts.graph()
      const answer = await graph.answer(question, { caller: this.#caller, signal: stop.signal })
      if (answer.kind === 'refused') return void send({ type: 'error', payload: answer.result.errors })
      if (answer.kind === 'result') send({ type: 'next', payload: answer.result })
      else await this.#pass(answer.results, send)
      send({ type: 'complete' })
    } catch (error) {
      const { code, detail } = toFailure(error)
      send({ type: 'error', payload: [{ message: detail, extensions: { code } }] })
    } finally {
      release?.()
      // The same id may be in use again after a `complete` of the client.
      if (this.#asked.get(id) === stop) this.#asked.delete(id)
      stop.abort()
    }
  }

  async #pass(results: AsyncGenerator<GraphqlResult>, send: (message: object) => boolean): Promise<void> {
    for await (const result of results) if (!send({ type: 'next', payload: result })) return
  }
}
