/** Which header fields cross the gateway, each way. Pure; nothing that a client sends about identity or route is believed. */

/** RFC 9110, 7.6.1: they speak of one connection. `content-length` stays: it is checked by the parsers of both sides. */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]

/** Replaced by the gateway, or a claim that only an inner hop may make. */
const claims = [
  'authorization',
  'host',
  'expect',
  'early-data',
  'forwarded',
  'via',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'remote-user',
  'x-remote-user',
  'x-request-id',
  'x-trace-id',
  'x-original-url',
  'x-rewrite-url',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'traceparent',
  'tracestate',
  'baggage',
]
const claimPrefixes = ['x-forwarded', 'x-svyaz-', 'x-authenticated-', 'x-b3-']

const dropped: ReadonlySet<string> = new Set([...hopByHop, ...claims])

const isDroppedName = (name: string): boolean =>
  dropped.has(name) ||
  // An underscore may be read as a hyphen further in.
  name.includes('_') ||
  claimPrefixes.some((prefix) => name.startsWith(prefix))

/** Raw spelling → lower-case name, or '' when it is dropped. Bounded: a caller may invent names without end. */
const judged = new Map<string, string>()
const judgedMax = 1_000

const nameToForward = (raw: string): string => {
  const known = judged.get(raw)
  if (known !== undefined) return known
  const name = raw.toLowerCase()
  const verdict = isDroppedName(name) ? '' : name
  if (judged.size < judgedMax) judged.set(raw, verdict)
  return verdict
}

/** Names in `Connection`, which also go no further. */
const named = (connection: string | undefined): ReadonlySet<string> | undefined => {
  if (connection === undefined || /^(keep-alive|close)$/i.test(connection)) return undefined
  return new Set(connection.split(',').map((name) => name.trim().toLowerCase()))
}

/**
 * The client's fields that a service may see, as a flat list of names and values to which the gateway adds its own.
 *
 * @param raw name, value, name, value … as they came.
 * @param connection the value of `Connection`.
 */
export const headersToForward = (raw: readonly string[], connection: string | undefined): string[] => {
  const alsoDropped = named(connection)
  const kept: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = nameToForward(raw[at]!)
    if (name !== '' && alsoDropped?.has(name) !== true) kept.push(name, raw[at + 1]!)
  }
  return kept
}

/** What a service's answer may not say itself: the hop's own, what reveals the inside, and what the gateway sets. */
const keptBack: ReadonlySet<string> = new Set([
  ...hopByHop,
  'server',
  'x-powered-by',
  'via',
  'x-trace-id',
  'x-request-id',
  'traceparent',
  'tracestate',
  'ratelimit',
  'ratelimit-policy',
  'strict-transport-security',
  'x-content-type-options',
  'x-frame-options',
  'referrer-policy',
  'content-security-policy',
  'cross-origin-resource-policy',
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
  'access-control-allow-methods',
  'access-control-allow-headers',
])

/** Fields of an answer by their names, in lower case. */
export type Fields = Readonly<Record<string, string | string[] | undefined>>

/**
 * Appends the fields of a service's answer that the client may see to `into`; says whether it names a cache policy.
 *
 * @param but names that stay out too
 */
export const appendAnswerHeaders = (
  into: string[],
  headers: Fields,
  but?: ReadonlySet<string>,
): { cacheControl: boolean } => {
  const alsoDropped = named(typeof headers.connection === 'string' ? headers.connection : undefined)
  let cacheControl = false
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined || keptBack.has(name) || name.startsWith('x-svyaz-')) continue
    if (alsoDropped?.has(name) || but?.has(name)) continue
    if (name === 'cache-control') cacheControl = true
    if (typeof value === 'string') into.push(name, value)
    else for (const one of value) into.push(name, one)
  }
  return { cacheControl }
}

/** On every answer; `/docs` has a policy of its own. */
export const securityHeaders: readonly string[] = [
  'x-content-type-options',
  'nosniff',
  'x-frame-options',
  'DENY',
  'referrer-policy',
  'no-referrer',
  'cross-origin-resource-policy',
  'same-origin',
]
export const nothingMayLoad: readonly string[] = [
  'content-security-policy',
  "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
]
