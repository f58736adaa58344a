/**
 * gRPC and gRPC-Web for users: a method of the contract's public list, asked of its service by the kit's client with the
 * user's name on it, so that balancing, breaker, deadline and trace are those of every call. Decision 0078.
 */
import { once } from 'node:events'
import { bodyTooLarge, encodeDetails, Failure, type GrpcCallOptions, limitKeyOf, readBody, statusOf } from '@svyaz/kit'
import { standardHeaders } from './answers.ts'
import { gatewayLimits } from './config.ts'
import type { Exchange, GatewayContext } from './exchange.ts'
import {
  frame,
  type GrpcStatus,
  type GrpcWire,
  mediaTypeOf,
  messageOf,
  statusFields,
  timeoutOf,
  trailerFrame,
  wireOf,
} from './grpc-wire.ts'
import type { SignedIn } from './introspection.ts'
import type { PublicMethod } from './public-methods.ts'
import type { Sessions } from './sessions.ts'

const ok: GrpcStatus = { code: 0, message: '' }

/** Whether what asks here reads a gRPC status rather than one of HTTP. */
export const asksByGrpc = ({ request }: Exchange): boolean => grpcWireOf(request) !== undefined

/** How it speaks. Only HTTP/2 has the trailers that gRPC ends with; gRPC-Web brings its own. */
const grpcWireOf = ({ headers, httpVersionMajor }: Exchange['request']): GrpcWire | undefined => {
  const wire = wireOf(headers['content-type'])
  return wire === 'grpc' && httpVersionMajor < 2 ? undefined : wire
}

/** Answers the calls of users. */
export class GrpcDoor {
  readonly #context: Pick<GatewayContext, 'grpc'>
  readonly #streams: Sessions

  /** @param streams where answers that go on are counted, and ended with their user's token */
  constructor(context: Pick<GatewayContext, 'grpc'>, streams: Sessions) {
    this.#context = context
    this.#streams = streams
  }

  /** Resolves when the answer is written. Throws the Failure that is to be its status, or `sendStatus` has the rest. */
  async answer(exchange: Exchange, user: SignedIn, method: PublicMethod): Promise<void> {
    const { request, gone } = exchange
    const wire = grpcWireOf(request)
    if (wire === undefined)
      throw new Failure(
        'unsupported_media_type',
        'application/grpc over HTTP/2 (port with TLS), or application/grpc-web',
      )
    const asked = timeoutOf(request.headers['grpc-timeout'] as string | undefined)
    const input = requestIn(await bodyOf(exchange), method)
    const stop = new AbortController()
    const options: GrpcCallOptions = { onBehalfOf: user, signal: AbortSignal.any([gone.signal, stop.signal]) }
    const { ask } = method
    if (!ask.streams) {
      const timeoutMs = Math.min(asked ?? Number.POSITIVE_INFINITY, gatewayLimits.grpc.timeoutMs)
      const answer = await ask.call(this.#context.grpc, input, { ...options, timeoutMs, retry: true })
      begin(exchange, wire)
      exchange.response.write(frame(method.write(answer)))
      return end(exchange, wire, ok)
    }
    const release = this.#streams.open(user, limitKeyOf(exchange.clientAddress), (reason) =>
      stop.abort(new Failure('unavailable', `the stream ends: ${reason}`)),
    )
    try {
      const limits = asked === undefined ? options : { ...options, timeoutMs: asked }
      await pass(exchange, wire, method, ask.call(this.#context.grpc, input, limits))
    } catch (error) {
      throw stop.signal.aborted ? stop.signal.reason : error
    } finally {
      release()
    }
    end(exchange, wire, ok)
  }
}

/** Ends an exchange with a failure as gRPC says it, whether its answer has begun or not. */
export const sendStatus = (exchange: Exchange, failure: Failure): void => {
  exchange.failure = failure
  const { request, response } = exchange
  if (response.destroyed) return
  const wire = grpcWireOf(request) ?? 'web'
  const status = { code: statusOf(failure.code), message: failure.detail, details: encodeDetails(failure) }
  exchange.span.set('rpc.grpc.status_code', status.code)
  if (response.headersSent) return end(exchange, wire, status)
  begin(exchange, wire, wire === 'web' ? Object.entries(statusFields(status)).flat() : [])
  if (wire === 'web') response.end()
  else end(exchange, wire, status)
}

/** @throws Failure `body_too_large`, by its length before a client that waits for 100 has sent any of it (RFC 9110, 10.1.1) */
const bodyOf = ({ request, response, expectsContinue }: Exchange): Promise<Buffer> => {
  const { requestBytesMax } = gatewayLimits.grpc
  if (Number(request.headers['content-length'] ?? 0) > requestBytesMax) throw bodyTooLarge(requestBytesMax)
  if (expectsContinue) response.writeContinue()
  return readBody(request, requestBytesMax)
}

/** @throws Failure `invalid_request`: bytes that can’t be that message are the caller's fault, not the service's */
const requestIn = (body: Buffer, { read }: PublicMethod): unknown => {
  const message = messageOf(body)
  try {
    return read(message)
  } catch (cause) {
    throw new Failure('invalid_request', 'the message can’t be read as the request of this method', { cause })
  }
}

const headOf = (exchange: Exchange, wire: GrpcWire): string[] => [
  ...standardHeaders(exchange),
  'content-type',
  mediaTypeOf(wire),
  'cache-control',
  'no-store',
]

/** @param more of an answer that ends with its head: gRPC-Web's status, for browsers that see no trailers in a body that isn't there */
const begin = (exchange: Exchange, wire: GrpcWire, more: readonly string[] = []): void => {
  if (!exchange.response.headersSent) exchange.response.writeHead(200, [...headOf(exchange, wire), ...more])
}

const end = ({ response }: Exchange, wire: GrpcWire, status: GrpcStatus): void => {
  if (wire === 'web') response.write(trailerFrame(status))
  else response.addTrailers(statusFields(status))
  response.end()
}

/** Each answer as it comes, as fast as the client reads. */
const pass = async (
  exchange: Exchange,
  wire: GrpcWire,
  { write }: PublicMethod,
  answers: AsyncIterable<unknown>,
): Promise<void> => {
  const { response, gone } = exchange
  for await (const answer of answers) {
    begin(exchange, wire)
    if (!response.write(frame(write(answer))) && !response.destroyed)
      await once(response, 'drain', { signal: gone.signal })
  }
  begin(exchange, wire)
}
