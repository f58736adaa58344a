/** What the sources of services say about calls between them: read as text, since a call is code and no list. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { streamPath } from '../../contracts/socket/notifications.ts'
import { serviceNames } from '../../contracts/vocabulary.ts'
import { defaultRoutes } from '../../services/gateway/src/routes.ts'
import { topology } from '../../system/topology.ts'

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
  protocol: 'HTTP' | 'gRPC' | 'WebSocket' | 'SMTP' | 'Kafka'
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

/** What the gateway passes on: by its routes, and the one WebSocket, whose path the same routes decide. */
export function callsOfRoutes(): Call[] {
  const { service: feed } = defaultRoutes.find(({ prefix }) => streamPath.startsWith(`${prefix}/`)) ?? {}
  return [
    ...[...new Set(defaultRoutes.map(({ service }) => service))].map(
      (to): Call => ({ from: 'gateway', to, protocol: 'HTTP' }),
    ),
    ...(feed === undefined ? [] : [{ from: 'gateway', to: feed, protocol: 'WebSocket' } as const]),
  ]
}

const protocolOf: Readonly<Record<string, Call['protocol']>> = { smtp: 'SMTP', kafka: 'Kafka' }

/** Calls to processes whose address the topology gives: what they look up nowhere. */
export function callsByAddress(): Call[] {
  return topology.processes.flatMap(({ name, addresses }) =>
    Object.values(addresses ?? {}).map(
      ({ scheme, process }): Call => ({ from: name, to: process, protocol: protocolOf[scheme] ?? 'HTTP' }),
    ),
  )
}

/** Services that keep something in PostgreSQL. */
export const withDatabase = (): string[] =>
  topology.processes.filter(({ database }) => Boolean(database)).map(({ name }) => name)

/** The topic constants that a service subscribes to. */
export function subscriptionsOf(service: string): string[] {
  const found = sourceOf(service).matchAll(/\bsubscribe(?:Records)?(?:<[^>]*>)?\(\{[^}]*?\btopic: (\w+)/g)
  return [...new Set([...found].map((match) => match[1]!))].sort()
}
