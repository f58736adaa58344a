/**
 * The gRPC edge of a service: the four kinds of calls as async functions and iterables, with identity, access per
 * method, deadline, cancellation, rich errors, spans and metrics; health and reflection besides.
 * The library is loaded with the first server, so a service without gRPC never pays for it.
 */
import { type EventEmitter, once } from 'node:events'
import type {
  Metadata,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { z } from 'zod'
import type { Caller, GrpcCall, GrpcHandler } from '../api.ts'
import { withDeadline } from '../calls/deadline.ts'
import type { Core } from '../core.ts'
import { Failure } from '../failure.ts'
import { faultsOf, toFailure } from '../http/problem.ts'
import type { RunningServer } from '../http/server.ts'
import type { Verifier } from '../identity/identity.ts'
import { createHealth } from './health.ts'
import { loadGrpc } from './library.ts'
import { reflectionHandlers } from './reflection.ts'
import { detailsKey, encodeDetails, statusNames, statusOf } from './status.ts'

/** Every bound of the gRPC server, in one place. */
export const grpcServerLimits = {
  messageBytesMax: 1024 * 1024,
  callsInFlightMax: 1_024,
  streamsPerConnectionMax: 256,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 10_000,
  retryAfterSeconds: 1,
  /** Streams that would never end are ended so long after the drain began; the caller resumes elsewhere. */
  streamGraceMs: 300,
  /** For the last answers to leave, once every call is answered. */
  flushMs: 100,
} as const

export interface GrpcServerOptions {
  handlers: readonly GrpcHandler[]
  verifier: Verifier
  host: string
  port: number
  limits?: Partial<Record<keyof typeof grpcServerLimits, number>>
}

type AnyCall =
  | ServerUnaryCall<unknown, unknown>
  | ServerReadableStream<unknown, unknown>
  | ServerWritableStream<unknown, unknown>
  | ServerDuplexStream<unknown, unknown>
type StatusObject = { code: number; details: string; metadata: Metadata }
type Answer = (error: StatusObject | null, value?: unknown) => void

/** Which of a handler's calls need no identity: they reveal nothing that the contract does not. */
const openServices = ['/grpc.health.v1.', '/grpc.reflection.']

interface ServerState {
  inFlight: number
  draining: boolean
  idle: () => void
}

/** Starts listening (port 0: any free one). */
export const startGrpcServer = async (core: Core, options: GrpcServerOptions): Promise<RunningServer> => {
  const grpc = await loadGrpc()
  const bounds = { ...grpcServerLimits, ...options.limits }
  const server = new grpc.Server({
    'grpc.max_receive_message_length': bounds.messageBytesMax,
    'grpc.max_send_message_length': bounds.messageBytesMax,
    'grpc.max_concurrent_streams': bounds.streamsPerConnectionMax,
    'grpc.keepalive_time_ms': bounds.keepaliveMs,
    'grpc.keepalive_timeout_ms': bounds.keepaliveTimeoutMs,
  })
  const state: ServerState = { inFlight: 0, draining: false, idle: () => undefined }
  const goingAway = () => new Failure('unavailable', 'the service is going away')
  const streams = new Set<AbortController>()
  const calls = new Set<AbortController>()
  const end = (running: Set<AbortController>) => {
    for (const abort of running) abort.abort(goingAway())
  }
  const durations = core.metrics.histogram('grpc_server_request_duration_seconds', 'One call, streams included', [
    'method',
    'status',
  ])

  const statusFor = (failure: Failure): StatusObject => {
    const metadata = new grpc.Metadata()
    metadata.set(detailsKey, Buffer.from(encodeDetails(failure)))
    return { code: statusOf(failure.code), details: failure.detail, metadata }
  }

  /** Everything around a call: `work` answers it or throws, `refuse` sends the status. */
  const serve = async (
    path: string,
    access: readonly string[],
    kind: Set<AbortController>,
    call: AnyCall,
    work: (info: GrpcCall) => Promise<void>,
    refuse: (status: StatusObject) => void,
  ): Promise<void> => {
    const startedAt = core.clock.monotonic()
    const overloaded = state.inFlight >= bounds.callsInFlightMax
    state.inFlight++
    const parent = call.metadata.get('traceparent')[0]
    const abort = new AbortController()
    let left = false
    const events: EventEmitter = call
    events.once('cancelled', () => {
      left = true
      abort.abort(new Failure('unavailable', 'the caller cancelled'))
    })
    kind.add(abort)
    const asked = call.getDeadline()
    const deadline = asked === Number.POSITIVE_INFINITY ? undefined : new Date(asked)
    let status = 0
    try {
      await core.tracer.span(
        path.slice(1),
        {
          kind: 'server',
          attributes: { 'rpc.system': 'grpc', 'rpc.method': path.slice(1) },
          ...(typeof parent === 'string' ? { parent } : {}),
        },
        async (span) => {
          let caller: Caller | undefined
          try {
            if (overloaded)
              throw new Failure('unavailable', 'too much is under way here', {
                retryAfterSeconds: bounds.retryAfterSeconds,
              })
            caller = await admitService(options.verifier, path, access, call.metadata)
            const remainingMs = deadline === undefined ? undefined : deadline.getTime() - core.clock.now()
            const deadlineAt = remainingMs === undefined ? undefined : core.clock.monotonic() + remainingMs
            const info: GrpcCall = { caller, deadline, signal: abort.signal }
            await withDeadline(deadlineAt, () => work(info))
            span.set('rpc.grpc.status_code', 0)
          } catch (error) {
            // Whatever a cancelled call throws, nobody waits for it; it says no fault of ours.
            const failure = left ? cancelled(deadline, core.clock.now()) : toFailure(error)
            status = left && failure.code === 'unavailable' ? 1 : statusOf(failure.code)
            span.set('rpc.grpc.status_code', status)
            logRefusal(core, path, caller, failure)
            refuse(statusFor(failure))
            if (!left && failure.status >= 500) throw failure
          }
        },
      )
    } catch {
      // Marked on the span, logged and answered above.
    } finally {
      kind.delete(abort)
      state.inFlight--
      if (state.inFlight === 0) state.idle()
      const seconds = (core.clock.monotonic() - startedAt) / 1000
      durations.observe(seconds, { method: path.slice(1), status: statusNames[status] ?? String(status) })
    }
  }

  const health = createHealth(core, () => !state.draining)
  for (const handler of [...options.handlers, health, ...reflectionHandlers(options.handlers)]) {
    const implementation: UntypedServiceImplementation = {}
    for (const [name, method] of Object.entries(handler.definition)) {
      const run = handler.implementation[name] as ((input: unknown, call: GrpcCall) => unknown) | undefined
      if (run === undefined) throw new Error(`${method.path} has no implementation`)
      const access = handler.access[name] ?? []
      const check = checkOf(handler.requests?.[name])
      const kind = `${method.requestStream ? 'stream' : 'one'} to ${method.responseStream ? 'stream' : 'one'}`
      implementation[name] = (call: AnyCall, answer?: Answer) => {
        const input = (info: GrpcCall) =>
          kind.startsWith('stream')
            ? requestsOf(call as ServerReadableStream<unknown, unknown>, info.signal, check)
            : check((call as ServerUnaryCall<unknown, unknown>).request)
        if (kind.endsWith('one'))
          return void serve(
            method.path,
            access,
            calls,
            call,
            async (info) => answer?.(null, await run(input(info), info)),
            (status) => answer?.(status),
          )
        const output = call as ServerWritableStream<unknown, unknown>
        return void serve(
          method.path,
          access,
          streams,
          call,
          async (info) => {
            await writeAll(output, run(input(info), info) as AsyncIterable<unknown>, info.signal)
            output.end()
          },
          (status) => output.emit('error', Object.assign(new Error(status.details), status)),
        )
      }
    }
    server.addService(handler.definition, implementation)
  }

  const address = `${options.host.includes(':') ? `[${options.host}]` : options.host}:${options.port}`
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )

  return {
    port,
    inFlight: () => state.inFlight,
    async drain(deadlineMs) {
      state.draining = true
      health.changed()
      // A session closes only when the caller ends its half of every stream too: not waited for.
      const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
      const stop = new AbortController()
      const after = (ms: number) => core.clock.delay(Math.max(0, ms), stop.signal).catch(() => undefined)
      const answered = new Promise<void>((resolve) => {
        state.idle = resolve
        if (state.inFlight === 0) resolve()
      })
      const done = Promise.race([closed, answered.then(() => after(bounds.flushMs))])
      const graceMs = Math.min(bounds.streamGraceMs, deadlineMs)
      await Promise.race([done, after(graceMs)])
      end(streams)
      await Promise.race([done, after(deadlineMs - graceMs)])
      stop.abort()
      if (state.inFlight > 0) core.log.warn({ inFlight: state.inFlight }, 'calls were cut off at the end of the drain')
    },
    async [Symbol.asyncDispose]() {
      state.draining = true
      end(streams)
      end(calls)
      server.forceShutdown()
    },
  }
}

const cancelled = (deadline: Date | undefined, now: number): Failure =>
  deadline !== undefined && deadline.getTime() <= now
    ? new Failure('deadline_exceeded', 'the deadline of the call is over')
    : new Failure('unavailable', 'the caller cancelled')

/** Services only, and only those that the method names; users come through the gateway's own name. */
const admitService = async (
  verifier: Verifier,
  path: string,
  access: readonly string[],
  metadata: Metadata,
): Promise<Caller> => {
  if (openServices.some((prefix) => path.startsWith(prefix))) return { kind: 'anonymous' }
  const authorization = metadata.get('authorization')[0]
  const caller = await verifier.verify(typeof authorization === 'string' ? authorization : undefined)
  if (caller.kind !== 'service') throw new Failure('forbidden', 'only services call this')
  if (!access.some((name) => name === '*' || name === caller.service))
    throw new Failure('forbidden', `${caller.service} may not call this`)
  return caller
}

/** Gives a request back, or throws Failure `invalid_request` with each field that breaks the schema. */
const checkOf =
  (schema: z.ZodType | undefined) =>
  (request: unknown): unknown => {
    const checked = schema?.safeParse(request)
    if (checked === undefined || checked.success) return request
    throw new Failure('invalid_request', 'the request does not fit the contract', {
      faults: faultsOf(checked.error, 'body'),
    })
  }

/**
 * The requests of a stream, read no faster than they are used. Neither leaving the loop nor the signal destroys the
 * call: its other half still has to carry the answers or the status.
 */
async function* requestsOf(
  call: ServerReadableStream<unknown, unknown>,
  signal: AbortSignal,
  check: (request: unknown) => unknown,
): AsyncIterable<unknown> {
  const requests = call.iterator({ destroyOnReturn: false })
  while (true) {
    const next = await firstOf(requests.next(), signal)
    if (next.done === true) return
    yield check(next.value)
  }
}

/** Writes the answers as fast as the caller reads them; ends the iteration when the call ends first. */
const writeAll = async (
  call: ServerWritableStream<unknown, unknown>,
  answers: AsyncIterable<unknown>,
  signal: AbortSignal,
): Promise<void> => {
  const iterator = answers[Symbol.asyncIterator]()
  try {
    while (true) {
      const next = await firstOf(iterator.next(), signal)
      if (next.done === true) return
      if (!call.write(next.value)) await once(call, 'drain', { signal })
    }
  } finally {
    // Not awaited: a generator that waits for something else returns when that is over, or when it sees the signal.
    void Promise.resolve(iterator.return?.()).catch(() => undefined)
  }
}

/** The promise, or the reason of the signal: without leaving a listener behind on each turn. */
const firstOf = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) {
      promise.catch(() => undefined)
      return reject(signal.reason)
    }
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })

const logRefusal = (core: Core, path: string, caller: Caller | undefined, failure: Failure) => {
  const who = caller?.kind === 'service' ? caller.service : caller?.kind
  const line = { method: path.slice(1), code: failure.code, caller: who, detail: failure.detail }
  if (failure.code === 'internal') return core.log.error({ ...line, err: failure.cause ?? failure }, 'call broke')
  const refused = failure.status === 401 || failure.status === 403
  core.log[refused || failure.status >= 500 ? 'warn' : 'info'](line, refused ? 'call refused' : 'call failed')
}
