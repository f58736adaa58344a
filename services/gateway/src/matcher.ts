/** Which route a request takes. Compiled once per change of the list; pure. */
import { type GatewayRoute, routedMethods } from './routes.ts'

export type Match =
  | { kind: 'route'; route: GatewayRoute }
  | { kind: 'no-method'; allowed: readonly string[] }
  | { kind: 'nothing' }

/** The method must be upper-case, the path as `normaliseTarget` gives it. */
export type Matcher = (method: string, path: string) => Match

const nothing: Match = { kind: 'nothing' }

interface Place {
  prefix: string
  exact: boolean
  byMethod: Map<string, Match>
  noMethod: Match
}

/**
 * Longest prefix first, `exact` before a prefix of the same length. The first place that takes the method wins among
 * those of the longest matching length; a shorter prefix never catches what a longer one refuses.
 */
export const compileMatcher = (routes: readonly GatewayRoute[]): Matcher => {
  const places = new Map<string, Place>()
  for (const route of routes) {
    const key = `${route.exact === true ? '=' : ''}${route.prefix}`
    const place = places.get(key) ?? {
      prefix: route.prefix,
      exact: route.exact === true,
      byMethod: new Map<string, Match>(),
      noMethod: nothing,
    }
    const match: Match = { kind: 'route', route }
    for (const method of route.methods ?? routedMethods) {
      place.byMethod.set(method, match)
      if (method === 'GET' && !place.byMethod.has('HEAD')) place.byMethod.set('HEAD', match)
    }
    places.set(key, place)
  }
  const sorted = [...places.values()].sort(
    (a, b) => b.prefix.length - a.prefix.length || Number(b.exact) - Number(a.exact),
  )
  for (const place of sorted) place.noMethod = { kind: 'no-method', allowed: allowedAt(sorted, place.prefix) }
  const byFirstSegment = Map.groupBy(sorted, (place) => firstSegment(place.prefix))

  return (method, path) => {
    const candidates = byFirstSegment.get(firstSegment(path))
    if (candidates === undefined) return nothing
    let refused: Place | undefined
    for (const place of candidates) {
      if (refused !== undefined && place.prefix.length < refused.prefix.length) break
      if (!covers(place, path)) continue
      const match = place.byMethod.get(method)
      if (match !== undefined) return match
      refused = place
    }
    return refused === undefined ? nothing : refused.noMethod
  }
}

const firstSegment = (path: string): string => {
  const end = path.indexOf('/', 1)
  return end === -1 ? path : path.slice(0, end)
}

const covers = ({ prefix, exact }: Place, path: string): boolean =>
  path.length === prefix.length
    ? path === prefix
    : !exact && path.charCodeAt(prefix.length) === 0x2f && path.startsWith(prefix)

/** For `Allow`: what all places at this prefix take together. */
const allowedAt = (places: readonly Place[], prefix: string): readonly string[] => [
  ...new Set(places.filter((place) => place.prefix === prefix).flatMap((place) => [...place.byMethod.keys()])),
  'OPTIONS',
]
