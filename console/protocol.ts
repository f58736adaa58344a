/**
 * What the page and its server say to each other: the WebSocket `/api/live` (the server's messages below, JSON, one
 * each), and the bodies of the JSON routes. Types only: the page must not carry a schema library, and the server
 * checks by hand the little that it takes.
 */

import type { Product } from '@svyaz/contracts/http/inventory.ts'
import type { Story } from '@svyaz/contracts/http/order-story.ts'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import type { RelayNow, RelaySession } from '@svyaz/contracts/http/relay.ts'
import type { NotificationFrame } from '@svyaz/contracts/socket/notifications.ts'

export type { NotificationFrame, OrderView, Product, RelayNow, RelaySession, Story }

/** The two people whose orders the page shows; their tokens never leave the server. */
export const demoUsers = ['ada', 'boris'] as const
export type DemoUser = (typeof demoUsers)[number]
/** Whose order it is: one of the two, or somebody else's that was asked for by its id. */
export type Owner = DemoUser | 'other'

export const actions = ['kill', 'restart', 'stop', 'start', 'pause', 'resume'] as const
export type Action = (typeof actions)[number]

/** `GET /api/session`: sets the cookie; every request that changes something carries `csrf` in {@link csrfHeader}. */
export interface SessionAnswer {
  readonly csrf: string
}
export const csrfHeader = 'x-svyaz-csrf'

/** An instance of a process, as its supervisor sees it. */
export interface Process {
  readonly name: string
  readonly service: string
  readonly kind: 'engine' | 'platform' | 'service' | 'outside' | 'console'
  readonly status: 'launching' | 'starting' | 'ready' | 'unready' | 'paused' | 'stopping' | 'stopped' | 'backing-off'
  readonly pid?: number
  readonly ports: Readonly<Record<string, number>>
  readonly restarts: number
  /** RFC 3339, of the present process. */
  readonly startedAt?: string
  readonly memoryBudgetMb: number
  readonly scalable: boolean
}

/** An instance was away for a while. Times are RFC 3339. */
export interface Outage {
  readonly instance: string
  readonly service: string
  /** What ended it: a signal (SIGKILL), an exit code, or that somebody asked for it. */
  readonly cause: 'killed' | 'died' | 'stopped' | 'paused' | 'restarted' | 'unready'
  readonly from: string
  /** Absent while it lasts. */
  readonly until?: string
}

/** No instance of a service was ready for a while. Times are RFC 3339. */
export interface Away {
  readonly service: string
  /** Those that were away together, at the end. */
  readonly instances: readonly string[]
  readonly cause: Outage['cause']
  readonly from: string
  /** When the first of them was ready again; absent while it lasts. */
  readonly until?: string
}

/** Statements that one piece of work made in the database of its service. */
export interface Statements {
  readonly count: number
  readonly ms: number
}

interface HopCommon {
  readonly key: string
  readonly traceId: string
  /** Milliseconds since 1970, with fractions. */
  readonly atMs: number
  readonly durationMs: number
  readonly error?: string
  /** Id of the event in whose handling it happened. */
  readonly cause?: string
}

/** One service asked another and waited. `to` may be the payment processor or the mail server. */
export interface CallHop extends HopCommon {
  readonly kind: 'call'
  readonly protocol: 'http' | 'grpc' | 'smtp'
  readonly from: string
  readonly to: string
  readonly name: string
  readonly status?: string
  readonly fromInstance: string
  readonly toInstance?: string
  /** Made by the one who was asked. */
  readonly sql?: Statements
}

/** An event went into a topic, and these took it. */
export interface EventHop extends HopCommon {
  readonly kind: 'event'
  readonly from: string
  readonly fromInstance: string
  readonly topic: string
  readonly type: string
  readonly eventId: string
  readonly partition?: string
  readonly offset?: number
  readonly taken: readonly Taken[]
}

export interface Taken {
  readonly by: string
  readonly instance: string
  readonly atMs: number
  readonly durationMs: number
  readonly attempt: number
  /** It had been handled before: its effect was not repeated. */
  readonly deduplicated: boolean
  readonly sql?: Statements
  readonly error?: string
}

/** A frame went down the user's WebSocket. */
export interface FrameHop extends HopCommon {
  readonly kind: 'frame'
  readonly from: string
}

export type Hop = CallHop | EventHop | FrameHop

/** The traces of an order (its placing, a change, its cancelling), reduced to what people want to see. */
export interface Trace {
  readonly traceIds: readonly string[]
  readonly spans: number
  readonly hops: readonly Hop[]
}

export interface TrackedOrder {
  readonly user: Owner
  readonly order: OrderView
  readonly story?: Story
  readonly trace?: Trace
}

/** One look at a running session: what happened since the look before. */
export interface RelayPoint {
  /** Seconds since the session began. */
  readonly atSeconds: number
  readonly messagesPerSecond: number
  /** µs, over the latest messages; absent before the first was back. */
  readonly medianMicros?: number
}

/** The relay loop, for pages that look at it. */
export interface RelayPicture {
  /** `absent`: this console was told of no MC1; `away`: it doesn't answer. */
  readonly state: 'absent' | 'unknown' | 'away' | 'there'
  /** As MC1 said last. */
  readonly now?: RelayNow
  /** Of the running session, or of the last one that was watched; oldest first. */
  readonly points: readonly RelayPoint[]
  /** Newest first. */
  readonly sessions: readonly RelaySession[]
}

export type UserState = 'waiting' | 'ready'

export type LiveMessage =
  /** First of all, and again after each reconnection: everything that is known now. */
  | {
      readonly type: 'snapshot'
      /** The server's clock, RFC 3339: the page shows how long things last by it. */
      readonly now: string
      readonly supervised: boolean
      readonly processes: readonly Process[]
      readonly outages: readonly Outage[]
      readonly aways: readonly Away[]
      readonly memory: Readonly<Record<string, number>>
      readonly users: Readonly<Record<DemoUser, { readonly state: UserState; readonly feed: boolean }>>
      readonly products: readonly Product[]
      readonly orders: readonly TrackedOrder[]
      readonly notifications: Readonly<Record<DemoUser, readonly NotificationFrame[]>>
      readonly relay: RelayPicture
    }
  | { readonly type: 'supervised'; readonly supervised: boolean }
  | { readonly type: 'process'; readonly process: Process }
  | { readonly type: 'process-removed'; readonly name: string }
  | { readonly type: 'outage'; readonly outage: Outage }
  | { readonly type: 'away'; readonly away: Away }
  /** Megabytes (PSS) by instance; on Linux only. */
  | { readonly type: 'memory'; readonly memory: Readonly<Record<string, number>> }
  | { readonly type: 'user'; readonly user: DemoUser; readonly state: UserState; readonly feed: boolean }
  | { readonly type: 'products'; readonly products: readonly Product[] }
  | { readonly type: 'order'; readonly order: TrackedOrder }
  | { readonly type: 'notification'; readonly user: DemoUser; readonly notification: NotificationFrame }
  /** To pages that look at the relay alone. */
  | { readonly type: 'relay'; readonly relay: RelayPicture }

/** What the page looks at: an order, whose trace it wants to see, and whether the relay loop. */
export type PageMessage =
  | { readonly type: 'watch'; readonly orderId: string }
  | { readonly type: 'watch-relay'; readonly watch: boolean }

/** Bounds that both sides keep. */
export const keep = {
  ordersPerUser: 12,
  /** Orders of other people that pages looked at last. */
  otherOrders: 12,
  notificationsPerUser: 40,
  outages: 200,
  relayPoints: 240,
  relaySessions: 12,
} as const
