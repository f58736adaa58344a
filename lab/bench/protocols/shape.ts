/** What the processes of this bench say to each other. */

export const topic = 'bench.orders'

export interface Ports {
  readonly rest: number
  readonly grpc: number
  readonly webSocket: number
}

export type ToAnswerer = 'report' | 'stop'
export type FromAnswerer =
  | { readonly ports: Ports }
  | { readonly cpu: NodeJS.CpuUsage; readonly received: readonly number[] }

/** The machine's monotonic clock, the same in every process of it. */
export const nowNs = (): bigint => process.hrtime.bigint()
