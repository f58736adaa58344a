/** One try of one request at one instance: undici's dispatcher straight into the client's response, no copies between. */
import type { ServerResponse } from 'node:http'
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

export interface Upstreams extends AsyncDisposable {
  /**
   * Resolves when the head was passed on (the body goes on flowing), rejects with a Failure when there was none.
   * `timeoutMs` is for the head.
   */
  send(
    instance: Instance,
    request: UpstreamRequest,
    response: ServerResponse,
    answer: UpstreamAnswer,
    bounds: { timeoutMs: number; signal: AbortSignal },
  ): Promise<void>
}

const authority = ({ host, ports }: Instance) => `${host.includes(':') ? `[${host}]` : host}:${ports.http}`

/** Connections to instances, a pool for each, kept while they are used. */
export const createUpstreams = (): Upstreams => {
  const { upstream, bodySilenceMs } = gatewayLimits
  const pools = new Map<string, Pool>()

  const poolOf = (instance: Instance): Pool => {
    const address = authority(instance)
    const known = pools.get(address)
    if (known !== undefined) return known
    const pool = new Pool(`http://${address}`, {
      connections: upstream.connectionsPerInstance,
      pipelining: 1,
      connectTimeout: upstream.connectMs,
      keepAliveTimeout: upstream.keepAliveMs,
      headersTimeout: 0,
      bodyTimeout: bodySilenceMs,
    })
    pools.set(address, pool)
    // Instances that are long gone: the pool made first goes, after its last answer.
    const [oldestAddress, oldest] = pools.entries().next().value ?? []
    if (pools.size > upstream.instancesMax && oldestAddress !== undefined && oldest !== undefined) {
      pools.delete(oldestAddress)
      oldest.close().catch(() => undefined)
    }
    return pool
  }

  return {
    send(instance, request, response, answer, { timeoutMs, signal }) {
      return new Promise<void>((resolve, reject) => {
        let controller: Dispatcher.DispatchController | undefined
        let stopped: Failure | undefined
        let headPassed = false
        const stop = (failure: Failure) => {
          stopped ??= failure
          controller?.abort(stopped)
        }
        const timer = setTimeout(
          () => stop(new Failure('deadline_exceeded', `no answer within ${Math.round(timeoutMs)} ms`)),
          timeoutMs,
        )
        const onGone = () => stop(new Failure('unavailable', 'the client went away'))
        signal.addEventListener('abort', onGone, { once: true })
        const settle = (outcome: 'ok' | 'failed', status?: number) => {
          clearTimeout(timer)
          signal.removeEventListener('abort', onGone)
          answer.over(outcome, status)
        }
        let answered = 0

        const dispatched: Dispatcher.DispatchHandler = {
          onRequestStart(started) {
            controller = started
            if (stopped !== undefined) started.abort(stopped)
          },
          onResponseStart(_controller, status, headers) {
            if (status < 200) return
            clearTimeout(timer)
            answered = status
            answer.head(status, headers)
            headPassed = true
            resolve()
          },
          onResponseData(flowing, chunk) {
            if (response.write(chunk) || response.destroyed) return
            flowing.pause()
            response.once('drain', () => flowing.resume())
          },
          onResponseEnd() {
            response.end()
            settle(answered >= 500 ? 'failed' : 'ok', answered)
          },
          onResponseError(_controller, error) {
            // The client leaving says nothing about the instance.
            settle(signal.aborted ? 'ok' : 'failed')
            if (headPassed) response.destroy()
            else reject(stopped ?? failureOfCall(error))
          },
        }
        poolOf(instance).dispatch(
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
          dispatched,
        )
      })
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
      pools.clear()
    },
  }
}

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
