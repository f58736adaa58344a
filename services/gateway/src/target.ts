/**
 * The request target in one form (RFC 3986, 6.2.2): matched and forwarded are the same bytes, so no spelling of a path
 * can pass the check of one route and reach what is behind another. Pure.
 */
import { gatewayLimits } from './config.ts'

export interface Target {
  path: string
  /** With its `?`, or empty; forwarded as it came. */
  query: string
}

export const tooLong = 'the request target is too long'

/** Segments that need no work: unreserved characters, sub-delims, `:` and `@`; no escapes, no empty or dot segments. */
const plain = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9\-._~!$&'()*+,;=:@]+)*\/?$/
const allowedPath = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/%]*$/
const allowedQuery = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/?%[\]|^{}`"<>]*$/
const brokenEscape = /%(?![0-9A-Fa-f]{2})/
const unreserved = /[A-Za-z0-9\-._~]/

/**
 * @param raw the request target in origin-form or absolute-form (RFC 9112, 3.2).
 * @returns the target, or in words why it is refused.
 */
export const normaliseTarget = (raw: string): Target | string => {
  if (raw.length > gatewayLimits.targetCharsMax) return tooLong
  const relative = raw.charCodeAt(0) === 0x2f ? raw : withoutAuthority(raw)
  if (relative === undefined) return 'the request target is neither a path nor an http URL'
  const mark = relative.indexOf('?')
  const path = mark === -1 ? relative : relative.slice(0, mark)
  const query = mark === -1 ? '' : relative.slice(mark)
  if (query !== '' && (!allowedQuery.test(query) || brokenEscape.test(query))) return 'the query is not well formed'
  if (plain.test(path)) return { path, query }

  if (!allowedPath.test(path) || brokenEscape.test(path)) return 'the path is not well formed'
  let ambiguous = false
  const decoded = path.replaceAll(/%[0-9A-Fa-f]{2}/g, (triplet) => {
    const code = Number.parseInt(triplet.slice(1), 16)
    // A slash, a backslash or a control character that one side would decode and the other would not.
    if (code === 0x2f || code === 0x5c || code < 0x20 || code === 0x7f) ambiguous = true
    const character = String.fromCharCode(code)
    return unreserved.test(character) ? character : triplet.toUpperCase()
  })
  if (ambiguous) return 'the path has an encoded slash, backslash or control character'
  return { path: withoutDots(decoded), query }
}

/** RFC 9112, 3.2.2: a server must take the absolute-form too. The authority is not used: Host was checked apart. */
const withoutAuthority = (raw: string): string | undefined => {
  const rest = /^https?:\/\/[^/?#\s]+(.*)$/i.exec(raw)?.[1]
  if (rest === undefined) return undefined
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** RFC 3986, 5.2.4, with empty segments merged; above the root there is the root. */
const withoutDots = (path: string): string => {
  const kept: string[] = []
  const segments = path.split('/')
  for (const segment of segments)
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(segment)
  const last = segments.at(-1)
  const below = kept.length > 0 && (last === '' || last === '.' || last === '..')
  return `/${kept.join('/')}${below ? '/' : ''}`
}
