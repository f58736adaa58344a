/**
 * What the gateway lets through, as data: the schema of a route, and the list that holds until the config service says
 * otherwise (application `gateway`, property `routes`).
 *
 * Places kept for later, each a named field of a route: `cache` (seconds, shared cache), `graphql` and `aggregate`
 * (an answer put together from several services). Until they are built they are refused as unknown fields.
 */
import { roles, serviceNames } from '@svyaz/contracts/vocabulary.ts'
import { z } from 'zod'

export const routedMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
export type RoutedMethod = (typeof routedMethods)[number]

const ours: ReadonlySet<string | undefined> = new Set(serviceNames)
const serviceName = z.string().regex(/^[a-z][a-z0-9-]*$/)

export const route = z.strictObject({
  /** Whole segments: `/orders` takes `/orders` and `/orders/…`, never `/ordersx`. The longest prefix wins. */
  prefix: z
    .string()
    .regex(/^(\/[a-z0-9._-]+)+$/)
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
})
export type GatewayRoute = z.output<typeof route>

/** A route as it is written down: what has a default may be left out. */
export type RouteInput = z.input<typeof route>

/** One list: no two routes may claim the same method of the same place. */
export const routeList = z
  .array(route)
  .min(1)
  .max(200)
  .superRefine((list, context) => {
    const claimed = new Set<string>()
    for (const [index, { prefix, exact, methods, unsigned, service, spare }] of list.entries()) {
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

export const defaultRoutes: RouteInput[] = [
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
  { prefix: '/products', methods: ['GET'], service: 'inventory', auth: 'optional' },
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
  { prefix: '/admin', service: 'config', auth: 'required', roles: ['admin'] },
]
