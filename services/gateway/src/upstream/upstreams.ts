/**
 * The gateway's client towards services: HTTP/1.1 over kept connections, a pool an instance (decision 0079). Read
 * `call.ts`, `instance-pool.ts`, `connection.ts`, then `answer-reader.ts`, which says what an answer is.
 */
import type { Failure, Instance } from '@svyaz/kit'
import { gatewayLimits } from '../config.ts'
import { Call, clientGone, type Receiver, type UpstreamAnswer, type UpstreamBounds } from './call.ts'
import { InstancePool, type PoolLimits } from './instance-pool.ts'
import { type RequestHead, requestHead, type UpstreamRequest } from './request-head.ts'

export type UpstreamLimits = PoolLimits & { readonly instancesMax: number; readonly sweepMs: number }

const defaultLimits: UpstreamLimits = {
  ...gatewayLimits.upstream,
  bodySilenceMs: gatewayLimits.bodySilenceMs,
  unreadMsMax: gatewayLimits.unreadMsMax,
  sweepMs: gatewayLimits.checkEveryMs,
}

/** Connections to instances, a pool for each, kept while they are used. */
export class Upstreams implements AsyncDisposable {
  readonly #pools = new Map<string, InstancePool>()
  /** Of instances that are gone, until their last answer has ended. */
  readonly #retired = new Set<InstancePool>()
  readonly #now: () => number
  readonly #limits: UpstreamLimits
  readonly #sweeping: NodeJS.Timeout

  /** @param now monotonic ms */
  constructor(now: () => number, limits: Partial<UpstreamLimits> = {}) {
    this.#now = now
    this.#limits = { ...defaultLimits, ...limits }
    this.#sweeping = setInterval(() => this.#sweep(), this.#limits.sweepMs)
    this.#sweeping.unref()
  }

  /** Resolves when the head was passed on (the body goes on flowing), rejects with a Failure when there was none. */
  send(
    instance: Instance,
    request: UpstreamRequest,
    receiver: Receiver,
    answer: UpstreamAnswer,
    bounds: UpstreamBounds,
  ): Promise<void> {
    const { host } = instance
    const authority = `${host.includes(':') ? `[${host}]` : host}:${instance.ports.http}`
    let head: RequestHead
    try {
      if (bounds.signal.aborted) throw clientGone()
      head = requestHead(request, authority)
    } catch (error) {
      answer.over('ok')
      return Promise.reject(error as Failure)
    }
    return new Promise((resolve, reject) => {
      const { method, body } = request
      const call = new Call({ method, head, body }, receiver, answer, bounds, { resolve, reject })
      this.#poolOf(authority, instance).take(call)
    })
  }

  #poolOf(authority: string, { host, ports }: Instance): InstancePool {
    const known = this.#pools.get(authority)
    if (known !== undefined) return known
    const pool = new InstancePool({ host, port: ports.http ?? 0 }, this.#limits, this.#now)
    this.#pools.set(authority, pool)
    // Instances that are long gone: the pool made first goes, after its last answer.
    const [oldestAuthority, oldest] = this.#pools.entries().next().value ?? []
    if (this.#pools.size > this.#limits.instancesMax && oldestAuthority !== undefined && oldest !== undefined) {
      this.#pools.delete(oldestAuthority)
      this.#retired.add(oldest)
      oldest.retire()
    }
    return pool
  }

  #sweep(): void {
    for (const pool of this.#pools.values()) pool.sweep()
    for (const pool of this.#retired) {
      pool.sweep()
      if (pool.isEmpty) this.#retired.delete(pool)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweeping)
    for (const pool of [...this.#pools.values(), ...this.#retired]) pool.destroy()
    this.#pools.clear()
    this.#retired.clear()
  }
}
