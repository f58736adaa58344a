/**
 * What happens around one call, whatever its kind: who asks, until when, in which span, and how a failure is said.
 * `CallServer.serve` is read first.
 */
import type { EventEmitter } from 'node:events'
import type {
  Metadata,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js'
import type { Caller, GrpcCall, Span } from '../api.ts'
import { withDeadline } from '../calls/deadline.ts'
import type { Core } from '../core.ts'
import { Failure } from '../failure.ts'
import { endOfExchange } from '../http/end-of-exchange.ts'
import { toFailure } from '../http/problem.ts'
import type { Verifier } from '../identity/identity.ts'
import type { GrpcCrowd } from './crowd.ts'
import type { GrpcLibrary } from './library.ts'
import { detailsKey, encodeDetails, type StatusFor, type StatusObject, statusNames, statusOf } from './status.ts'

export type AnyCall =
  | ServerUnaryCall<unknown, unknown>
  | ServerReadableStream<unknown, unknown>
  | ServerWritableStream<unknown, unknown>
  | ServerDuplexStream<unknown, unknown>

/** A call that arrived, and how it is answered. */
export interface Incoming {
  readonly path: string
  readonly access: readonly string[]
  readonly call: AnyCall
  /** Whether answers go on until somebody ends them. */
  readonly streams: boolean
  /** Answers it or throws. */
  readonly work: (info: GrpcCall) => Promise<void>
  readonly refuse: (status: StatusObject) => void
}

/** Which calls need no identity: they reveal nothing that the contract does not. */
const openServices = ['/grpc.health.v1.', '/grpc.reflection.']

/** A failure as a status with its details (status.ts). */
export function statusOfFailure(grpc: GrpcLibrary): StatusFor {
  return (failure) => {
    const metadata = new grpc.Metadata()
    metadata.set(detailsKey, Buffer.from(encodeDetails(failure)))
    return { code: statusOf(failure.code), details: failure.detail, metadata }
  }
}

/** A call while it is under way: its signal, and whether its caller has left. */
class Running {
  readonly abort = new AbortController()
  readonly deadline: Date | undefined
  left = false

  constructor(call: AnyCall) {
    const asked = call.getDeadline()
    this.deadline = asked === Number.POSITIVE_INFINITY ? undefined : new Date(asked)
    const events: EventEmitter = call
    events.once('cancelled', () => {
      this.left = true
      this.abort.abort(new Failure('unavailable', 'the caller cancelled'))
    })
  }
}

export class CallServer {
  readonly #core: Core
  readonly #verifier: Verifier
  readonly #crowd: GrpcCrowd
  readonly #statusFor: StatusFor
  readonly #durations
  readonly #calls = new Set<AbortController>()
  readonly #streams = new Set<AbortController>()
  #idle: () => void = () => undefined

  constructor(core: Core, verifier: Verifier, crowd: GrpcCrowd, statusFor: StatusFor) {
    this.#core = core
    this.#verifier = verifier
    this.#crowd = crowd
    this.#statusFor = statusFor
    this.#durations = core.metrics.histogram('grpc_server_request_duration_seconds', 'One call, streams included', [
      'method',
      'status',
    ])
  }

  get inFlight(): number {
    return this.#calls.size + this.#streams.size
  }

  /** Resolves when no call is under way; for one who waits. */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle = resolve
      if (this.inFlight === 0) resolve()
    })
  }

  /** Ends the streams, or every call, as unavailable. */
  end(which: 'streams' | 'all'): void {
    const reason = new Failure('unavailable', 'the service is shutting down')
    for (const abort of this.#streams) abort.abort(reason)
    if (which === 'all') for (const abort of this.#calls) abort.abort(reason)
  }

  /** Serves one call to its end; never rejects. */
  async serve(incoming: Incoming): Promise<void> {
    const startedAt = this.#core.clock.monotonic()
    const method = incoming.path.slice(1)
    const running = new Running(incoming.call)
    const kind = incoming.streams ? this.#streams : this.#calls
    kind.add(running.abort)
    const parent = incoming.call.metadata.get('traceparent')[0]
    let status = 0
    try {
      await this.#core.tracer.span(
        method,
        {
          kind: 'server',
          attributes: { 'rpc.system': 'grpc', 'rpc.method': method },
          ...(typeof parent === 'string' ? { parent } : {}),
        },
        async (span) => {
          status = await this.#answer(incoming, running, span)
        },
      )
    } catch (error) {
      // Marked on the span, logged and answered there.
      status = statusOf(toFailure(error).code)
    } finally {
      kind.delete(running.abort)
      if (this.inFlight === 0) this.#idle()
      const seconds = (this.#core.clock.monotonic() - startedAt) / 1000
      this.#durations.observe(seconds, { method, status: statusNames[status] ?? String(status) })
    }
  }

  /** @returns the status; throws the failure, once it is answered, where the span is to show it as ours */
  async #answer(incoming: Incoming, running: Running, span: Span): Promise<number> {
    const { path, access, call, work, refuse } = incoming
    let caller: Caller | undefined
    const { clock } = this.#core
    let over = (): void => undefined
    try {
      const admitted = await admitService(this.#verifier, path, access, call.metadata)
      caller = admitted
      if (admitted.kind === 'service') over = this.#crowd.proven(call.metadata)
      const { deadline } = running
      const remainingMs = deadline === undefined ? undefined : deadline.getTime() - clock.now()
      const deadlineAt = remainingMs === undefined ? undefined : clock.monotonic() + remainingMs
      await withDeadline(deadlineAt, () => work({ caller: admitted, deadline, signal: running.abort.signal }))
      span.set('rpc.grpc.status_code', 0)
      return 0
    } catch (error) {
      // Whatever a cancelled call throws, nobody waits for it; it says no fault of ours.
      const failure = running.left ? cancelled(running.deadline, clock.now()) : toFailure(error)
      const status = running.left && failure.code === 'unavailable' ? 1 : statusOf(failure.code)
      span.set('rpc.grpc.status_code', status)
      logRefusal(this.#core, path, caller, failure)
      refuse(this.#statusFor(failure))
      if (!running.left && failure.status >= 500) throw failure
      return status
    } finally {
      over()
    }
  }
}

function cancelled(deadline: Date | undefined, now: number): Failure {
  return deadline !== undefined && deadline.getTime() <= now
    ? new Failure('deadline_exceeded', 'the deadline of the call has passed')
    : new Failure('unavailable', 'the caller cancelled')
}

/** Services only, and only those that the method names; users come through the gateway's own name. */
async function admitService(
  verifier: Verifier,
  path: string,
  access: readonly string[],
  metadata: Metadata,
): Promise<Caller> {
  if (openServices.some((prefix) => path.startsWith(prefix))) return { kind: 'anonymous' }
  const authorization = metadata.get('authorization')[0]
  const caller = await verifier.verify(typeof authorization === 'string' ? authorization : undefined)
  if (caller.kind !== 'service') throw new Failure('forbidden', 'only services call this')
  if (!access.some((name) => name === '*' || name === caller.service))
    throw new Failure('forbidden', `${caller.service} may not call this`)
  return caller
}

function logRefusal(core: Core, path: string, caller: Caller | undefined, failure: Failure): void {
  const who = caller?.kind === 'service' ? caller.service : caller?.kind
  const line = { method: path.slice(1), code: failure.code, caller: who, detail: failure.detail }
  const { how, level } = endOfExchange(failure.status, failure)
  core.log[level](how === 'broke' ? { ...line, err: failure.cause ?? failure } : line, `call ${how}`)
}
