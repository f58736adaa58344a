/**
 * The gRPC edge of a service: the four kinds of calls as async functions and iterables, with identity, access per
 * method, deadline, cancellation, rich errors, spans and metrics; health and reflection besides.
 * The library is loaded with the first server, so a service without gRPC never pays for it.
 *
 * Read in this order: server.ts from `startGrpcServer`, serve-call.ts (one call), call-streams.ts (its two halves),
 * crowd.ts (how many), status.ts (failures), health.ts, reflection.ts, library.ts; client.ts is the other end.
 */
import type { AddressInfo, Server as NetServer } from 'node:net'
import type {
  MethodDefinition,
  Server,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedHandleCall,
  UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { defaultConnectionBounds } from '@svyaz/listener'
import type { z } from 'zod'
import type { GrpcCall, GrpcHandler } from '../api.ts'
import type { Core } from '../core.ts'
import { Failure } from '../failure.ts'
import { faultsOf } from '../http/problem.ts'
import type { RunningServer } from '../http/server.ts'
import type { Verifier } from '../identity/identity.ts'
import { requestsOf, writeAll } from './call-streams.ts'
import { GrpcCrowd } from './crowd.ts'
import { createHealth } from './health.ts'
import { loadGrpc } from './library.ts'
import { reflectionHandlers } from './reflection.ts'
import { type AnyCall, CallServer, statusOfFailure } from './serve-call.ts'
import type { StatusObject } from './status.ts'

/** Every bound of the gRPC server, in one place. */
export const grpcServerLimits = {
  ...defaultConnectionBounds,
  connectionsMax: 512,
  /** Callers are our own processes, each with few connections, on one machine all of one address. */
  connectionsPerAddressMax: 256,
  callsMax: 1_024,
  callsPerAddressMax: 1_024,
  firstMessageMs: 1_000,
  messageBytesMax: 1024 * 1024,
  streamsPerConnectionMax: 256,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 10_000,
  retryAfterSeconds: 1,
  /** Streams that would never end are ended so long after the drain began; the caller resumes elsewhere. */
  streamGraceMs: 300,
  /** For the last answers to leave, once every call is answered. */
  flushMs: 100,
} as const
type Bounds = Readonly<Record<keyof typeof grpcServerLimits, number>>

export interface GrpcServerOptions {
  handlers: readonly GrpcHandler[]
  verifier: Verifier
  host: string
  port: number
  limits?: Partial<Bounds>
}

/** Starts listening (port 0: any free one). Throws what `listen` throws. */
export async function startGrpcServer(core: Core, options: GrpcServerOptions): Promise<RunningServer> {
  const grpc = await loadGrpc()
  const bounds = { ...grpcServerLimits, ...options.limits }
  const statusFor = statusOfFailure(grpc)
  const crowd = new GrpcCrowd(grpc, core, bounds, statusFor)
  const calls = new CallServer(core, options.verifier, crowd, statusFor)
  const server = new grpc.Server({
    'grpc.max_receive_message_length': bounds.messageBytesMax,
    'grpc.max_send_message_length': bounds.messageBytesMax,
    'grpc.max_concurrent_streams': bounds.streamsPerConnectionMax,
    'grpc.keepalive_time_ms': bounds.keepaliveMs,
    'grpc.keepalive_timeout_ms': bounds.keepaliveTimeoutMs,
    interceptors: [crowd.interceptor],
  })
  const running = new RunningGrpcServer(core, { server, crowd, calls, bounds })
  for (const handler of [...options.handlers, running.health, ...reflectionHandlers(options.handlers)])
    server.addService(handler.definition, implementationOf(handler, calls))
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure())
  crowd.onConnection((socket) => injector.injectConnection(socket))
  await listen(crowd.listener, options)
  return running.listening()
}

function listen(listener: NetServer, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject)
    listener.listen({ host, port }, () => {
      listener.off('error', reject)
      resolve()
    })
  })
}

/** A handler's methods in grpc-js's form. */
function implementationOf(handler: GrpcHandler, calls: CallServer): UntypedServiceImplementation {
  return Object.fromEntries(
    Object.entries(handler.definition).map(([name, method]) => [name, methodOf(handler, calls, name, method)]),
  )
}

type Answer = (error: StatusObject | null, value?: unknown) => void

function methodOf(
  handler: GrpcHandler,
  calls: CallServer,
  name: string,
  method: MethodDefinition<unknown, unknown>,
): UntypedHandleCall {
  const run = handler.implementation[name] as ((input: unknown, call: GrpcCall) => unknown) | undefined
  if (run === undefined) throw new Error(`${method.path} has no implementation`)
  const access = handler.access[name] ?? []
  const check = checkOf(handler.requests?.[name])
  return (call: AnyCall, answer?: Answer) => {
    const input = (info: GrpcCall) =>
      method.requestStream
        ? requestsOf(call as ServerReadableStream<unknown, unknown>, info.signal, check)
        : check((call as ServerUnaryCall<unknown, unknown>).request)
    const about = { path: method.path, access, call, streams: method.responseStream }
    if (!method.responseStream)
      return void calls.serve({
        ...about,
        work: async (info) => answer?.(null, await run(input(info), info)),
        refuse: (status) => answer?.(status),
      })
    const output = call as ServerWritableStream<unknown, unknown>
    void calls.serve({
      ...about,
      work: async (info) => {
        await writeAll(output, run(input(info), info) as AsyncIterable<unknown>, info.signal)
        output.end()
      },
      refuse: (status) => output.emit('error', Object.assign(new Error(status.details), status)),
    })
  }
}

/** Gives a request back, or throws Failure `invalid_request` with each field that breaks the schema. */
function checkOf(schema: z.ZodType | undefined): (request: unknown) => unknown {
  return (request) => {
    const checked = schema?.safeParse(request)
    if (checked === undefined || checked.success) return request
    throw new Failure('invalid_request', 'the request does not fit the contract', {
      faults: faultsOf(checked.error, 'body'),
    })
  }
}

class RunningGrpcServer implements RunningServer {
  readonly #core: Core
  readonly #server: Server
  readonly #crowd: GrpcCrowd
  readonly #calls: CallServer
  readonly #bounds: Bounds
  #draining = false
  #port = 0
  readonly health

  constructor(core: Core, parts: { server: Server; crowd: GrpcCrowd; calls: CallServer; bounds: Bounds }) {
    this.#core = core
    this.#server = parts.server
    this.#crowd = parts.crowd
    this.#calls = parts.calls
    this.#bounds = parts.bounds
    this.health = createHealth(core, () => !this.#draining)
  }

  listening(): this {
    this.#port = (this.#crowd.listener.address() as AddressInfo).port
    return this
  }

  get port(): number {
    return this.#port
  }

  inFlight(): number {
    return this.#calls.inFlight
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true
    this.health.changed()
    // A session closes only when the caller ends its half of every stream too: not waited for.
    const closed = new Promise<void>((resolve) => this.#crowd.listener.close(() => resolve()))
    // It knows only its sessions, not our listener, and may call back before they are closed.
    this.#server.tryShutdown(() => undefined)
    const stop = new AbortController()
    const after = (ms: number) => this.#core.clock.delay(Math.max(0, ms), stop.signal).catch(() => undefined)
    const done = Promise.race([closed, this.#calls.whenIdle().then(() => after(this.#bounds.flushMs))])
    const graceMs = Math.min(this.#bounds.streamGraceMs, deadlineMs)
    await Promise.race([done, after(graceMs)])
    this.#calls.end('streams')
    await Promise.race([done, after(deadlineMs - graceMs)])
    stop.abort()
    if (this.inFlight() > 0)
      this.#core.log.warn({ inFlight: this.inFlight() }, 'calls were cut off at the end of the drain')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#draining = true
    this.#calls.end('all')
    this.#crowd.listener.close()
    this.#server.forceShutdown()
    this.#crowd.destroy()
  }
}
