/**
 * What a service sees of the kit: types only. Read this file, then any `services/<name>/src/service.ts`.
 * The implementations are in the files named in each section; `index.ts` exports both. It is long because a
 * reader of the kit should have to open no other page.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServiceDefinition as GrpcServiceDefinition } from '@grpc/grpc-js'
import type { ErrorCode, Fault } from '@svyaz/contracts/errors.ts'
import type {
  Access,
  BodyOf,
  EventData,
  EventType,
  ParamsOf,
  QueryOf,
  ReplyOf,
  Role,
  Route,
  Topic,
} from '@svyaz/contracts/vocabulary.ts'
import type { Kysely, RawBuilder, Transaction } from 'kysely'
import type { z } from 'zod'
import type { IncomingRecord, OutgoingRecord } from './messaging/transport.ts'

// ---------------------------------------------------------------- a service (service.ts)

/** A service, declared: the kit starts it, keeps it and stops it in the order of reliability rule 14. */
export interface ServiceDefinition<Settings extends z.ZodObject = z.ZodObject, Schema = unknown> {
  name: string
  /** Properties that the config service may change at run time; every one has a default. */
  settings: Settings
  /** Environment of this service alone, on top of the kit's own. */
  environment?: z.ZodObject
  database?: {
    migrations: readonly Migration[]
    /** A variable of `environment` that, when it is set, names what the service uses instead: no database is opened then. */
    unless?: string
  }
  /** Topics this service writes: made at start where the profile allows it, and the only ones its outbox takes. */
  writes?: readonly Topic[]
  start(context: Context<z.output<Settings>, Schema>): Parts | Promise<Parts>
}

/** What a started service is made of; leave out what it has not. */
export interface Parts {
  http?: readonly HttpHandler[]
  grpc?: readonly GrpcHandler[]
  /** Operations that answer a request as it comes; on the same port as `http`. */
  rawHttp?: readonly RawHttpHandler[]
  consumers?: readonly Subscription[]
  /** Topics read record by record, several at a time, without an inbox. */
  records?: readonly RecordSubscription[]
  workers?: readonly Worker[]
  sockets?: readonly SocketHandler[]
  /** Servers of its own, where the kit's won't do (the gateway). */
  servers?: readonly OwnServer[]
  /** Where the events to be sent wait, when that is not the outbox table (orders: inside its documents). */
  outboxSource?: OutboxSource
  /** Reasons why it is not ready, beyond what the kit knows. */
  notReady?(): readonly string[]
  /** Closes what `start` opened, after everything above was stopped. */
  close?(): Promise<void>
}

/** Started, registered, drained and closed in the same order as the kit's own servers. */
export interface OwnServer {
  /** How its port is called in the registration; `http` and `grpc` take the configured port, any other a free one. */
  portName: string
  listen(address: {
    host: string
    port: number
  }): Promise<{ readonly port: number; drain(deadlineMs: number): Promise<void> } & AsyncDisposable>
}

export interface Context<Settings, Schema = unknown> {
  service: string
  instance: string
  profile: string
  /** The address it listens on. */
  host: string
  /** Names under which it may be called, beside addresses and localhost. */
  allowedHosts: readonly string[]
  settings: LiveSettings<Settings>
  environment: Readonly<Record<string, unknown>>
  clock: Clock
  ids: Ids
  random: () => number
  log: Logger
  metrics: Metrics
  tracer: Tracer
  database: Database<Schema>
  outbox: Outbox
  http(service: string): HttpClient
  grpc(service: string): GrpcClients
  discovery: DiscoveryClient
  signer: TokenSigner
  /** For servers of its own: who is calling, by the value of an `Authorization` header. Throws `unauthenticated`. */
  verify(authorization: string | undefined): Promise<Caller>
  records: Records
  /** Where a test may kill the process; inert unless SVYAZ_CRASH_POINTS names it (`crash-points.ts`). */
  crashPoint(name: CrashPointName): void
}

export type CrashPointName = keyof typeof import('./process/crash-points.ts').crashPoints

/** Time as an argument: `now` is wall time in ms, `monotonic` only measures, `delay` ends early (rejects) on abort. */
export interface Clock {
  now(): number
  /** Wall time in whole µs, never running backwards within the process. */
  micros(): number
  iso(): string
  monotonic(): number
  delay(ms: number, signal?: AbortSignal): Promise<void>
}

export interface Ids {
  /** UUID version 7 (RFC 9562): sorts by time of making. */
  uuid(): string
}

export interface LiveSettings<Settings> {
  current(): Readonly<Settings>
  /** Where what holds now came from, and what was refused last. */
  origin(): SettingsOrigin
  onChange(listener: (settings: Readonly<Settings>) => void): void
}

export interface SettingsOrigin {
  /** `defaults`: of the code; `file`: the copy on disk of what the config service said last. */
  readonly from: 'defaults' | 'file' | 'config service'
  /** As the config service calls it; empty for the defaults. */
  readonly version: string
  /** When it began to hold, RFC 3339. */
  readonly at: string
  /** By property, the source of the config service that it was taken from; empty for the defaults. */
  readonly sources: Readonly<Record<string, string>>
  /** The last answer that broke the schema, since this process started. */
  readonly refused: SettingsRefusal | undefined
}

export interface SettingsRefusal {
  readonly from: 'file' | 'config service'
  readonly version: string
  /** When it came first, RFC 3339. */
  readonly at: string
  /** JSON Pointers (RFC 6901) into the properties. */
  readonly faults: readonly { readonly pointer: string; readonly detail: string }[]
}

export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Logger
}

export interface Metrics {
  counter(
    name: string,
    help: string,
    labels?: readonly string[],
  ): { inc(labels?: Record<string, string>, by?: number): void }
  gauge(
    name: string,
    help: string,
    labels?: readonly string[],
  ): {
    set(value: number, labels?: Record<string, string>): void /** read at each scrape */
    collect(read: () => number): void
  }
  histogram(
    name: string,
    help: string,
    labels?: readonly string[],
    bucketsSeconds?: readonly number[],
  ): { observe(seconds: number, labels?: Record<string, string>): void }
}

// ---------------------------------------------------------------- errors (failure.ts)

/**
 * The one error class that crosses an edge. `detail` is for the caller, `cause` for the operator.
 * HTTP answers it as problem+json, gRPC as the status of the table, messaging by the row's `retry`.
 */
export interface FailureOptions {
  cause?: unknown
  faults?: readonly Fault[]
  retryAfterSeconds?: number
  headers?: Readonly<Record<string, string>>
}
export type { ErrorCode, Fault }

// ---------------------------------------------------------------- who is calling (identity.ts)

export type Caller =
  | { kind: 'anonymous' }
  | { kind: 'user'; userId: string; roles: readonly Role[] }
  | { kind: 'service'; service: string; onBehalfOf?: { userId: string; roles: readonly Role[] } }

export interface TokenSigner {
  /** A 60 s at+jwt of this service for `audience` (rule 9), with the user in `act` where there is one. */
  serviceToken(audience: string, onBehalfOf?: { userId: string; roles: readonly Role[] }): Promise<string>
  /** The gateway's exchange (RFC 8693): a 60 s at+jwt whose subject is the user. Refused for other services. */
  userToken(audience: string, user: { userId: string; roles: readonly Role[] }): Promise<string>
}

// ---------------------------------------------------------------- HTTP (http-server.ts, http-client.ts)

export interface HttpRequest<R extends Route> {
  params: ParamsOf<R>
  query: QueryOf<R>
  body: BodyOf<R>
  caller: Caller
  /** Lower-case names. */
  headers: Readonly<Record<string, string | undefined>>
  idempotencyKey: string | undefined
  /** The version out of `If-Match`, if it was sent. */
  /** The strong entity tags of If-Match; undefined when there is none, or it is `*`. Weak ones never match. */
  ifMatch: readonly string[] | undefined
  url: string
  signal: AbortSignal
}

export interface HttpReply<R extends Route> {
  /** Default: the route's. */
  status?: number
  body?: ReplyOf<R>
  /** Instead of `body`: sent piece by piece, without a deadline, until it ends or the caller leaves (server-sent events). */
  stream?: AsyncIterable<string | Uint8Array>
  headers?: Record<string, string>
  /** The version for `ETag`. */
  etag?: string
  /** The cursor of the next page; the kit writes the `Link` header. */
  nextCursor?: string
}

export interface HttpHandler<R extends Route = Route> {
  route: R
  answer(request: HttpRequest<R>): Promise<HttpReply<R>> | HttpReply<R>
}

/**
 * An operation whose cost matters more than the kit's comfort: it gets the request as node:http gives it and answers
 * it in full. The kit still sees that the caller may call (the route's `access`), that not too much is under way, and
 * that shutdown waits. The path has no parameters.
 */
export interface RawHttpHandler {
  /** Its path and method; or a place, with all that is below it, whatever the method. */
  route: Pick<Route, 'method' | 'path' | 'access'> | { below: string; access: Access }
  answer(request: IncomingMessage, response: ServerResponse): void
}

export interface HttpClient {
  /**
   * Calls an operation of the service by its contract: picks an instance, signs, carries trace and deadline, retries
   * what may be repeated, opens the breaker. Throws Failure with the code that the service answered, or `unavailable`.
   */
  call<const R extends Route>(
    route: R,
    request: {
      params?: Record<string, string>
      query?: Record<string, string | number | undefined>
      body?: unknown
      headers?: Record<string, string>
    },
    options?: { timeoutMs?: number; onBehalfOf?: { userId: string; roles: readonly Role[] } },
  ): Promise<{ status: number; body: ReplyOf<R>; headers: Record<string, string> }>
}

// ---------------------------------------------------------------- gRPC (grpc-server.ts, grpc-client.ts)

/** Who is calling, and until when; the trace is in the context already. */
export interface GrpcCall {
  caller: Caller
  deadline: Date | undefined
  signal: AbortSignal
}

type Unary<Req, Res> = (request: Req, call: GrpcCall) => Promise<Res>
type ClientStream<Req, Res> = (requests: AsyncIterable<Req>, call: GrpcCall) => Promise<Res>
type ServerStream<Req, Res> = (request: Req, call: GrpcCall) => AsyncIterable<Res>
type Duplex<Req, Res> = (requests: AsyncIterable<Req>, call: GrpcCall) => AsyncIterable<Res>

/** The four kinds of a generated definition, as async functions. */
export type GrpcImplementation<D extends GrpcServiceDefinition> = {
  [M in keyof D]: D[M] extends {
    requestStream: infer RS
    responseStream: infer PS
    requestDeserialize: (bytes: Buffer) => infer Req
    responseSerialize: (value: infer Res) => Buffer
  }
    ? RS extends true
      ? PS extends true
        ? Duplex<Req, Res>
        : ClientStream<Req, Res>
      : PS extends true
        ? ServerStream<Req, Res>
        : Unary<Req, Res>
    : never
}

export interface GrpcHandler {
  definition: GrpcServiceDefinition
  implementation: Record<string, (...args: never[]) => unknown>
  /** method → services that may call it; what is not named is denied. */
  access: Record<string, readonly string[]>
  /** method → what each of its requests must hold beyond its types. */
  requests?: Record<string, z.ZodType>
}

export interface GrpcCallOptions {
  /** Required thought: default 2,000. For streams: none unless given. */
  timeoutMs?: number
  /** Only calls that are safe to repeat. */
  retry?: boolean
  onBehalfOf?: { userId: string; roles: readonly Role[] }
  signal?: AbortSignal
}

/** The same four kinds from the caller's side. Throws Failure (unavailable, deadline_exceeded, not_found, …). */
export type GrpcClientOf<D extends GrpcServiceDefinition> = {
  [M in keyof D]: D[M] extends {
    requestStream: infer RS
    responseStream: infer PS
    requestSerialize: (value: infer Req) => Buffer
    responseDeserialize: (bytes: Buffer) => infer Res
  }
    ? RS extends true
      ? PS extends true
        ? (requests: AsyncIterable<Req>, options?: GrpcCallOptions) => AsyncIterable<Res>
        : (requests: AsyncIterable<Req>, options?: GrpcCallOptions) => Promise<Res>
      : PS extends true
        ? (request: Req, options?: GrpcCallOptions) => AsyncIterable<Res>
        : (request: Req, options?: GrpcCallOptions) => Promise<Res>
    : never
}

export interface GrpcClients {
  client<D extends GrpcServiceDefinition>(definition: D): GrpcClientOf<D>
}

// ---------------------------------------------------------------- database (database.ts)

export interface Migration {
  /** Sorts and is recorded, e.g. `0001-orders`. Never edited once landed. */
  id: string
  sql: string
}

/** A transaction that remembers what to do once it is committed. */
export type Tx<Schema = unknown> = Transaction<Schema> & {
  readonly afterCommit: (effect: () => void) => void
  /** The last work inside it, in the order given: what it throws undoes the transaction. */
  readonly beforeCommit: (work: () => Promise<void>) => void
  /**
   * A statement whose answer decides nothing here: it leaves with the next one, at the latest with the commit, and
   * saves a trip to the database. Await the call, so that the order stays; what it throws undoes the transaction.
   */
  readonly hold: <Row>(statement: RawBuilder<Row>) => Promise<Held<Row>>
}

/** A statement that was held. */
export interface Held<Row> {
  /** Its rows, once the next statement is answered or the transaction committed. @throws Error before */
  readonly rows: readonly Row[]
  /** `lost` when the trip that it left with failed. */
  readonly state: 'waiting' | 'answered' | 'lost'
}

export interface Database<Schema = unknown> {
  /** For reads outside a transaction. Each statement is a span. */
  readonly query: Kysely<Schema>
  /** READ COMMITTED; repeats the whole function on serialization failure and deadlock (40001, 40P01), at most 3 times. */
  transaction<T>(run: (tx: Tx<Schema>) => Promise<T>): Promise<T>
  /** LISTEN on a channel over one shared connection that reconnects; `wake` is called on each NOTIFY and after each reconnect. */
  listen(channel: string, wake: (payload: string) => void): AsyncDisposable
  notify(channel: string, payload?: string): Promise<void>
  /**
   * Runs `work` on the one instance that holds the advisory lock `name`; others stand by and take over when it goes.
   * @param heard called on each NOTIFY on the channel `name` while this instance leads, over the lock's own connection
   */
  whileLeader(
    name: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<void>,
    heard?: () => void,
  ): Promise<void>
}

// ---------------------------------------------------------------- messaging (messaging/)

export interface OutgoingEvent<T extends Topic = Topic, K extends EventType<T> = EventType<T>> {
  topic: T
  type: K
  key: string
  data: EventData<T, K>
  /** Default: a new UUID. Give one that derives from the cause where a repeated cause must give the same event. */
  id?: string
  /** What `ce_subject` says; default the key. */
  subject?: string
  /** The trace that it belongs to; default the one of now. For a transaction that settles the work of several traces. */
  traceparent?: string | undefined
}

export interface Outbox {
  /** Adds events to the outbox table in this transaction, with the trace of now; validated against the contract. */
  // biome-ignore lint/suspicious/noExplicitAny: a transaction over whatever tables the service has
  add<T extends Topic, K extends EventType<T>>(tx: Tx<any>, ...events: OutgoingEvent<T, K>[]): Promise<void>
  /** Wakes the publisher after a commit that added events elsewhere (an own OutboxSource). */
  wake(): void
}

/** An event as it waits to be sent. */
export interface StoredEvent {
  id: string
  topic: string
  type: string
  key: string
  subject: string
  data: unknown
  time: string
  traceparent: string | undefined
}

/** Where the publisher finds what is unsent. Order per key is the order of `pending`. */
export interface OutboxSource {
  pending(eventsMax: number): Promise<readonly StoredEvent[]>
  markSent(events: readonly StoredEvent[]): Promise<void>
  /** `markSent`, then `pending`, in one trip. Default: one after the other. */
  markSentAndRead?(sent: readonly StoredEvent[], eventsMax: number): Promise<readonly StoredEvent[]>
  /** Called when this instance begins to publish: what was concluded before may no longer hold. */
  startOver?(): void
  /** Wall time in ms of the oldest unsent event. */
  oldestAt(): Promise<number | undefined>
  /** How often to look for what another instance stored, where that is not told by NOTIFY. Default 2,000. */
  everyMs?: number
  /** As `Database.whileLeader`, for a source that is not in the service's PostgreSQL. Default: its advisory lock. */
  whileLeader?(signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void>
}

/** What a handler receives, whatever carries it: never an offset. */
export interface Message<Type extends string = string, Data = unknown> {
  id: string
  type: Type
  topic: string
  key: string
  subject: string
  source: string
  time: string
  data: Data
  /** 1 for the first try; only permanent and unclassified errors count. */
  attempt: number
}

/** Done is to return. To fail, throw `transient(…)`, `permanent(…)` or a Failure (its table row decides). */
export type MessageHandlers<T extends Topic, Schema> = {
  [K in EventType<T>]?: (message: Message<K, EventData<T, K>>, tx: Tx<Schema>) => Promise<void>
}

export interface Subscription<T extends Topic = Topic, Schema = never> {
  topic: T
  /** Consumer group; instances of a service share it. `broadcast` gives every instance every message. */
  group: string | { broadcast: true }
  /**
   * `inbox`: handlers run in a transaction that holds the inbox row, each event id once per group (rule 3).
   * `own`: handlers run in such a transaction, without that row: they dedupe by what they write.
   * `none`: the handler dedupes by itself and gets no transaction (orders' documents in MongoDB; caches that may repeat).
   */
  dedupe: 'inbox' | 'own' | 'none'
  on: MessageHandlers<T, Schema>
  /** Counted failures before the DLQ. Default 5. */
  attemptsMax?: number
}

/** Reads a topic for a group as it is there: all records that wait in a partition together, up to `recordsMax`. */
export interface RecordSubscription {
  topic: Topic
  group: string
  recordsMax: number
  /**
   * Resolving acknowledges all of them. It settles every failure itself, by waiting and repeating or by `records.bury`,
   * and rejects only when `signal` is aborted: then they are delivered again.
   */
  handle(records: readonly IncomingRecord[], signal: AbortSignal): Promise<void>
}

/** Records without outbox and inbox, for a service that keeps nothing: who sends them first answers for them. */
export interface Records {
  /** Resolves when all are durably acknowledged. After a rejection some may have been written. */
  send(records: readonly OutgoingRecord[]): Promise<void>
  /** To the dead letters of its topic. */
  bury(record: IncomingRecord, failure: { consumer: string; error: string; attempts: number }): Promise<void>
}
export type { IncomingRecord, OutgoingRecord }

// ---------------------------------------------------------------- workers, sockets

/** A background loop. The kit restarts it with back-off when it throws and ends it at shutdown. */
export interface Worker {
  name: string
  run(signal: AbortSignal): Promise<void>
}

/**
 * A loop that works while there is work, then waits for `wake()` or the poll (poll-loop.ts).
 * `once` returns how many it did, and may say when it is needed next; it is called again at once when it did something.
 */
export interface PollLoop extends Worker {
  wake(): void
}

/** A WebSocket endpoint. The kit checks token, Origin, frame size, pings, and closes with 1001 at shutdown. */
export interface SocketHandler {
  path: string
  /** The subprotocol that is answered to a client that offers it (RFC 6455, 4.2.2); default `svyaz.v1`. */
  protocol?: string
  open(
    socket: Socket,
    request: { caller: Caller & { kind: 'user' }; query: URLSearchParams; raw: IncomingMessage },
  ): void | Promise<void>
}

export interface Socket {
  /**
   * False when the peer is gone or too slow: the kit closes it with 4008 then. With the traceparent of what caused the
   * message, the sending is a span of that trace.
   */
  send(message: unknown, cause?: { traceparent: string | undefined }): boolean
  onMessage(listener: (message: unknown) => void): void
  onClose(listener: () => void): void
  close(code: number, reason: string): void
}

// ---------------------------------------------------------------- discovery (discovery-client.ts)

export interface Instance {
  id: string
  host: string
  /** Named ports from the registration's metadata: http, grpc, management. */
  ports: Readonly<Record<string, number>>
}

/** Which registrations count: those that the service signed, or, of a service that is none of ours, any (rule 24). */
export interface Whose {
  unsigned?: boolean
}

export interface DiscoveryClient {
  /** The passing instances now; the last good set for five minutes when discovery is away or the set is empty (rule 12). */
  instances(service: string, whose?: Whose): readonly Instance[]
  /** Starts watching and resolves when the first answer (or the cache on disk) is there. */
  watch(service: string, whose?: Whose): Promise<void>
  /** Least requests in flight of two at random, ejected ones left out. Undefined when there is none. */
  pick(service: string, whose?: Whose): Picked | undefined
}

export interface Picked {
  instance: Instance
  /** Say how it went; a run of failures ejects the instance for a while. */
  done(outcome: 'ok' | 'failed'): void
}

// ---------------------------------------------------------------- traces (tracing.ts)

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'
export interface SpanOptions {
  kind?: SpanKind
  attributes?: Record<string, string | number | boolean>
  /** W3C traceparent values that caused this without being its parent. */
  links?: readonly string[]
  /** A remote parent instead of the current span; null or undefined, as a row may have it, changes nothing. */
  parent?: string | null | undefined
  /** Starts a trace of its own. */
  root?: true
}
export interface Span {
  readonly traceparent: string
  readonly traceId: string
  set(name: string, value: string | number | boolean): void
}
/** A span that someone must end. */
export interface OpenSpan extends Span {
  end(error?: string): void
}
export interface Tracer {
  /** Runs `work` inside a span; an error marks it and goes on. */
  span<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T>
  /** Opens a span beside the current context, which it leaves alone: for what is handled many at a time. */
  open(name: string, options: SpanOptions): OpenSpan
  /** The traceparent of now, if there is one. */
  current(): string | undefined
}
