/**
 * Calls to other services over gRPC: a channel per instance, picked by discovery; token, trace and deadline travel with
 * the call; breaker and retries from resilience.ts. The library is loaded with the first call.
 */
import { once } from 'node:events'
import type {
  Client,
  ClientReadableStream,
  ClientWritableStream,
  Metadata,
  MethodDefinition,
  ServiceDefinition,
  ServiceError,
} from '@grpc/grpc-js'
import type {
  DiscoveryClient,
  GrpcCallOptions,
  GrpcClientOf,
  GrpcClients,
  Instance,
  Picked,
  Span,
  TokenSigner,
} from '../api.ts'
import { deadlineFor } from '../calls/deadline.ts'
import {
  type CallPolicy,
  callPolicy,
  createDependency,
  type Dependency,
  isOutage,
  Unreached,
} from '../calls/resilience.ts'
import type { Core } from '../core.ts'
import { Failure } from '../failure.ts'
import { knownInTime } from '../http/client.ts'
import { whenAborted } from '../process/waiting.ts'
import { type GrpcLibrary, loadGrpc } from './library.ts'
import { detailsKey, failureOfStatus, grpcStatus, statusNames } from './status.ts'

/** Every bound of gRPC channels, in one place. */
export const grpcClientLimits = {
  messageBytesMax: 1024 * 1024,
  keepaliveMs: 20_000,
  keepaliveTimeoutMs: 5_000,
  reconnectMsMin: 100,
  reconnectMsMax: 2_000,
  channelsMax: 64,
} as const

export interface AllGrpcClients extends AsyncDisposable {
  (service: string): GrpcClients
}

type Method = MethodDefinition<unknown, unknown>

interface Parts {
  core: Core
  service: string
  discovery: DiscoveryClient
  signer: TokenSigner
  policy: CallPolicy
  channels: ReturnType<typeof createChannels>
  dependency: Dependency
}

/** Clients of other services' gRPC: balanced, with deadlines, retries of what may be repeated, and a breaker. */
export const createGrpcClients = (
  core: Core,
  options: { discovery: DiscoveryClient; signer: TokenSigner; policy?: CallPolicy },
): AllGrpcClients => {
  const policy = options.policy ?? callPolicy
  const channels = createChannels()
  const services = new Map<string, GrpcClients>()
  const forService = (service: string): GrpcClients => {
    const existing = services.get(service)
    if (existing !== undefined) return existing
    const dependency = createDependency(core, `grpc ${service}`, policy)
    const parts: Parts = { ...options, core, service, policy, channels, dependency }
    const clients: GrpcClients = { client: (definition) => createClient(parts, definition) }
    services.set(service, clients)
    return clients
  }
  return Object.assign(forService, {
    async [Symbol.asyncDispose]() {
      channels.close()
    },
  })
}

const createClient = <D extends ServiceDefinition>(parts: Parts, definition: D): GrpcClientOf<D> => {
  const methods: Record<string, unknown> = {}
  for (const [name, method] of Object.entries(definition) as [string, Method][]) {
    if (method.responseStream)
      methods[name] = (input: unknown, options: GrpcCallOptions = {}) => streamCall(parts, method, input, options)
    else methods[name] = (input: unknown, options: GrpcCallOptions = {}) => singleCall(parts, method, input, options)
  }
  return methods as GrpcClientOf<D>
}

const createChannels = () => {
  const clients = new Map<string, Client>()
  return {
    async to(instance: Instance): Promise<{ grpc: GrpcLibrary; client: Client }> {
      const grpc = await loadGrpc()
      const host = instance.host.includes(':') ? `[${instance.host}]` : instance.host
      const address = `${host}:${instance.ports.grpc}`
      const client =
        clients.get(address) ??
        new grpc.Client(address, grpc.credentials.createInsecure(), {
          // Retried in one layer only, and that is ours.
          'grpc.enable_retries': 0,
          'grpc.max_receive_message_length': grpcClientLimits.messageBytesMax,
          'grpc.max_send_message_length': grpcClientLimits.messageBytesMax,
          'grpc.keepalive_time_ms': grpcClientLimits.keepaliveMs,
          'grpc.keepalive_timeout_ms': grpcClientLimits.keepaliveTimeoutMs,
          'grpc.initial_reconnect_backoff_ms': grpcClientLimits.reconnectMsMin,
          'grpc.max_reconnect_backoff_ms': grpcClientLimits.reconnectMsMax,
        })
      // Most recently used last, so that the first is the one to give up.
      clients.delete(address)
      clients.set(address, client)
      const [oldestAddress, oldest] = clients.entries().next().value ?? []
      if (clients.size > grpcClientLimits.channelsMax && oldestAddress !== undefined && oldest !== undefined) {
        clients.delete(oldestAddress)
        oldest.close()
      }
      return { grpc, client }
    },
    close() {
      for (const client of clients.values()) client.close()
      clients.clear()
    },
  }
}

// ---------------------------------------------------------------- one answer

const singleCall = async (parts: Parts, method: Method, input: unknown, options: GrpcCallOptions): Promise<unknown> => {
  const { core, service, discovery, policy, dependency } = parts
  const deadlineAt = deadlineFor(core.clock, options.timeoutMs ?? (method.requestStream ? undefined : policy.timeoutMs))
  await knownInTime(core, discovery, service, deadlineAt ?? Number.POSITIVE_INFINITY)
  const plan = {
    // A stream of requests is used up by the first try.
    repeatable: options.retry === true && !method.requestStream,
    deadlineAt,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  }
  const attempt = async (attemptNumber: number) =>
    withCall(parts, method, options, deadlineAt, attemptNumber, (call) =>
      method.requestStream ? sendStream(method, input as AsyncIterable<unknown>, call) : sendOne(method, input, call),
    )
  if (!method.requestStream) return dependency.run(plan, attempt)
  const tell = dependency.permit()
  try {
    const answer = await attempt(1)
    tell('ok')
    return answer
  } catch (error) {
    tell(options.signal?.aborted ? 'ignored' : isOutage(error) ? 'failed' : 'ok')
    throw error
  }
}

interface OpenCall {
  client: Client
  metadata: Metadata
  callOptions: { deadline?: Date }
  signal: AbortSignal | undefined
}

/** Picks an instance, opens the span, signs, and says how it went; `send` makes the call itself. */
const withCall = async <T>(
  parts: Parts,
  method: Method,
  options: GrpcCallOptions,
  deadlineAt: number | undefined,
  attemptNumber: number,
  send: (call: OpenCall) => Promise<T>,
): Promise<T> => {
  const { core, service } = parts
  const picked = pickInstance(parts)
  const startedAt = core.clock.monotonic()
  let status: number = grpcStatus.OK
  try {
    const result = await core.tracer.span(
      method.path.slice(1),
      {
        kind: 'client',
        attributes: {
          'rpc.system': 'grpc',
          'rpc.method': method.path.slice(1),
          'peer.service': service,
          'server.address': picked.instance.id,
          'rpc.attempt': attemptNumber,
        },
      },
      async (span) => send(await openCall(parts, picked, span, options, deadlineAt)),
    )
    picked.done('ok')
    return result
  } catch (error) {
    const failure = asFailure(service, error)
    status = (error as Partial<ServiceError>).code ?? grpcStatus.UNKNOWN
    picked.done(isOutage(failure) && options.signal?.aborted !== true ? 'failed' : 'ok')
    throw failure
  } finally {
    const labels = { service, method: method.path.slice(1), status: statusNames[status] ?? String(status) }
    durationsOf(core).observe((core.clock.monotonic() - startedAt) / 1000, labels)
  }
}

const durationsOf = (core: Core) =>
  core.metrics.histogram('grpc_client_request_duration_seconds', 'One try of a call, streams included', [
    'service',
    'method',
    'status',
  ])

const pickInstance = ({ discovery, service }: Parts): Picked => {
  const picked = discovery.pick(service)
  if (picked === undefined) throw new Unreached(`no instance of ${service} is known`, { tried: false })
  if (picked.instance.ports.grpc !== undefined) return picked
  picked.done('ok')
  throw new Unreached(`${picked.instance.id} has no gRPC port`, { tried: false })
}

const openCall = async (
  parts: Parts,
  picked: Picked,
  span: Span,
  options: GrpcCallOptions,
  deadlineAt: number | undefined,
): Promise<OpenCall> => {
  options.signal?.throwIfAborted()
  const { grpc, client } = await parts.channels.to(picked.instance)
  const metadata = new grpc.Metadata()
  metadata.set('authorization', `Bearer ${await parts.signer.serviceToken(parts.service, options.onBehalfOf)}`)
  metadata.set('traceparent', span.traceparent)
  if (deadlineAt === undefined) return { client, metadata, callOptions: {}, signal: options.signal }
  const remainingMs = deadlineAt - parts.core.clock.monotonic()
  if (remainingMs <= 0) throw new Failure('deadline_exceeded', `no time was left to call ${parts.service}`)
  return {
    client,
    metadata,
    callOptions: { deadline: new Date(parts.core.clock.now() + remainingMs) },
    signal: options.signal,
  }
}

const sendOne = (method: Method, input: unknown, open: OpenCall): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const call = open.client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      input,
      open.metadata,
      open.callOptions,
      (error, answer) => {
        forget()
        if (error === null) resolve(answer)
        else reject(error)
      },
    )
    const forget = whenAborted(open.signal, () => call.cancel())
  })

const sendStream = (method: Method, requests: AsyncIterable<unknown>, open: OpenCall): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const call = open.client.makeClientStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      open.metadata,
      open.callOptions,
      (error, answer) => {
        forget()
        ended.abort()
        if (error === null) resolve(answer)
        else reject(error)
      },
    )
    const ended = new AbortController()
    const forget = whenAborted(open.signal, () => call.cancel())
    pump(call, requests, ended.signal).catch((error) => {
      reject(error)
      call.cancel()
    })
  })

/** Writes requests as fast as the service reads them, until they or the call end. */
const pump = async (call: ClientWritableStream<unknown>, requests: AsyncIterable<unknown>, ended: AbortSignal) => {
  for await (const request of requests) {
    if (ended.aborted) return
    if (call.write(request)) continue
    try {
      await once(call, 'drain', { signal: ended })
    } catch (error) {
      // The call is over: its status says why.
      if (ended.aborted) return
      throw error
    }
  }
  if (!ended.aborted) call.end()
}

// ---------------------------------------------------------------- a stream of answers

/** Nothing happens until it is iterated; leaving the loop cancels the call. Not repeated: the reader knows what it has. */
async function* streamCall(
  parts: Parts,
  method: Method,
  input: unknown,
  options: GrpcCallOptions,
): AsyncGenerator<unknown> {
  const { core, service, discovery, dependency } = parts
  const deadlineAt = options.timeoutMs === undefined ? undefined : deadlineFor(core.clock, options.timeoutMs)
  await knownInTime(core, discovery, service, deadlineAt ?? Number.POSITIVE_INFINITY)
  const tell = dependency.permit()
  const stream = new AnswerStream(method, input)
  // The span and the pick last as long as the stream does.
  const lasting = withCall(parts, method, options, deadlineAt, 1, (open) => stream.last(open))
  lasting.catch((error) => stream.opened.reject(error))
  try {
    const call = await stream.opened.promise
    for await (const answer of call.iterator({ destroyOnReturn: false })) {
      tell('ok')
      yield answer
    }
    stream.over.resolve()
    tell('ok')
  } catch (error) {
    stream.over.reject(error)
    const failure = asFailure(service, error)
    tell(options.signal?.aborted ? 'ignored' : isOutage(failure) ? 'failed' : 'ok')
    throw failure
  } finally {
    tell('ignored')
    stream.close()
    await lasting.catch(() => undefined)
  }
}

/** A call whose answers come one by one, from its opening to its end. */
class AnswerStream {
  /** The call, once it is there. */
  readonly opened = Promise.withResolvers<ClientReadableStream<unknown>>()
  /** That nothing more is read, and why. */
  readonly over = Promise.withResolvers<void>()
  readonly #method: Method
  readonly #input: unknown
  readonly #ended = new AbortController()
  #call: ClientReadableStream<unknown> | undefined

  constructor(method: Method, input: unknown) {
    this.#method = method
    this.#input = input
    // Whoever reads the answers hears of the failure; that the other promise fails too must not end the process.
    this.opened.promise.catch(() => undefined)
    this.over.promise.catch(() => undefined)
  }

  /** Makes the call; resolves or rejects as `over` does. */
  async last(open: OpenCall): Promise<void> {
    const call = this.#make(open)
    this.#call = call
    const forget = whenAborted(open.signal, () => call.cancel())
    if (this.#method.requestStream) this.#send(call as unknown as ClientWritableStream<unknown>)
    this.opened.resolve(call)
    try {
      await this.over.promise
    } finally {
      forget()
    }
  }

  close(): void {
    this.over.resolve()
    this.#ended.abort()
    // An `error` event comes with every cancelled call: it was asked for.
    this.#call?.on('error', () => undefined)
    this.#call?.cancel()
  }

  #make({ client, metadata, callOptions }: OpenCall): ClientReadableStream<unknown> {
    const { path, requestSerialize: write, responseDeserialize: read, requestStream } = this.#method
    return requestStream
      ? client.makeBidiStreamRequest(path, write, read, metadata, callOptions)
      : client.makeServerStreamRequest(path, write, read, this.#input, metadata, callOptions)
  }

  #send(call: ClientWritableStream<unknown>): void {
    pump(call, this.#input as AsyncIterable<unknown>, this.#ended.signal).catch((error) => {
      this.over.reject(error)
      call.cancel()
    })
  }
}

/** What grpc-js says when no connection came about: the request never left. */
const notConnected = /^No connection established|^Name resolution failed/

const asFailure = (service: string, error: unknown): Failure => {
  if (error instanceof Failure) return error
  const { code, details, metadata } = error as Partial<ServiceError>
  // An AbortError has a number too, which isn't a status.
  if (typeof code !== 'number' || typeof details !== 'string')
    return new Failure('unavailable', `the call to ${service} was given up`, { cause: error })
  if (code === grpcStatus.UNAVAILABLE && notConnected.test(details ?? ''))
    return new Unreached(`${service} is not reachable`, { cause: error, tried: true })
  const rich = metadata?.get(detailsKey)[0]
  return failureOfStatus(service, {
    code,
    details: details ?? '',
    richDetails: rich instanceof Uint8Array ? rich : undefined,
    cause: error,
  })
}
