/** One try of one request at one instance: undici's dispatcher straight into the client's response, no copies between. */
import { Failure, type Instance, Unreached } from '@svyaz/kit'
import { type Dispatcher, Pool } from 'undici'
import { gatewayLimits } from './config.ts'
import type { RequestBody } from './request-body.ts'

export interface UpstreamRequest {
  method: string
  /** With the query. */
  path: string
  headers: string[]
  body: RequestBody
}

export interface UpstreamAnswer {
  /** The head came: write it to the client, or throw what it gets instead. */
  head(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void
  /** It is over, and whether that is to the instance's credit; `status` when it answered. Called once. */
  over(outcome: 'ok' | 'failed', status?: number): void
}

/** What takes the body of an answer: the client's response, or something that gathers it. */
export type Receiver = {
  readonly destroyed: boolean
  /** False: the next one waits for `drain`. */
  write(chunk: Buffer): boolean
  end(): unknown
  destroy(): unknown
  once(event: 'drain', listener: () => void): unknown
}

export interface UpstreamBounds {
  /** For the head. */
  timeoutMs: number
  /** Aborts when the client went away, or with a Failure `deadline_exceeded` when the body takes too long. */
  signal: AbortSignal
}

const authority = ({ host, ports }: Instance) => `${host.includes(':') ? `[${host}]` : host}:${ports.http}`

/** Connections to instances, a pool for each, kept while they are used. */
export class Upstreams implements AsyncDisposable {
  readonly #pools = new Map<string, Pool>()

  /** Resolves when the head was passed on (the body goes on flowing), rejects with a Failure when there was none. */
  send(
    instance: Instance,
    request: UpstreamRequest,
    receiver: Receiver,
    answer: UpstreamAnswer,
    bounds: UpstreamBounds,
  ): Promise<void> {
    if (bounds.signal.aborted) {
      answer.over('ok')
      return Promise.reject(clientGone())
    }
    return new Promise((resolve, reject) => {
      const call = new Call(receiver, answer, bounds, { resolve, reject })
      this.#poolOf(instance).dispatch(
        {
          method: request.method as Dispatcher.HttpMethod,
          path: request.path,
          headers: request.headers,
          // undici takes any async iterable here, and touches it only once it is connected; its types lag behind.
          body: (request.body.kind === 'bytes'
            ? request.body.bytes
            : request.body.kind === 'stream'
              ? request.body.chunks
              : null) as Buffer | null,
        },
        call,
      )
    })
  }

  #poolOf(instance: Instance): Pool {
    const { upstream, bodySilenceMs } = gatewayLimits
    const address = authority(instance)
    const known = this.#pools.get(address)
    if (known !== undefined) return known
    const pool = new Pool(`http://${address}`, {
      connections: upstream.connectionsPerInstance,
      pipelining: 1,
      connectTimeout: upstream.connectMs,
      keepAliveTimeout: upstream.keepAliveMs,
      headersTimeout: 0,
      bodyTimeout: bodySilenceMs,
    })
    this.#pools.set(address, pool)
    // Instances that are long gone: the pool made first goes, after its last answer.
    const [oldestAddress, oldest] = this.#pools.entries().next().value ?? []
    if (this.#pools.size > upstream.instancesMax && oldestAddress !== undefined && oldest !== undefined) {
      this.#pools.delete(oldestAddress)
      oldest.close().catch(() => undefined)
    }
    return pool
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()))
    this.#pools.clear()
  }
}

/** One try, from undici's events to the receiver's. */
class Call implements Dispatcher.DispatchHandler {
  readonly #receiver: Receiver
  readonly #answer: UpstreamAnswer
  readonly #signal: AbortSignal
  readonly #head: { resolve(): void; reject(error: Failure): void }
  readonly #timer: NodeJS.Timeout
  readonly #onGone: () => void
  #controller: Dispatcher.DispatchController | undefined
  #stopped: Failure | undefined
  #headPassed = false
  #status = 0

  constructor(
    receiver: Receiver,
    answer: UpstreamAnswer,
    { timeoutMs, signal }: UpstreamBounds,
    head: { resolve(): void; reject(error: Failure): void },
  ) {
    this.#receiver = receiver
    this.#answer = answer
    this.#signal = signal
    this.#head = head
    this.#timer = setTimeout(
      () => this.#stop(new Failure('deadline_exceeded', `no answer within ${Math.round(timeoutMs)} ms`)),
      timeoutMs,
    )
    this.#onGone = () => this.#stop(endOf(signal))
    signal.addEventListener('abort', this.#onGone, { once: true })
  }

  onRequestStart(started: Dispatcher.DispatchController): void {
    this.#controller = started
    if (this.#stopped !== undefined) started.abort(this.#stopped)
  }

  onResponseStart(_controller: unknown, status: number, headers: Record<string, string | string[] | undefined>): void {
    if (status < 200) return
    clearTimeout(this.#timer)
    this.#status = status
    this.#answer.head(status, headers)
    this.#headPassed = true
    this.#head.resolve()
  }

  onResponseData(flowing: Dispatcher.DispatchController, chunk: Buffer): void {
    const receiver = this.#receiver
    if (receiver.write(chunk) || receiver.destroyed) return
    flowing.pause()
    receiver.once('drain', () => flowing.resume())
  }

  onResponseEnd(): void {
    this.#receiver.end()
    this.#settle(this.#status >= 500 ? 'failed' : 'ok', this.#status)
  }

  onResponseError(_controller: unknown, error: Error): void {
    // The client leaving says nothing about the instance; an answer that doesn't end does.
    const left = this.#signal.aborted && endOf(this.#signal).code !== 'deadline_exceeded'
    this.#settle(left ? 'ok' : 'failed')
    if (this.#headPassed) this.#receiver.destroy()
    else this.#head.reject(this.#stopped ?? failureOfCall(error))
  }

  #stop(failure: Failure): void {
    this.#stopped ??= failure
    this.#controller?.abort(this.#stopped)
  }

  #settle(outcome: 'ok' | 'failed', status?: number): void {
    clearTimeout(this.#timer)
    this.#signal.removeEventListener('abort', this.#onGone)
    this.#answer.over(outcome, status)
  }
}

const clientGone = () => new Failure('unavailable', 'the client went away')

const endOf = ({ reason }: AbortSignal): Failure => (reason instanceof Failure ? reason : clientGone())

/** Faults that come before the first byte of the request was sent. */
const unreached: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_DESTROYED',
  'UND_ERR_CLOSED',
])

/** A refused connection is a service that is away (503); a connection that breaks, or nonsense on it, is 502. */
const failureOfCall = (error: unknown): Failure => {
  if (error instanceof Failure) return error
  const code = (error as { code?: unknown }).code
  if (unreached.has(code)) return new Unreached('the service cannot be reached', { cause: error, tried: true })
  if (code === 'UND_ERR_INVALID_ARG')
    return new Failure('invalid_request', 'the request cannot be passed on', { cause: error })
  return new Failure('bad_gateway', 'the connection to the service broke, or it answered nonsense', { cause: error })
}
