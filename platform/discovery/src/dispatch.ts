/** Finds the route of a method and a path. Pure. */
import type { Route } from './routes.ts'

export interface Found {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

export type Dispatch =
  | ({ readonly kind: 'found' } & Found)
  | { readonly kind: 'wrong method'; readonly allow: readonly string[] }
  | { readonly kind: 'unknown path' }
  | { readonly kind: 'bad encoding' }

/** @param path the path of the request, still percent-encoded, without the query */
export function createDispatch(routes: readonly Route[]): (method: string, path: string) => Dispatch {
  const compiled = routes.map((route) => ({ route, segments: route.path.slice(1).split('/') }))
  return (method, path) => {
    const given = path.slice(1).split('/')
    const allow: string[] = []
    for (const { route, segments } of compiled) {
      const raw = match(segments, given)
      if (raw === null) continue
      if (route.method !== method) {
        allow.push(route.method)
        continue
      }
      try {
        const params = Object.fromEntries(raw.map(([name, value]) => [name, decodeURIComponent(value)]))
        return { kind: 'found', route, params }
      } catch {
        return { kind: 'bad encoding' }
      }
    }
    return allow.length > 0 ? { kind: 'wrong method', allow: ['OPTIONS', ...allow] } : { kind: 'unknown path' }
  }
}

function match(segments: readonly string[], given: readonly string[]): [string, string][] | null {
  const params: [string, string][] = []
  for (const [position, segment] of segments.entries()) {
    if (segment.startsWith('*')) {
      if (given.length <= position) return null
      params.push([segment.slice(1), given.slice(position).join('/')])
      return params
    }
    const value = given[position]
    if (value === undefined) return null
    if (segment.startsWith(':') && value !== '') params.push([segment.slice(1), value])
    else if (segment !== value) return null
  }
  return given.length === segments.length ? params : null
}
