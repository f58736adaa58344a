/** What the Protocol lab and its server say to each other. Types only, as in protocol.ts. */

export const raceQuestions = ['order', 'product'] as const
export type RaceQuestion = (typeof raceQuestions)[number]

/** In the order in which they take turns. `rest-3` is named so that its absence is. */
export const raceLanes = ['rest-1', 'rest-1-tls', 'rest-2', 'rest-3', 'grpc-web', 'grpc', 'graphql', 'socket'] as const
export type RaceLane = (typeof raceLanes)[number]

/** `POST /api/race`, answered by lines of JSON. */
export interface RaceAsked {
  readonly question: RaceQuestion
  /** Of the order or the product. */
  readonly id: string
  /** Calls of each protocol; those that a user's limit counts may be fewer. */
  readonly runs: number
}

export interface RaceResult {
  readonly lane: RaceLane
  readonly runs: number
  readonly failed: number
  /** Of the calls that were answered, by the clock of the console's server. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** The connection, with TLS and the WebSocket's handshake. */
  readonly connectMs: number
  /** Of one call, within TLS: headers and frames included. */
  readonly bytesUp: number
  readonly bytesDown: number
  /** Of all services and the gateway together, for one call; only where the kernel says it. */
  readonly cpuUs?: number
  /** Answers that the gateway gave from its memory. */
  readonly kept: number
}

export type RaceLine =
  | {
      readonly type: 'begin'
      /** How many calls each will make; 0: it isn't there. */
      readonly runs: Readonly<Record<RaceLane, number>>
      /** Why some aren't there. */
      readonly away: Readonly<Partial<Record<RaceLane, 'no client' | 'no TLS' | 'failed'>>>
    }
  | { readonly type: 'lane'; readonly result: RaceResult }
  | { readonly type: 'end'; readonly cut: boolean }
