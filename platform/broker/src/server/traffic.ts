/** What went over the sockets since the start; the metrics page reads it. */
import type { Api } from '../apis/api.ts'

export interface ApiTraffic {
  requests: number
  /** From the arrival of the request to the answer's hand-over to the socket; a parked one's wait is part of it. */
  msTotal: number
}

export class Traffic {
  connections = 0
  connectionsTotal = 0
  /** Closed by us for a broken rule, by rule. */
  readonly closedFor = new Map<string, number>()
  bytesIn = 0
  bytesOut = 0
  readonly #apis = new Map<string, ApiTraffic>()

  constructor(apis: readonly Api[]) {
    for (const { name } of apis) this.#apis.set(name, { requests: 0, msTotal: 0 })
  }

  answered({ name }: Api, ms: number): void {
    const traffic = this.#apis.get(name)
    if (traffic === undefined) return
    traffic.requests++
    traffic.msTotal += ms
  }

  closed(rule: string): void {
    this.closedFor.set(rule, (this.closedFor.get(rule) ?? 0) + 1)
  }

  apis(): Iterable<readonly [name: string, traffic: Readonly<ApiTraffic>]> {
    return this.#apis
  }
}
