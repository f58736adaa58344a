/** A stack under comparison: how it is started, where its customers go, what its processes use. */

export interface Customer {
  readonly token: string
  /** Where their frames come: WebSocket address and subprotocols. */
  readonly stream: { readonly url: string; readonly protocols: readonly string[] }
}

export interface Stack extends AsyncDisposable {
  /** Base of `POST /orders`. */
  readonly ordersUrl: string
  readonly products: readonly string[]
  signUp(name: string): Promise<Customer>
  /** Processor time since the start by process, ms. */
  cpuMs(): ReadonlyMap<string, number>
  /** Its processes, and where they tell their counters. */
  instances?(): readonly { name: string; pids: readonly number[]; metricsUrl: string | undefined }[]
}

/** How long the carrier takes, in both: nothing, so that the figures are of the stacks. */
export const carrierMs = { ship: 0, deliver: 0 } as const
