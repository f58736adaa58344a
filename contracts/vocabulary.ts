/**
 * The words the contracts are written in: what a route, a topic and a socket channel are.
 * Servers, clients, the gateway, the documents and the tests all read the same values.
 */
import type { z } from 'zod'
import type { ErrorCode } from './errors.ts'

export const roles = ['user', 'support', 'admin'] as const
export type Role = (typeof roles)[number]

export const serviceNames = [
  'gateway',
  'users',
  'orders',
  'inventory',
  'payments',
  'delivery',
  'notifications',
  'config',
  'graphql',
  'mc1',
  'mc2',
  'mc3',
] as const
export type ServiceName = (typeof serviceNames)[number]

/**
 * Who may call an operation; what is not named is denied.
 * `anonymous`: anyone through the gateway. `user`: a signed-in user with one of these roles (`true` = any role).
 * `services`: services calling under their own name (reliability rule 9).
 */
export interface Access {
  anonymous?: true
  user?: true | readonly Role[]
  services?: readonly string[]
}

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** One HTTP operation. Paths use `{name}` as OpenAPI does. */
export interface Route<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Reply extends z.ZodType = z.ZodType,
> {
  id: string
  service: string
  method: HttpMethod
  path: string
  summary: string
  access: Access
  params?: Params
  query?: Query
  body?: Body
  /** `form`: application/x-www-form-urlencoded, as RFC 7662 asks. */
  bodyType?: 'json' | 'form'
  /** The success answer. */
  status: number
  reply?: Reply
  /** Instead of `reply`: server-sent events of this name, each with this in its `data`, as JSON. */
  stream?: { event: string; data: z.ZodType }
  errors: readonly ErrorCode[]
  /** Whether `Idempotency-Key` is read. */
  idempotencyKey?: true
  /** Whether the answer carries `ETag` and the request may carry `If-Match`. */
  etag?: true
  /** Whether the answer pages by `Link` (RFC 8288) with an opaque cursor. */
  pages?: true
  /** A GET that changes something, where a requirement asks for it: it has no HEAD, which must be safe (RFC 9110, 9.2.1). */
  changes?: true
  /** Not shown at the gateway's edge, only between services. */
  internal?: true
}

type Of<T> = T extends z.ZodType ? z.output<T> : undefined
type Sent<T> = T extends z.ZodType ? z.input<T> : undefined
export type ParamsOf<R extends Route> = Of<R['params']>
export type QueryOf<R extends Route> = Of<R['query']>
export type BodyOf<R extends Route> = Of<R['body']>
export type ReplyOf<R extends Route> = Sent<R['reply']>

/** A change of something that has a version; what creates it has none to name. */
export const readsIfMatch = (route: Route): boolean =>
  route.etag === true && route.method !== 'GET' && route.status !== 201
/** A read of something that has a version: 304 when the caller has that version already. */
export const readsIfNoneMatch = (route: Route): boolean => route.etag === true && route.method === 'GET'

/** Declares a route, keeping the exact schema types. */
export const route = <const R extends Route>(row: R): R => row

/**
 * A topic: who writes it, who reads it, and every event type that it may carry. Services outside this repository declare
 * their own; that the names in ours are known ones is checked where they are listed (`index.ts`).
 */
export interface Topic<Events extends Record<string, z.ZodType> = Record<string, z.ZodType>> {
  name: string
  summary: string
  writer: string
  readers: readonly string[]
  /** Readers of which every instance gets every record. The instances of the others share the records. */
  broadcastTo?: readonly string[]
  /** Of a task topic: the group whose members share the work. */
  workers?: string
  /** What the record key is; order holds per key. */
  key: string
  partitions: number
  /** `task`: one worker of the group handles it (point-to-point); `event`: every reader group does. */
  kind: 'event' | 'task'
  events: Events
}

/** Declares a topic; keeps the exact types of its events. */
export const topic = <const T extends Topic>(row: T): T => row

export type EventType<T extends Topic> = keyof T['events'] & string
export type EventData<T extends Topic, K extends EventType<T>> = z.output<T['events'][K]>

/** The groups that read a topic, each with its name; the instances that it is broadcast to aren't known here. */
export const groupsOf = ({ readers, broadcastTo = [], workers }: Topic): readonly string[] =>
  readers.filter((reader) => !broadcastTo.includes(reader)).map((reader) => workers ?? reader)

/** The topic that takes what a consumer of `topicName` failed on for good. */
export const deadLetterTopic = (topicName: string): string => `${topicName}.dlq`
