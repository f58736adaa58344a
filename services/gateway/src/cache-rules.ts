/**
 * What a shared cache may keep, for how long, and what it may give to whom (RFC 9111); how it says so (RFC 9211).
 * Pure; times in ms, and no clock: an age is counted by whoever keeps the answer.
 */
import { appendAnswerHeaders, type Fields } from './headers.ts'
import type { GatewayRoute } from './routes.ts'

export type CacheRule = NonNullable<GatewayRoute['cache']>

/** An answer as it is kept. */
export interface KeptAnswer {
  readonly status: number
  /** As clients get them, flat; without what the gateway adds to each. */
  readonly headers: readonly string[]
  readonly body: Buffer
  /** Its entity tag: the service's, or a weak one made of the body. */
  readonly etag: string
  /** Whether the service knows that tag, so that it can be asked for a change of it. */
  readonly revalidates: boolean
  /** How old it was when it came (Age of an answer that comes from another cache). */
  readonly ageMsAtFirst: number
  readonly freshMs: number
  /** How long after that it may stand for an error (RFC 5861, 4). */
  readonly staleMs: number
  /** Its Cache-Control is the gateway's word to clients, not the service's. */
  readonly controlIsOurs?: true
}

/** What a request says about answers from a cache (RFC 9111, 5.2.1). */
export interface Wishes {
  readonly noStore: boolean
  readonly noCache: boolean
  readonly onlyIfCached: boolean
  /** Greatest age, and least freshness left, that it takes. */
  readonly maxAgeMs: number
  readonly minFreshMs: number
}

const noWishes: Wishes = {
  noStore: false,
  noCache: false,
  onlyIfCached: false,
  maxAgeMs: Number.POSITIVE_INFINITY,
  minFreshMs: 0,
}

/** Names in lower case; a directive without an argument is ''. Of two of a name the first holds (RFC 9111, 4.2.1). */
export const directivesOf = (value: string | string[] | undefined): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  const text = Array.isArray(value) ? value.join(',') : (value ?? '')
  for (const [, name, quoted, token] of text.matchAll(
    /([!#$%&'*+\-.^_`|~\w]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?/g,
  ))
    if (!found.has(name!.toLowerCase())) found.set(name!.toLowerCase(), quoted ?? token ?? '')
  return found
}

/** A duration in a directive; one that can't be read is 0: already stale (RFC 9111, 4.2.1). */
const secondsIn = (value: string | undefined): number | undefined =>
  value === undefined ? undefined : /^\d{1,10}$/.test(value) ? Number(value) * 1000 : 0

/** `cacheControl` and `pragma` are the request's. */
export const wishesOf = (cacheControl: string | undefined, pragma: string | undefined): Wishes => {
  if (cacheControl === undefined) return pragma === 'no-cache' ? { ...noWishes, noCache: true } : noWishes
  const directives = directivesOf(cacheControl)
  return {
    noStore: directives.has('no-store'),
    noCache: directives.has('no-cache'),
    onlyIfCached: directives.has('only-if-cached'),
    maxAgeMs: secondsIn(directives.get('max-age')) ?? Number.POSITIVE_INFINITY,
    minFreshMs: secondsIn(directives.get('min-fresh')) ?? 0,
  }
}

/** Statuses whose answers the gateway keeps; the rest is asked for each time: a problem names the trace of its request. */
const keptStatuses: ReadonlySet<number> = new Set([200, 204, 301, 308])

/** Of one hop, of one delivery, or made again for each answer. */
const notKept: ReadonlySet<string> = new Set(['age', 'cache-status', 'content-length'])

export interface Received {
  status: number
  fields: Fields
  body: Buffer
}

/**
 * How an answer may be kept, or why not, in a word for Cache-Status.
 *
 * @param tagOf an entity tag of a body whose service gave none
 */
export const keepable = (
  { status, fields, body }: Received,
  rule: CacheRule,
  tagOf: (body: Buffer) => string,
): KeptAnswer | string => {
  const control = directivesOf(fields['cache-control'])
  const fault = whyNotKept(status, fields, control, rule)
  if (fault !== undefined) return fault
  const headers: string[] = []
  appendAnswerHeaders(headers, fields, notKept)
  const given = typeof fields.etag === 'string' ? fields.etag : undefined
  const etag = given ?? tagOf(body)
  if (given === undefined) headers.push('etag', etag)
  const revalidates = given !== undefined
  const times = timesOf(fields, control, rule)
  if (fields['cache-control'] !== undefined) return { status, headers, body, etag, revalidates, ...times }
  headers.push('cache-control', saidOf(rule))
  return { status, headers, body, etag, revalidates, ...times, controlIsOurs: true }
}

const whyNotKept = (
  status: number,
  fields: Fields,
  control: ReadonlyMap<string, string>,
  rule: CacheRule,
): string | undefined => {
  if (!keptStatuses.has(status)) return 'status'
  if (control.has('no-store') || (control.has('private') && rule.by === 'nobody')) return 'cache-control'
  if (control.has('no-cache') && fields.etag === undefined) return 'cache-control'
  if (fields['set-cookie'] !== undefined) return 'set-cookie'
  const varies = namesIn(fields.vary)
  if (!varies.every((name) => (rule.vary as readonly string[]).includes(name))) return 'vary'
  return undefined
}

/** The service's word, at most the route's; the route's where it says nothing. */
const timesOf = (fields: Fields, control: ReadonlyMap<string, string>, rule: CacheRule) => {
  const said = secondsIn(control.get('s-maxage')) ?? secondsIn(control.get('max-age')) ?? expiresIn(fields)
  const mustAsk = control.has('no-cache')
  const freshMs = mustAsk ? 0 : Math.min(said ?? rule.seconds * 1000, rule.seconds * 1000)
  const never = mustAsk || control.has('must-revalidate') || control.has('proxy-revalidate') || control.has('s-maxage')
  const ageMsAtFirst = typeof fields.age === 'string' ? (secondsIn(fields.age) ?? 0) : 0
  return { freshMs, staleMs: never ? 0 : rule.staleSeconds * 1000, ageMsAtFirst }
}

const expiresIn = (fields: Fields): number | undefined => {
  if (typeof fields.expires !== 'string') return undefined
  const [expires, date] = [Date.parse(fields.expires), Date.parse(String(fields.date))]
  return Number.isNaN(expires) || Number.isNaN(date) ? 0 : Math.max(0, expires - date)
}

/** For clients: theirs is asked about each time, since an event can't reach it; a balancer may bridge an outage. */
const saidOf = (rule: CacheRule): string =>
  rule.by === 'user'
    ? 'private, max-age=0'
    : `public, max-age=0${rule.staleSeconds === 0 ? '' : `, stale-if-error=${rule.staleSeconds}`}`

const namesIn = (value: string | string[] | undefined): string[] =>
  (Array.isArray(value) ? value.join(',') : (value ?? ''))
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')

/** Whether a 304 is about what is kept (RFC 9111, 4.3.4): one with another tag says that something else hasn't changed. */
export const isAbout = (kept: KeptAnswer, fields: Fields): boolean =>
  kept.revalidates && (typeof fields.etag !== 'string' || bareTag(fields.etag) === bareTag(kept.etag))

/**
 * After a 304: the kept body with the fields that the service says now (RFC 9111, 3.2), judged again as a whole. What the
 * 304 doesn't say holds as it was said first.
 *
 * @returns `fault`: why it isn't kept any longer; then the answer is of use to the one who asked alone
 */
export const freshened = (
  kept: KeptAnswer,
  fields: Fields,
  rule: CacheRule,
): { answer: KeptAnswer; fault: string | undefined } => {
  const headers = mergedHeaders(kept.headers, fields)
  const now: Record<string, string | string[] | undefined> = {}
  for (let at = 0; at < headers.length; at += 2) {
    const [name, before] = [headers[at]!, now[headers[at]!]]
    now[name] =
      before === undefined ? headers[at + 1]! : [...(Array.isArray(before) ? before : [before]), headers[at + 1]!]
  }
  const { controlIsOurs, ...rest } = kept
  const isOurs = controlIsOurs === true && fields['cache-control'] === undefined
  if (isOurs) now['cache-control'] = undefined
  const control = directivesOf(now['cache-control'])
  const fault = whyNotKept(kept.status, now, control, rule)
  if (fault !== undefined)
    return { answer: { ...rest, headers, revalidates: false, ageMsAtFirst: 0, freshMs: 0, staleMs: 0 }, fault }
  const times = timesOf({ ...now, age: fields.age }, control, rule)
  return { answer: { ...rest, headers, ...times, ...(isOurs ? { controlIsOurs } : {}) }, fault }
}

const mergedHeaders = (kept: readonly string[], fields: Fields): string[] => {
  const said: string[] = []
  appendAnswerHeaders(said, fields, notKept)
  const names = new Set(said.filter((_, at) => at % 2 === 0))
  const headers: string[] = []
  for (let at = 0; at < kept.length; at += 2)
    if (!names.has(kept[at]!) || kept[at]!.startsWith('content-')) headers.push(kept[at]!, kept[at + 1]!)
  for (let at = 0; at < said.length; at += 2)
    if (!said[at]!.startsWith('content-')) headers.push(said[at]!, said[at + 1]!)
  return headers
}

const bareTag = (etag: string): string => etag.replace(/^W\//, '')

/** Kept, with its age now; `changed`: an event, or a request through here, says that the service has another by now. */
export interface Found {
  readonly answer: KeptAnswer
  readonly ageMs: number
  readonly changed: boolean
}

/** Whether it may be given without asking. */
export const isFresh = ({ answer, ageMs, changed }: Found, wishes: Wishes): boolean =>
  !changed && !wishes.noCache && ageMs <= wishes.maxAgeMs && ageMs + wishes.minFreshMs < answer.freshMs

/** Whether it may be given in place of an error. */
export const mayStandForError = ({ answer, ageMs }: Found, wishes: Wishes): boolean =>
  !wishes.noCache && answer.staleMs > 0 && ageMs < answer.freshMs + answer.staleMs

/** Statuses of a service that a stale answer may stand for (RFC 5861, 4). */
export const isErrorStatus = (status: number): boolean =>
  status === 500 || status === 502 || status === 503 || status === 504

/** Whether the client has it already: the weak comparison (RFC 9110, 13.1.2). */
export const hasAlready = (ifNoneMatch: string | undefined, etag: string): boolean => {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch.trim() === '*') return true
  return [...ifNoneMatch.matchAll(/(?:W\/)?("[^"]*")/g)].some(([, tag]) => tag === bareTag(etag))
}

/** One member of Cache-Status (RFC 9211). */
export interface CacheStatus {
  hit?: true
  fwd?: 'uri-miss' | 'stale' | 'request' | 'bypass'
  fwdStatus?: number | undefined
  ttlMs?: number
  stored?: true
  collapsed?: true
  detail?: string
}

/** As the field's value. */
export const cacheStatus = ({ hit, fwd, fwdStatus, ttlMs, stored, collapsed, detail }: CacheStatus): string =>
  [
    'svyaz',
    ...(hit ? ['hit'] : []),
    ...(fwd === undefined ? [] : [`fwd=${fwd}`]),
    ...(fwdStatus === undefined ? [] : [`fwd-status=${fwdStatus}`]),
    ...(ttlMs === undefined ? [] : [`ttl=${Math.floor(ttlMs / 1000)}`]),
    ...(stored ? ['stored'] : []),
    ...(collapsed ? ['collapsed'] : []),
    ...(detail === undefined ? [] : [`detail=${detail}`]),
  ].join('; ')
