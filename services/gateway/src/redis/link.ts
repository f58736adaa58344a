/**
 * The connection to Redis, for what several gateways share. Nobody ever waits for it longer than `answerMs`: a question
 * that isn't answered in time marks Redis as away, and until it answers again whoever asks is told so at once and goes by
 * what this gateway knows alone (decision 0074).
 */
import type { Clock, Logger, Metrics } from '@svyaz/kit'
import type { Redis } from 'ioredis'
import { gatewayLimits } from '../config.ts'

export interface RedisContext {
  readonly clock: Pick<Clock, 'delay'>
  readonly log: Logger
  readonly metrics: Metrics
  /** How long an answer is waited for, ms; what the gateway's limits say by default. */
  readonly answerMs?: number
}

/** A script: loaded once per connection, then called by its hash. */
export interface Script {
  readonly name: string
  readonly keys: number
  readonly lua: string
}

type Argument = string | number | Buffer

/** What has to be done before anybody is served from a Redis that was away. Rejects when it isn't answered. */
type Return = (lifeOfServer: string) => Promise<unknown>

/** What a probe writes, so that a server that can only be read (a replica, or one whose memory is full) counts as away. */
const probeKey = 'svyaz:probe'

export class RedisLink implements AsyncDisposable {
  readonly #redis: Redis
  readonly #context: RedisContext
  readonly #missed: ReturnType<Metrics['counter']>
  readonly #returns: Return[] = []
  readonly #closing = new AbortController()
  /** Grows with every return: what was learnt before an absence isn't compared with what was learnt after it. */
  #period = 0
  #here = false
  /** Undefined: nothing has been said of it yet. */
  #said: 'here' | 'away' | undefined
  #probing: Promise<void> | undefined
  #lastError = ''

  /**
   * Connects, waiting no longer than a connection may take: a gateway starts without Redis too.
   *
   * @param url `redis://user:password@host:port/db`, or `rediss:` for TLS
   * @param scripts what {@link run} may call
   */
  static async open(url: string, scripts: readonly Script[], context: RedisContext): Promise<RedisLink> {
    // Most systems never need it.
    const { Redis } = await import('ioredis')
    const redis = new Redis(url, {
      lazyConnect: true,
      connectTimeout: gatewayLimits.redis.connectMs,
      // What can't be asked now isn't asked later: its request has been answered by then.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // Whether it can do its work is asked by a probe, which also ends waiting for data that are still being loaded.
      enableReadyCheck: false,
      disableClientInfo: true,
      connectionName: 'svyaz-gateway',
      protocol: 2,
      retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 10), gatewayLimits.redis.reconnectMsMax),
    })
    for (const { name, keys, lua } of scripts) redis.defineCommand(name, { numberOfKeys: keys, lua })
    return new RedisLink(redis, context)
  }

  private constructor(redis: Redis, context: RedisContext) {
    this.#redis = redis
    this.#context = context
    const { metrics } = context
    metrics.gauge('gateway_redis_up', '1 while Redis answers in time').collect(() => Number(this.#here))
    this.#missed = metrics.counter(
      'gateway_redis_missed_total',
      'Questions that Redis could not be asked or did not answer in time: this gateway went by what it knows alone',
      ['what'],
    )
    redis.on('error', (error: Error) => {
      this.#lastError = error.message
    })
    redis.on('close', () => this.#gone(this.#lastError || 'the connection ended'))
    redis.connect().catch(() => undefined)
  }

  /** Which uninterrupted stretch of answers this is; 0 while Redis is away. */
  get period(): number {
    return this.#here ? this.#period : 0
  }

  /** Called with each return of Redis, the first included; what it asks is bounded like everything. */
  onReturn(back: Return): void {
    this.#returns.push(back)
  }

  /** Begins to look whether it is there; resolves when it answered, or had its time to. After the last {@link onReturn}. */
  async start(): Promise<void> {
    const enough = new AbortController()
    this.#probing = this.#untilHere()
    await Promise.race([
      this.#probing,
      this.#context.clock.delay(gatewayLimits.redis.connectMs, enough.signal).catch(() => undefined),
    ])
    enough.abort()
  }

  /**
   * Calls a script. Undefined when Redis is away, fails, or takes longer than `answerMs`: then it may have run or not.
   *
   * @param binary answers strings as Buffers
   */
  async run(script: Script, args: readonly Argument[], binary = false): Promise<unknown> {
    if (!this.#here) {
      this.#missed.inc({ what: script.name })
      return undefined
    }
    try {
      return await this.#ask(script, args, binary)
    } catch (error) {
      this.#missed.inc({ what: script.name })
      this.#gone(error instanceof Error ? error.message : String(error))
      return undefined
    }
  }

  /** The same for those who are called on its return. @throws Error when it isn't answered */
  async runOnReturn(script: Script, args: readonly Argument[]): Promise<void> {
    await this.#ask(script, args, false)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    this.#here = false
    this.#redis.disconnect()
    await this.#probing
  }

  #ask({ name }: Script, args: readonly Argument[], binary: boolean): Promise<unknown> {
    const call = (this.#redis as unknown as Record<string, (...args: Argument[]) => Promise<unknown>>)[
      binary ? `${name}Buffer` : name
    ]!
    return this.#inTime(call.apply(this.#redis, [...args]))
  }

  #gone(reason: string): void {
    this.#here = false
    if (this.#closing.signal.aborted) return
    if (this.#said !== 'away')
      this.#context.log.warn({ reason }, 'Redis is away: limits and kept answers are of this gateway alone')
    this.#said = 'away'
    this.#probing ??= this.#untilHere()
  }

  async #untilHere(): Promise<void> {
    const { probeEveryMs, probesMissedMax } = gatewayLimits.redis
    for (let missed = 1; !this.#here && !this.#closing.signal.aborted; missed++) {
      try {
        await this.#look()
        break
      } catch (error) {
        // Connected, and silent: on a connection that is lost without a word nothing would ever come.
        if (this.#redis.status === 'ready' && missed % probesMissedMax === 0) this.#redis.disconnect(true)
        if (this.#redis.status !== 'connecting') this.#gone(error instanceof Error ? error.message : String(error))
      }
      await this.#context.clock.delay(probeEveryMs, this.#closing.signal).catch(() => undefined)
    }
    this.#probing = undefined
  }

  /** @throws Error when it can't do its work yet */
  async #look(): Promise<void> {
    if (this.#redis.status !== 'ready') throw new Error(this.#lastError || 'no connection yet')
    await this.#inTime(this.#redis.set(probeKey, '1', 'PX', 1_000))
    const life = await this.#inTime(this.#redis.info('server')).catch(() => '')
    for (const back of this.#returns) await back(/^run_id:(\w{1,64})/m.exec(life)?.[1] ?? 'unknown')
    this.#period++
    this.#here = true
    this.#lastError = ''
    this.#context.log.info({}, this.#said === 'away' ? 'Redis is back' : 'Redis is there')
    this.#said = 'here'
  }

  /** @throws Error what the question was refused with, or that it wasn't answered in time */
  #inTime<T>(question: Promise<T>): Promise<T> {
    const { answerMs = gatewayLimits.redis.answerMs } = this.#context
    return new Promise((resolve, reject) => {
      // An answer that is there already, while this process was busy, is read before the time is called over.
      const timer = setTimeout(() => setImmediate(reject, new Error('no answer in time')), answerMs)
      question.then(resolve, reject).finally(() => clearTimeout(timer))
    })
  }
}
