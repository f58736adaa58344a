/** What comes before every request, recompiled when the settings change: routes, limits, whose address counts. */
import { Failure, limitKeyOf } from '@svyaz/kit'
import { compileTrustedProxies, type TrustedProxies } from './client-address.ts'
import { gatewayLimits, type Settings } from './config.ts'
import type { Exchange, GatewayContext } from './exchange.ts'
import { compileMatcher, type Matcher } from './matcher.ts'
import { compileMethods, type MethodsAt } from './public-routes.ts'
import { type LimitPolicy, type LimitStore, type LimitVerdict, limitHeaders } from './rate-limit.ts'
import type { GatewayRoute } from './routes.ts'

export interface Rules {
  settings: Readonly<Settings>
  match: Matcher
  methodsAt: MethodsAt
  trusted: TrustedProxies
  perAddress: LimitPolicy
  perUser: LimitPolicy
  /** Of routes whose answers are kept. */
  cachedPrefixes: readonly string[]
}

const rulesOf = (settings: Readonly<Settings>): Rules => {
  const match = compileMatcher(settings.routes)
  return {
    settings,
    match,
    methodsAt: compileMethods(match),
    trusted: compileTrustedProxies(settings.trustedProxies),
    perAddress: { name: 'address', requests: settings.addressRequestsPerSecond, windowMs: 1_000 },
    perUser: { name: 'user', requests: settings.userRequestsPerMinute, windowMs: 60_000 },
    cachedPrefixes: [...new Set(settings.routes.flatMap(({ cache, prefix }) => (cache ? [prefix] : [])))],
  }
}

/** The rules that hold now. A change takes the next request; those under way end by the rules they began with. */
export const liveRules = ({ settings, discovery, log }: GatewayContext): (() => Rules) => {
  let rules = rulesOf(settings.current())
  settings.onChange((changed) => {
    rules = rulesOf(changed)
    void watchCallees(discovery, changed)
    log.info({ routes: changed.routes.length }, 'routes and limits changed')
  })
  return () => rules
}

/** Watches everyone that a route may lead to; resolves when there is a first word on each. */
export const watchCallees = async (
  discovery: GatewayContext['discovery'],
  { routes }: Pick<Settings, 'routes'>,
): Promise<void> => {
  const callees = routes.flatMap(({ service, spare, unsigned = false }) =>
    [service, ...(spare === undefined ? [] : [spare])].map((name) => discovery.watch(name, { unsigned })),
  )
  await Promise.all(callees)
}

export interface Limiter {
  /** Before authentication (R2.7). */
  byAddress(exchange: Exchange, rules: Rules): void | Promise<void>
  /** After it: the route's own limit, else the user's; an anonymous caller has the address limit behind it already. */
  byCaller(
    exchange: Exchange,
    rules: Rules,
    route: Pick<GatewayRoute, 'limit'> & { prefix: string },
  ): void | Promise<void>
  /** Counts what a request asks of services beside itself, so that asking for much in one isn't cheaper than it costs. */
  byQuestions(exchange: Exchange, rules: Rules, route: GatewayRoute, questions: number): Promise<void>
}

/** Throws Failure `too_many_requests` with `Retry-After`; puts `RateLimit` on the answer. */
export const createLimiter = (context: Pick<GatewayContext, 'clock' | 'metrics'>, store: LimitStore): Limiter => {
  const refused = context.metrics.counter('gateway_limited_total', 'Requests refused with 429', ['policy'])

  const judge = (exchange: Exchange, policy: LimitPolicy, verdict: LimitVerdict) => {
    setLimitHeaders(exchange, limitHeaders(policy, verdict))
    if (verdict.allowed) return
    refused.inc({ policy: policy.name })
    throw new Failure('too_many_requests', `at most ${policy.requests} requests in ${policy.windowMs / 1000} s`, {
      retryAfterSeconds: verdict.resetSeconds,
    })
  }
  const take = (exchange: Exchange, policy: LimitPolicy, key: string): void | Promise<void> => {
    const verdict = store.take(policy, key, context.clock.monotonic())
    if (verdict instanceof Promise) return verdict.then((known) => judge(exchange, policy, known))
    judge(exchange, policy, verdict)
  }
  const byCaller: Limiter['byCaller'] = (exchange, rules, route) => {
    const { user } = exchange
    if (route.limit !== undefined) {
      const { requests, seconds } = route.limit
      const policy = { name: `route${route.prefix.replaceAll('/', '-')}`, requests, windowMs: seconds * 1000 }
      return take(exchange, policy, user?.userId ?? limitKeyOf(exchange.clientAddress))
    }
    return user === undefined ? undefined : take(exchange, rules.perUser, user.userId)
  }
  return {
    byAddress: (exchange, rules) => take(exchange, rules.perAddress, limitKeyOf(exchange.clientAddress)),
    byCaller,
    async byQuestions(exchange, rules, route, questions) {
      const { questionsPerRequest } = gatewayLimits.aggregate
      for (let paid = questionsPerRequest; paid < questions; paid += questionsPerRequest)
        await byCaller(exchange, rules, route)
    },
  }
}

/** The narrower policy takes the place of the wider one, so that a client reads one answer. */
const setLimitHeaders = (exchange: Exchange, headers: readonly string[]) => {
  const at = exchange.answerHeaders.indexOf('ratelimit-policy')
  if (at !== -1) exchange.answerHeaders.splice(at, headers.length)
  exchange.answerHeaders.push(...headers)
}
