/**
 * What the page and its server say to each other: the WebSocket `/api/live` (the server's messages below, JSON, one
 * each), and the bodies of the JSON routes. Types only: the page must not carry a schema library, and the server
 * checks by hand the little that it takes.
 */

import type { Examination } from '@svyaz/contracts/examination.ts'
import type {
  ExperimentAsked,
  ExperimentCounts,
  ExperimentPhase,
  FaultOutcome,
  PlannedFault,
  Scorecard,
} from '@svyaz/contracts/fault-lab.ts'
import type { Product } from '@svyaz/contracts/http/inventory.ts'
import type { SagasView } from '@svyaz/contracts/http/order-sagas.ts'
import type { Story } from '@svyaz/contracts/http/order-story.ts'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import type { RelayNow, RelaySession } from '@svyaz/contracts/http/relay.ts'
import type { NotificationFrame } from '@svyaz/contracts/socket/notifications.ts'

export type { NotificationFrame, OrderView, Product, RelayNow, RelaySession, SagasView, Story }

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
  /** Whether kills, pauses and the like need somebody who has signed in with the role. */
  readonly signInRequired: boolean
  /** Who has signed in. */
  readonly operator?: { readonly name: string; readonly email: string; readonly roles: readonly string[] }
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

/** A process changed; without `process`, it was taken away. */
export interface ProcessChange {
  /** RFC 3339. */
  readonly at: string
  readonly name: string
  readonly process?: Process
}

/** `GET /api/processes/past`: how the processes were, for the map's replay. */
export interface PastProcesses {
  /** Since when all changes are there, ms since 1970. */
  readonly fromMs: number
  /** Oldest first; those before `fromMs` say how each was at that time. */
  readonly changes: readonly ProcessChange[]
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

/** Something that was asked of the system from a page. */
export interface Activity {
  /** Grows with each. */
  readonly id: number
  /** RFC 3339. */
  readonly at: string
  /** Name of who asked; empty for somebody at this machine who hasn't signed in. */
  readonly who: string
  /** A word of the page's own list: kill, scale, replay … */
  readonly action: string
  /** What it was asked of. */
  readonly target: string
  /** How: a count, a name. */
  readonly detail?: string
  /** Why it was not done: the code of the refusal. */
  readonly refused?: string
}

/** `GET /api/topics`: a topic, whoever made it, and who reads it. */
export interface TopicView {
  readonly name: string
  /** Offsets between the ends: what a transaction took and gave back counts too. */
  readonly records: number
  /** On the broker's disk; absent where it doesn't say. */
  readonly bytes?: number
  readonly partitions: readonly { readonly partition: number; readonly beginning: number; readonly end: number }[]
  readonly groups: readonly {
    readonly group: string
    /** As the broker calls it: Stable, Empty … */
    readonly state: string
    readonly members: readonly string[]
    /** Records that the group has not finished. */
    readonly lag: number
  }[]
  /** What may be written to it; absent where no contract has it. */
  readonly written?: {
    readonly types: readonly string[]
    /** What its key is. */
    readonly key: string
  }
}

/** `POST /api/topics/{name}/records`: an event by an operator, checked against its contract. */
export interface WriteAsked {
  readonly type: string
  readonly key: string
  /** JSON, as text. */
  readonly value: string
}

export interface WriteAnswer {
  /** Of the event. */
  readonly id: string
  /** Absent where the transport has no places. */
  readonly partition?: number
  readonly offset?: number
}

/** `GET /api/topics/{name}/records`, and each line of `…/live`. */
export interface RecordView {
  readonly partition: number
  readonly offset: number
  /** Milliseconds since 1970. */
  readonly atMs: number
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  /** As text; cut where it is longer than the console's limit. */
  readonly value: string
  /** Of the value, in bytes. */
  readonly bytes: number
  readonly traceId?: string
}

export interface RecordsAnswer {
  /** Oldest first. */
  readonly records: readonly RecordView[]
  /** How many were looked at, and whether that was all that the question asks for. */
  readonly read: number
  readonly complete: boolean
}

/** `GET /api/dead-letters`: what one consumer gave up on for one reason. */
export interface DeadLetterCause {
  readonly topic: string
  readonly consumer: string
  readonly type: string
  /** The error, without what differs from one letter to the next. */
  readonly cause: string
  /** The newest error, whole. */
  readonly error: string
  readonly letters: number
  readonly outstanding: number
  /** RFC 3339. */
  readonly firstAt: string
  readonly lastAt: string
  /** Event ids of those outstanding, oldest first, up to the limit of one replay. */
  readonly ids: readonly string[]
  readonly traceId?: string
}

/** `POST /api/dead-letters/replay`. */
export interface ReplayAsked {
  readonly topic: string
  readonly consumer: string
  readonly ids: readonly string[]
  /** Says what would happen, and does nothing. */
  readonly dryRun: boolean
}

export interface ReplayAnswer {
  readonly rows: readonly {
    readonly id: string
    readonly outcome: 'refused' | 'would be sent' | 'handled' | 'waiting' | 'failed again'
    readonly reason?: string
  }[]
}

/** `GET /api/discovery`: who is registered, ours or anybody's. */
export interface DiscoveryAnswer {
  readonly services: readonly DiscoveredService[]
  /** Checks of the node itself. */
  readonly nodes: readonly {
    readonly node: string
    readonly address: string
    readonly checks: readonly DiscoveryCheck[]
  }[]
  /** There are more services than are told. */
  readonly complete: boolean
}

export interface DiscoveredService {
  readonly name: string
  readonly instances: readonly DiscoveredInstance[]
}

export interface DiscoveredInstance {
  readonly id: string
  readonly node: string
  readonly address: string
  /** By role. */
  readonly ports: Readonly<Record<string, number>>
  readonly tags: readonly string[]
  readonly checks: readonly DiscoveryCheck[]
  /** `signed`, or why callers would not believe it; `unchecked` where the keys are not known here. */
  readonly signature: string
  /** RFC 3339. */
  readonly signedAt?: string
}

export interface DiscoveryCheck {
  readonly id: string
  readonly name: string
  /** ttl, http, tcp; empty where discovery doesn't say. */
  readonly type: string
  readonly status: 'passing' | 'warning' | 'critical' | 'maintenance'
  readonly output: string
  /** RFC 3339: of the last heartbeat, as its instance said it; absent for other checks. */
  readonly beatAt?: string
}

/** A mail in the list of `GET /api/mails`: `{mails, total, next?}`, newest first; `next` is the `before` of the next page. */
export interface MailBrief {
  readonly id: string
  readonly from: string
  readonly to: readonly string[]
  readonly subject: string
  /** RFC 3339. */
  readonly receivedAt: string
  readonly bytes: number
  readonly messageId: string
  readonly attachments: readonly { readonly name: string; readonly contentType: string; readonly bytes: number }[]
  /** The id of the first mail with this Message-ID. */
  readonly duplicateOf?: string
  /** `GET /api/mails/{id}/html` has it, as a document for a frame. */
  readonly hasHtml: boolean
}

export interface MailsAnswer {
  readonly mails: readonly MailBrief[]
  /** How many there are in all, of those asked for. */
  readonly total: number
  readonly next?: string
}

/** `GET /api/mails/{id}`. */
export interface MailView extends MailBrief {
  readonly text: string
  /** Names in small letters. */
  readonly headers: Readonly<Record<string, string>>
}

/** `GET /api/sagas`. */
export interface SagasAnswer extends SagasView {
  /** Cursor of the next page. */
  readonly next?: string
}

/** An experiment of the fault lab, as far as it has come. */
export interface Experiment {
  readonly asked: ExperimentAsked
  /** RFC 3339. */
  readonly startedAt: string
  readonly running: boolean
  readonly phase: ExperimentPhase
  readonly faults: readonly PlannedFault[]
  /** By the place of the fault in the plan. */
  readonly outcomes: Readonly<Record<number, FaultOutcome>>
  readonly counts?: ExperimentCounts
  readonly scorecard?: Scorecard
  /** Why it came to nothing. */
  readonly failed?: string
}

/** `GET /api/faults`. */
export interface FaultLabAnswer {
  /** Whether this system may be broken from here. */
  readonly isThere: boolean
  readonly targets: readonly string[]
  /** The one that was begun from here last, and runs or has ended. */
  readonly experiment?: Experiment
  /** What else examines this system: an experiment cannot begin beside it. */
  readonly other?: Examination
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
      /** Newest first. */
      readonly activity: readonly Activity[]
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
  | { readonly type: 'activity'; readonly entry: Activity }

/** What is told only to pages that look at it. */
export const views = ['relay'] as const
export type View = (typeof views)[number]

/** What the page looks at: an order, whose trace it wants to see, and what is told only to those who look. */
export type PageMessage =
  | { readonly type: 'watch'; readonly orderId: string }
  | { readonly type: 'look'; readonly at: View; readonly watch: boolean }

/** Bounds that both sides keep. */
export const keep = {
  ordersPerUser: 12,
  /** Orders of other people that pages looked at last. */
  otherOrders: 12,
  notificationsPerUser: 40,
  outages: 200,
  /** How far back the map can be replayed, and how many changes of processes are kept for it. */
  pastMs: 15 * 60_000,
  processChanges: 1_000,
  activity: 200,
  relayPoints: 240,
  relaySessions: 12,
} as const
