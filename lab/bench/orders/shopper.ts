/** A customer with a WebSocket, as both stacks see one: orders over HTTP, hears of the end in a frame. */
import { randomUUID } from 'node:crypto'
import { ask } from '@svyaz/observe/http.ts'
import type { Customer } from './stack.ts'

export interface Outcome {
  /** Of `POST /orders`; 0: no answer came. */
  readonly status: number
  /** Of an order that was accepted. */
  readonly orderId?: string
  /** When it was due, ms on the monotonic clock: where both durations begin. */
  readonly dueAtMs: number
  readonly postMs: number
  /** Until the frame that says completed; undefined: it never came, or the order ended otherwise. */
  readonly completedMs?: number
}

export interface Line {
  readonly productId: string
  readonly quantity: number
}

const patienceMs = 60_000
const openMs = 10_000

/** An order's end as a frame tells it. */
const ends = new Set(['order.completed', 'order.rejected', 'order.cancelled'])

export class Shopper implements Disposable {
  readonly #ordersUrl: string
  readonly #token: string
  readonly #socket: WebSocket
  /** Of orders that ended before POST was answered. */
  readonly #ended = new Map<string, { kind: string; atMs: number }>()
  readonly #waiting = new Map<string, (end: { kind: string; atMs: number } | undefined) => void>()

  private constructor(ordersUrl: string, customer: Customer, socket: WebSocket) {
    this.#ordersUrl = ordersUrl
    this.#token = customer.token
    this.#socket = socket
  }

  /** Connects and waits for the hello. */
  static async open(ordersUrl: string, customer: Customer): Promise<Shopper> {
    const socket = new WebSocket(customer.stream.url, [...customer.stream.protocols])
    const shopper = new Shopper(ordersUrl, customer, socket)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const patience = setTimeout(() => reject(new Error(`no hello on ${customer.stream.url}`)), openMs)
    socket.onmessage = ({ data }) => {
      const atMs = performance.now()
      const message = JSON.parse(String(data)) as { type: string; data?: { kind: string; orderId?: string } }
      if (message.type === 'hello') resolve()
      if (message.type === 'notification' && message.data) shopper.#hear(message.data, atMs)
    }
    socket.onclose = ({ code }) => {
      reject(new Error(`the WebSocket was closed with ${code}`))
      for (const give of shopper.#waiting.values()) give(undefined)
    }
    await promise.finally(() => clearTimeout(patience))
    return shopper
  }

  /** Places one order; resolves when it is completed, refused or given up. */
  async order(items: readonly Line[], dueAtMs: number): Promise<Outcome> {
    const answer = await ask('POST', `${this.#ordersUrl}/orders`, {
      token: this.#token,
      headers: { 'idempotency-key': randomUUID() },
      body: { items },
    }).catch(() => undefined)
    const answered = { status: answer?.status ?? 0, dueAtMs, postMs: performance.now() - dueAtMs }
    if (answer?.status !== 201) return answered
    const accepted = { ...answered, orderId: answer.body.id }
    const end = await this.#end(accepted.orderId)
    return end?.kind === 'order.completed' ? { ...accepted, completedMs: end.atMs - dueAtMs } : accepted
  }

  [Symbol.dispose](): void {
    this.#socket.onclose = null
    this.#socket.close()
  }

  #hear({ kind, orderId }: { kind: string; orderId?: string }, atMs: number): void {
    if (orderId === undefined || !ends.has(kind)) return
    const give = this.#waiting.get(orderId)
    if (give) give({ kind, atMs })
    else this.#ended.set(orderId, { kind, atMs })
  }

  async #end(orderId: string): Promise<{ kind: string; atMs: number } | undefined> {
    const known = this.#ended.get(orderId)
    if (known) {
      this.#ended.delete(orderId)
      return known
    }
    const { promise, resolve } = Promise.withResolvers<{ kind: string; atMs: number } | undefined>()
    const patience = setTimeout(() => resolve(undefined), patienceMs)
    this.#waiting.set(orderId, resolve)
    const end = await promise
    clearTimeout(patience)
    this.#waiting.delete(orderId)
    return end
  }
}
