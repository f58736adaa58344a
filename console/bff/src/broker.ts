/**
 * The broker, ours or Apache Kafka, as an operator's tool sees it (decision 0090). Its client is loaded when a page asks
 * for the first time and closed when none has asked for a while: without a look into topics it costs nothing.
 */
import type { Operator } from '@svyaz/kit/operator'
import { type Log, Problem } from '@svyaz/stage'
import { limits } from './limits.ts'

/** @param text `kafka://host:port` or `host:port`, with commas between; empty for none */
export const addressesIn = (text: string): string[] =>
  text
    .split(',')
    .map((one) => one.trim().replace(/^kafka:\/\//, ''))
    .filter(Boolean)

/**
 * @param environment of the process: the addresses are in SVYAZ_CONSOLE_BROKERS, unless SVYAZ_MESSAGES says that RabbitMQ
 *   carries the events
 * @returns as for {@link addressesIn}
 */
export const brokersIn = ({
  SVYAZ_MESSAGES: carrier,
  SVYAZ_CONSOLE_BROKERS: brokers = '',
}: NodeJS.ProcessEnv): string => (carrier === 'rabbitmq' ? '' : brokers)

export class Broker implements AsyncDisposable {
  readonly #addresses: readonly string[]
  readonly #log: Log
  #operator: Promise<Operator> | undefined
  #users = 0
  #idle: NodeJS.Timeout | undefined

  /** @param addresses `host:port` of some brokers; empty where there is none */
  constructor(addresses: readonly string[], log: Log) {
    this.#addresses = addresses
    this.#log = log
  }

  /**
   * Works with the broker.
   * @throws Problem 503 no_broker where none is known, unavailable when it doesn't answer; whatever the work throws
   */
  async use<T>(work: (operator: Operator) => Promise<T>): Promise<T> {
    clearTimeout(this.#idle)
    this.#users += 1
    try {
      this.#operator ??= this.#open()
      return await work(await this.#operator)
    } catch (error) {
      throw this.#toldOf(error)
    } finally {
      this.#users -= 1
      if (this.#users === 0) this.#idle = setTimeout(() => void this.#close(), limits.brokerIdleMs).unref()
    }
  }

  /**
   * Works with connections of its own: a fetch that waits for records holds up whatever is asked behind it.
   * @throws as {@link use}
   */
  async alone<T>(work: (operator: Operator) => Promise<T>): Promise<T> {
    try {
      await using operator = await this.#open()
      return await work(operator)
    } catch (error) {
      throw this.#toldOf(error)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#idle)
    await this.#close()
  }

  #toldOf(error: unknown): unknown {
    if (!codeOf(error).startsWith('PLT_KFK_')) return error
    this.#log('warn', 'the broker does not do what a page asks', { error: String(error) })
    return new Problem(503, 'unavailable', 'the broker does not answer')
  }

  async #open(): Promise<Operator> {
    if (this.#addresses.length === 0) throw new Problem(503, 'no_broker', 'this console was told of no Kafka broker')
    const { openOperator } = await import('@svyaz/kit/operator')
    return openOperator({ bootstrap: this.#addresses, name: 'svyaz-console', log: kitLog(this.#log) })
  }

  async #close(): Promise<void> {
    const open = this.#operator
    this.#operator = undefined
    await (await open?.catch(() => undefined))?.[Symbol.asyncDispose]()
  }
}

const codeOf = (error: unknown): string => (error as { readonly code?: string } | undefined)?.code ?? ''

type KitLog = Parameters<typeof import('@svyaz/kit/operator').openOperator>[0]['log']

/** The kit's way to log, on this server's: what the client says below a warning is of no use here. */
function kitLog(log: Log): KitLog {
  const at = (level: 'warn' | 'error') => (first: unknown, text?: string) =>
    typeof first === 'string' ? log(level, first) : log(level, text ?? 'broker', first as Record<string, unknown>)
  const silent = () => {}
  const own: KitLog = { debug: silent, info: silent, warn: at('warn'), error: at('error'), child: () => own }
  return own
}
