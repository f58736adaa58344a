/**
 * What the gateway lets through, as data: the schema of a route, and the list that holds until the config service says
 * otherwise (application `gateway`, property `routes`).
 */
import { oidcPath } from '@svyaz/contracts/http/oidc.ts'
import { roles, serviceNames } from '@svyaz/contracts/vocabulary.ts'
import { z } from 'zod'

export const routedMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
export type RoutedMethod = (typeof routedMethods)[number]

const ours: ReadonlySet<string | undefined> = new Set(serviceNames)
const serviceName = z.string().regex(/^[a-z][a-z0-9-]*$/)

/**
 * A path of another route, with holes: `{id}` is a segment of this route's own path, `{order.userId}` a member of the
 * root's answer, `{order.items.*.productId}` each of several: then one is asked for each, and the part is a list.
 */
const template = z
  .string()
  .max(200)
  .regex(/^\/[a-z0-9._-]+[A-Za-z0-9._\-/?=&{}*]*$/)

const aggregate = z.strictObject({
  root: z.strictObject({
    name: z.string().regex(/^[a-z][a-zA-Z]*$/),
    path: template,
    /** It answers a page: each of its items gets parts of its own, and the query of the client goes to it. */
    itemsMax: z.int().min(1).max(50).optional(),
  }),
  parts: z.record(
    z.string().regex(/^[a-z][a-zA-Z]*$/),
    z.strictObject({
      path: template,
      /** Of an answer that is a list: the first of it, or null. */
      first: z.literal(true).optional(),
      /** Only these members, of each where it is a list. */
      pick: z.array(z.string()).min(1).optional(),
    }),
  ),
})
export type Aggregate = z.output<typeof aggregate>

export const route = z.strictObject({
  /** Whole segments: `/orders` takes `/orders` and `/orders/…`, never `/ordersx`. The longest prefix wins. */
  prefix: z
    .string()
    .regex(/^\/[a-z0-9._-]+(\/([a-z0-9._-]+|\{[a-z][a-zA-Z0-9]*\}))*$/)
    .max(200),
  /** Only the path itself, not what is below; wins over a prefix of the same length. */
  exact: z.boolean().optional(),
  /** Absent: all. GET takes HEAD with it. */
  methods: z.array(z.enum(routedMethods)).min(1).optional(),
  service: serviceName,
  /**
   * `service` (and `spare`) is none of ours and signs no registration: whoever registers under the name is called, and
   * gets tokens that are good there alone. Never for a service of ours (decision 0039).
   */
  unsigned: z.literal(true).optional(),
  /** `none`: a token is not looked at. `optional`: a token must be good, no token is an anonymous caller. */
  auth: z.enum(['none', 'optional', 'required']),
  /**
   * Its own clients prove themselves to this service (OAuth: client secrets, tokens for userinfo): their `Authorization`
   * goes on under a name that no client can send. Never to a foreign service, which would get tokens that are good here.
   */
  passesAuthorization: z.literal(true).optional(),
  /** This service's answers are pages of their own: their Content-Security-Policy holds instead of ours, which is nothing. */
  pages: z.literal(true).optional(),
  /** Any of these; the services check again. */
  roles: z.array(z.enum(roles)).min(1).optional(),
  /** Instead of the limit per user: this many requests in this many seconds, per user or (anonymous) client address. */
  limit: z.strictObject({ requests: z.int().min(1), seconds: z.int().min(1).max(86_400) }).optional(),
  /** Until the head of the answer. */
  timeoutMs: z.int().min(10).max(60_000).default(10_000),
  /**
   * At most three tries (rule 11). `unreached`: only while no byte was taken; `idempotent`: also GET, HEAD, PUT and
   * DELETE that were not answered; `keyed`: also what carries an Idempotency-Key, where the service honours it.
   */
  retry: z.enum(['unreached', 'idempotent', 'keyed']).default('idempotent'),
  /** `route`: judged apart from the rest of its service. */
  breaker: z.enum(['service', 'route']).default('service'),
  /** Bulkhead: of its requests under way in one gateway; absent: its share of all (gatewayLimits.inFlightShares). */
  inFlightMax: z.int().min(1).max(100_000).optional(),
  /** Refused while the gateway is later than this with what is due: what matters least goes first. */
  shedAtDelayMs: z.int().min(10).max(60_000).optional(),
  /** What is answered while the service is away, instead of 503. */
  substitute: z
    .strictObject({
      status: z.int().min(200).max(599).default(200),
      headers: z.record(z.string().regex(/^[a-z0-9-]+$/), z.string().regex(/^[\x20-\x7e]*$/)).default({}),
      /** A string is sent as it is, anything else as JSON. */
      body: z.json().default(null),
    })
    .optional(),
  /** Asked when the service is away. */
  spare: serviceName.optional(),
  /** Answers GET with what several routes answer, put together. `service` is the one whose breaker and name it has. */
  aggregate: aggregate.optional(),
  /** Answers to GET are kept (RFC 9111). */
  cache: z
    .strictObject({
      /** How long an answer is given without asking; a service may say less. An event of its data ends it at once. */
      seconds: z.int().min(1).max(86_400),
      /** How long after that it may stand for an error of the service (RFC 5861). */
      staleSeconds: z.int().min(0).max(86_400).default(0),
      /** `nobody`: one answer for all, asked for without the caller's identity. `user`: kept apart for each. */
      by: z.enum(['nobody', 'user']),
      /** Request headers that go along and keep answers apart; no other header of the client reaches the service. */
      vary: z
        .array(z.enum(['accept', 'accept-encoding', 'accept-language', 'prefer']))
        .max(4)
        .default([]),
    })
    .optional(),
})
export type GatewayRoute = z.output<typeof route>

/** A route as it is written down: what has a default may be left out. */
export type RouteInput = z.input<typeof route>

/** Only what is put together has a path with holes, and is GET of that path alone. */
const aggregateFault = ({ aggregate: whole, prefix, exact, methods, cache }: GatewayRoute): string | undefined => {
  if (whole === undefined) return prefix.includes('{') ? 'only a route with aggregate has holes in its path' : undefined
  if (exact !== true || methods?.join() !== 'GET') return 'a route with aggregate is exact, and methods is ["GET"]'
  if (cache !== undefined) return 'its parts have caches of their own, where their routes say so'
  return undefined
}

const cacheFault = ({ cache, auth, roles: wanted, passesAuthorization }: GatewayRoute): string | undefined => {
  if (cache !== undefined && passesAuthorization === true)
    return 'an answer that depends on the Authorization of a client is not kept'
  if (cache?.by === 'nobody' && (auth === 'required' || wanted !== undefined))
    return 'what is answered to the signed-in alone is not the same for everybody: by must be user'
  if (cache?.by === 'user' && auth === 'none') return 'no user is known where no token is looked at: by must be nobody'
  return undefined
}

/** One list: no two routes may claim the same method of the same place. */
export const routeList = z
  .array(route)
  .min(1)
  .max(200)
  .superRefine((list, context) => {
    const claimed = new Set<string>()
    for (const [index, row] of list.entries()) {
      const { prefix, exact, methods, unsigned, passesAuthorization, service, spare } = row
      if (unsigned === true && passesAuthorization === true)
        context.addIssue({ code: 'custom', path: [index], message: 'a foreign service gets no Authorization of ours' })
      const fault = cacheFault(row)
      if (fault !== undefined) context.addIssue({ code: 'custom', path: [index, 'cache', 'by'], message: fault })
      const wrong = aggregateFault(row)
      if (wrong !== undefined) context.addIssue({ code: 'custom', path: [index, 'aggregate'], message: wrong })
      for (const name of [service, spare])
        if (unsigned === true && ours.has(name))
          context.addIssue({
            code: 'custom',
            path: [index],
            message: `${name} is ours and signs: it can't be unsigned`,
          })
      for (const method of methods ?? routedMethods) {
        const claim = `${exact ? '=' : ''}${prefix} ${method}`
        if (claimed.has(claim))
          context.addIssue({ code: 'custom', path: [index], message: `${method} of ${prefix} is routed twice` })
        claimed.add(claim)
      }
    }
  })

/**
 * What hashes a password costs more than anything else here: limited, where no token is needed per client address (one
 * would only give its owner a limit more), never repeated by us, and when it is too slow the rest of users goes on.
 */
const hashes = { service: 'users', auth: 'none', retry: 'unreached', breaker: 'route' } as const

/** OpenID Connect, which has its own rules of who may ask: decision 0068. */
const openId = {
  service: 'users',
  methods: ['GET', 'POST'],
  auth: 'none',
  retry: 'unreached',
  passesAuthorization: true,
  pages: true,
} as const satisfies Partial<RouteInput>

/** Of one order: what the services know of it beside orders itself. */
const orderParts: NonNullable<RouteInput['aggregate']>['parts'] = {
  user: { path: '/users/{order.userId}' },
  products: { path: '/products/{order.items.*.productId}' },
  payment: { path: '/payments?orderId={order.id}', first: true },
  delivery: { path: '/deliveries?orderId={order.id}', first: true },
  parcels: { path: '/deliveries?orderId={order.id}', pick: ['trackingNumber', 'status', 'position'] },
}
/** Dear to answer, and the same can be had piece by piece: little of it at a time, and none when the gateway is late. */
const dear = { inFlightMax: 64, shedAtDelayMs: 1_000 } as const
const details = {
  exact: true,
  methods: ['GET'],
  service: 'orders',
  auth: 'required',
  timeoutMs: 5_000,
  ...dear,
} as const

export const defaultRoutes: RouteInput[] = [
  {
    prefix: '/orders/{id}/details',
    ...details,
    methods: ['GET'],
    aggregate: { root: { name: 'order', path: '/orders/{id}' }, parts: orderParts },
  },
  {
    prefix: '/orders/details',
    ...details,
    methods: ['GET'],
    aggregate: { root: { name: 'order', path: '/orders', itemsMax: 20 }, parts: orderParts },
  },
  { prefix: '/auth', methods: ['POST'], service: 'users', auth: 'none' },
  { prefix: '/auth/login', exact: true, ...hashes, methods: ['POST'], limit: { requests: 120, seconds: 60 } },
  { prefix: '/users', exact: true, ...hashes, methods: ['POST'], limit: { requests: 60, seconds: 60 } },
  {
    prefix: '/users/me/password',
    exact: true,
    ...hashes,
    methods: ['POST'],
    auth: 'required',
    limit: { requests: 10, seconds: 60 },
  },
  { prefix: '/users', service: 'users', auth: 'required' },
  { prefix: '/clients', service: 'users', auth: 'required', roles: ['admin'] },
  { prefix: '/signing-keys', service: 'users', auth: 'required', roles: ['admin'] },
  // A code or a refresh token that comes twice ends a session: never repeated by us.
  { ...openId, prefix: oidcPath, limit: { requests: 600, seconds: 60 } },
  { ...openId, prefix: `${oidcPath}/interaction`, breaker: 'route', limit: { requests: 120, seconds: 60 } },
  // Full when too many orders are under way (503): no reason to ask its instances less for what else they do.
  {
    prefix: '/orders',
    exact: true,
    methods: ['POST'],
    service: 'orders',
    auth: 'required',
    retry: 'keyed',
    breaker: 'route',
  },
  { prefix: '/orders', service: 'orders', auth: 'required', retry: 'keyed' },
  {
    prefix: '/products',
    methods: ['GET'],
    service: 'inventory',
    auth: 'optional',
    cache: { seconds: 10, staleSeconds: 600, by: 'nobody' },
  },
  {
    prefix: '/products',
    methods: ['POST', 'PUT', 'PATCH', 'DELETE'],
    service: 'inventory',
    auth: 'required',
    roles: ['admin'],
    retry: 'keyed',
  },
  { prefix: '/payments', service: 'payments', auth: 'required' },
  { prefix: '/deliveries', service: 'delivery', auth: 'required' },
  { prefix: '/notifications', service: 'notifications', auth: 'required' },
  // A question is asked of five services: never repeated here, and judged apart from nothing else.
  {
    prefix: '/graphql',
    exact: true,
    methods: ['POST'],
    service: 'graphql',
    auth: 'optional',
    retry: 'unreached',
    shedAtDelayMs: 1_000,
  },
  // A WebSocket begins with GET; of anything else the service says what it takes.
  { prefix: '/graphql', exact: true, methods: ['GET'], service: 'graphql', auth: 'required', retry: 'unreached' },
  { prefix: '/admin', service: 'config', auth: 'required', roles: ['admin'] },
]
