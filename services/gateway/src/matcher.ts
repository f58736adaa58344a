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
  /** How many segments it has: the more, the closer it fits. */
  depth: number
  /** Segments, where some are holes that take any; undefined: the prefix is literal. */
  holes: readonly string[] | undefined
  exact: boolean
  byMethod: Map<string, Match>
  noMethod: Match
}

/**
 * The prefix with most segments first, literal before one with holes, `exact` before one as long. The first place that
 * takes the method wins among those of the longest matching length; a shorter prefix never catches what a longer one
 * refuses.
 */
export const compileMatcher = (routes: readonly GatewayRoute[]): Matcher => {
  const places = new Map<string, Place>()
  for (const route of routes) {
    const key = `${route.exact === true ? '=' : ''}${route.prefix}`
    const place = places.get(key) ?? {
      prefix: route.prefix,
      depth: route.prefix.split('/').length,
      holes: route.prefix.includes('{') ? route.prefix.split('/') : undefined,
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
    (a, b) =>
      b.depth - a.depth ||
      Number(a.holes !== undefined) - Number(b.holes !== undefined) ||
      Number(b.exact) - Number(a.exact),
  )
  for (const place of sorted) place.noMethod = { kind: 'no-method', allowed: allowedAt(sorted, place.prefix) }
  const byFirstSegment = Map.groupBy(sorted, (place) => firstSegment(place.prefix))

  return (method, path) => {
    const candidates = byFirstSegment.get(firstSegment(path))
    if (candidates === undefined) return nothing
    let refused: Place | undefined
    for (const place of candidates) {
      if (refused !== undefined && place.depth < refused.depth) break
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

const covers = ({ prefix, exact, holes }: Place, path: string): boolean => {
  if (holes !== undefined) return fits(holes, path)
  return path.length === prefix.length
    ? path === prefix
    : !exact && path.charCodeAt(prefix.length) === 0x2f && path.startsWith(prefix)
}

const fits = (holes: readonly string[], path: string): boolean => {
  const segments = path.split('/')
  return (
    segments.length === holes.length &&
    holes.every((hole, at) => (hole.startsWith('{') ? segments[at] !== '' : hole === segments[at]))
  )
}

/** For `Allow`: what all places at this prefix take together. */
const allowedAt = (places: readonly Place[], prefix: string): readonly string[] => [
  ...new Set(places.filter((place) => place.prefix === prefix).flatMap((place) => [...place.byMethod.keys()])),
  'OPTIONS',
]
