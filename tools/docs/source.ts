/** What the sources of services say about calls between them: read as text, since a call is code and no list. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { serviceNames } from '../../contracts/vocabulary.ts'

const root = join(import.meta.dirname, '..', '..')

/** The text of all sources of a service, tests left out. */
export function sourceOf(service: string): string {
  return globSync([`services/${service}/src/**/*.ts`, `services/relay/${service}/*.ts`], {
    cwd: root,
    exclude: ['**/*.test.ts'],
  })
    .sort()
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n')
}

export interface Call {
  from: string
  to: string
  protocol: 'HTTP' | 'gRPC' | 'WebSocket'
}

/** Who calls whom: by the kit's clients, `http('users')`, `grpc('orders')`, or by an address that it looks up itself. */
export function callsBetweenServices(): Call[] {
  return serviceNames.flatMap((from) => {
    const text = sourceOf(from)
    const named = (pattern: RegExp) => [...new Set([...text.matchAll(pattern)].map((match) => match[1]!))]
    return [
      ...named(/\bhttp\('([\w-]+)'\)/g).map((to): Call => ({ from, to, protocol: 'HTTP' })),
      ...named(/\bgrpc\('([\w-]+)'\)/g).map((to): Call => ({ from, to, protocol: 'gRPC' })),
      ...named(/\bdiscovery\.pick\('([\w-]+)'\)/g).map(
        (to): Call => ({ from, to, protocol: text.includes('new WebSocket(') ? 'WebSocket' : 'HTTP' }),
      ),
    ]
  })
}

/** The topic constants that a service subscribes to. */
export function subscriptionsOf(service: string): string[] {
  const found = sourceOf(service).matchAll(/\bsubscribe(?:Records)?(?:<[^>]*>)?\(\{[^}]*?\btopic: (\w+)/g)
  return [...new Set([...found].map((match) => match[1]!))].sort()
}
