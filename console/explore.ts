/**
 * What the API page and its server say to each other. Types only, as in protocol.ts. A request goes to the gateway as
 * the page wrote it, with the token of whoever it is made as; tokens stay with the server.
 */

/** As whom: who signed in here, a demo user, who may do everything on this machine, or without a token. */
export const callerNames = ['me', 'ada', 'boris', 'administrator', 'nobody'] as const
export type CallerName = (typeof callerNames)[number]

/** `GET /api/explore/callers`: those that are there. */
export interface CallersAnswer {
  readonly callers: readonly CallerName[]
}

/** `POST /api/explore/http` */
export interface HttpAsked {
  readonly as: CallerName
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
}
export interface HttpAnswered {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The beginning, where it is long; tokens are left out. */
  readonly text: string
  /** Of the whole body. */
  readonly bytes: number
  readonly ms: number
  readonly traceId?: string
}

/** `POST /api/explore/grpc`: as gRPC-Web. */
export interface GrpcAsked {
  readonly as: CallerName
  /** `package.Service/Method`. */
  readonly method: string
  /** In protobuf's JSON form. */
  readonly message: unknown
}
export interface GrpcAnswered {
  /** 0: OK. */
  readonly code: number
  readonly message: string
  readonly answer?: unknown
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: number
  readonly ms: number
  readonly traceId?: string
}

/** `POST /api/explore/watch`: what comes, a line of JSON each, until the page goes. */
export type WatchAsked =
  | ({ readonly kind: 'events' } & HttpAsked)
  | ({ readonly kind: 'grpc' } & GrpcAsked)
  | { readonly kind: 'socket'; readonly as: CallerName; readonly path: string }
export interface WatchLine {
  /** Since 1970. */
  readonly atMs: number
  readonly kind: 'open' | 'message' | 'end'
  readonly data?: unknown
}
