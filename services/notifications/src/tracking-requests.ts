/** What the tracking stream asks for: the parcels that are followed, and each change of them as it comes. */
import type { TrackDeliveriesRequest } from '@svyaz/contracts/proto/generated/delivery.ts'

/** Parcels to follow. One stream at a time says them to delivery: first all of them, then what changes. */
export class Requests {
  readonly #wanted = new Set<string>()
  /** Changes that the stream has not said yet. */
  #waiting: TrackDeliveriesRequest[] = []
  #wake: (() => void) | undefined

  add(orderId: string): void {
    if (this.#wanted.has(orderId)) return
    this.#wanted.add(orderId)
    this.#change({ addOrderIds: [orderId], dropOrderIds: [] })
  }

  drop(orderId: string): void {
    if (this.#wanted.delete(orderId)) this.#change({ addOrderIds: [], dropOrderIds: [orderId] })
  }

  /** Resolves as soon as there is a parcel to follow, or when the signal aborts. */
  async wanted(signal: AbortSignal): Promise<void> {
    while (this.#wanted.size === 0 && !signal.aborted) await this.#changed(signal)
  }

  /** What is to be said on a new stream, until the signal ends it. */
  async *stream(signal: AbortSignal): AsyncGenerator<TrackDeliveriesRequest> {
    this.#waiting = []
    yield { addOrderIds: [...this.#wanted], dropOrderIds: [] }
    while (!signal.aborted) {
      const next = this.#waiting.shift()
      if (next) yield next
      else await this.#changed(signal)
    }
  }

  #change(request: TrackDeliveriesRequest): void {
    this.#waiting.push(request)
    this.#wake?.()
  }

  #changed(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const woken = () => {
      signal.removeEventListener('abort', woken)
      resolve()
    }
    this.#wake = woken
    signal.addEventListener('abort', woken, { once: true })
    return promise
  }
}
