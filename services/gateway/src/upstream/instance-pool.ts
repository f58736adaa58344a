/** The connections to one instance: a bounded number, kept while they are used; requests beyond it wait for their turn. */
import { Unreached } from '@svyaz/kit'
import type { Call, Holder } from './call.ts'
import { Connection, type ConnectionLimits, type Owner } from './connection.ts'

export interface PoolLimits extends ConnectionLimits {
  readonly connectionsPerInstance: number
  readonly waitingPerInstanceMax: number
}

export class InstancePool implements Owner, Holder {
  readonly limits: PoolLimits
  readonly now: () => number
  readonly #address: { host: string; port: number }
  readonly #connections = new Set<Connection>()
  /** The one used last is used next, so that those that aren't needed grow old. */
  readonly #resting: Connection[] = []
  readonly #waiting = new Set<Call>()
  #giving: NodeJS.Immediate | undefined
  #retired = false

  /** @param now monotonic ms */
  constructor(address: { host: string; port: number }, limits: PoolLimits, now: () => number) {
    this.#address = address
    this.limits = limits
    this.now = now
  }

  /**
   * Takes a call; how it ends is said to the call.
   *
   * It waits for the end of this turn of the event loop even when a connection is there: bytes that nobody asked for, and
   * the end of a connection, which have arrived already, are then read before a request is written behind them.
   */
  take(call: Call): void {
    if (this.#waiting.size >= this.limits.waitingPerInstanceMax)
      return call.fail(new Unreached('too many requests wait for this instance', { tried: false }), false)
    call.holder = this
    this.#waiting.add(call)
    this.#giveSoon()
  }

  letGo(call: Call): void {
    this.#waiting.delete(call)
  }

  free(connection: Connection): void {
    this.#resting.push(connection)
    if (this.#waiting.size > 0) this.#giveSoon()
    else if (this.#retired) connection.destroy()
  }

  closed(connection: Connection): void {
    this.#connections.delete(connection)
    const at = this.#resting.indexOf(connection)
    if (at !== -1) this.#resting.splice(at, 1)
    if (this.#waiting.size > 0) this.#giveSoon()
  }

  /** Whether there is nothing left of it. */
  get isEmpty(): boolean {
    return this.#connections.size === 0 && this.#waiting.size === 0
  }

  /** To be called now and then: ends what has rested or been silent for too long. */
  sweep(): void {
    const now = this.now()
    for (const connection of this.#connections) connection.sweep(now)
  }

  /** No more calls come: those that are here are answered, and then nothing is kept. */
  retire(): void {
    this.#retired = true
    for (const connection of [...this.#resting]) connection.destroy()
  }

  destroy(): void {
    clearImmediate(this.#giving)
    this.#retired = true
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const call of waiting) call.fail(new Unreached('the gateway stops', { tried: false }), false)
    for (const connection of this.#connections) connection.destroy()
  }

  #giveSoon(): void {
    this.#giving ??= setImmediate(() => {
      this.#giving = undefined
      this.#give()
    })
  }

  #give(): void {
    for (const call of this.#waiting) {
      const connection = this.#connectionFor(call)
      if (connection === undefined) return
      this.#waiting.delete(call)
      if (connection !== 'impossible') connection.begin(call)
    }
  }

  /** What discovery said may be no address at all: then the call fails, and nothing was sent. */
  #connectionFor(call: Call): Connection | 'impossible' | undefined {
    try {
      return this.#nextConnection()
    } catch (error) {
      call.fail(error, false)
      return 'impossible'
    }
  }

  #nextConnection(): Connection | undefined {
    const now = this.now()
    for (let kept = this.#resting.pop(); kept !== undefined; kept = this.#resting.pop()) {
      if (kept.usable(now)) return kept
      kept.destroy()
    }
    if (this.#connections.size >= this.limits.connectionsPerInstance) return undefined
    const made = new Connection(this.#address, this)
    this.#connections.add(made)
    return made
  }
}
