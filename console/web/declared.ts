/**
 * What the contracts say that the page draws: topics with who writes and reads them, and who calls whom over HTTP.
 * Read while the page is built, so that it carries the lists and not the schemas.
 */
import { routes, topics } from '@svyaz/contracts/index.ts'
import { serviceNames } from '@svyaz/contracts/vocabulary.ts'

export interface DeclaredTopic {
  readonly name: string
  readonly kind: 'event' | 'task'
  readonly writer: string
  readonly readers: readonly string[]
  readonly events: readonly string[]
}

export interface Declared {
  readonly services: readonly string[]
  readonly topics: readonly DeclaredTopic[]
  /** Over HTTP. `client`: somebody outside. */
  readonly calls: readonly { readonly from: string; readonly to: string }[]
}

const relay = new Set(['mc1', 'mc2', 'mc3'])

/** Operations for people go through the gateway; those of the relay loop are called as they are. */
function declaredCalls(): Declared['calls'] {
  const found = new Set<string>()
  for (const { service, access, internal } of routes) {
    const forPeople = access.anonymous === true || access.user !== undefined
    if (forPeople && (service === 'gateway' || relay.has(service))) found.add(`client ${service}`)
    else if (forPeople && internal !== true) {
      found.add(`client gateway`).add(`gateway ${service}`)
    }
    for (const caller of access.services ?? []) if (caller !== '*') found.add(`${caller} ${service}`)
  }
  return [...found].map((pair) => {
    const [from = '', to = ''] = pair.split(' ')
    return { from, to }
  })
}

export const declared: Declared = {
  services: serviceNames,
  topics: topics.map(({ name, kind, writer, readers, events }) => ({
    name,
    kind,
    writer,
    readers,
    events: Object.keys(events),
  })),
  calls: declaredCalls(),
}
