/**
 * Every endpoint, once: method, path, query parameters, who may call, what it means. Dispatch, the `Allow` header, the
 * metric labels and the table in the README follow this list; a parameter that isn't in it is refused, never ignored.
 *
 *   command   an event for the registry; answered after it is on disk (`soft`: not stored, so accepted on a full disk)
 *   read      a view of the state
 *   watch     a view of the state with an index: a blocking query when `?index=` is given
 *   about     the process itself
 */
import { healthOf, healthOfName } from './agent-health.ts'
import type { Answer, Call } from './call.ts'
import { filtered, readCount, readFlag } from './call.ts'
import { readCheckRegistration, readCheckUpdate, readServiceRegistration } from './definitions.ts'
import { indexOf, keyIndex, keyWakeIndex, mark, prefixIndex, prefixWakeIndex, serviceIndex } from './indexes.ts'
import type { Limits } from './limits.ts'
import { Refusal } from './refusal.ts'
import type { Event } from './registry-event.ts'
import type { CheckStatus, State } from './state.ts'
import * as views from './views.ts'

/** What views need beside the state. */
export interface Surroundings {
  readonly limits: Limits
  /** The port that this server listens on. */
  readonly port: number
}

interface RouteBase {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  /** `:name` is one segment, `*name` the rest of the path. */
  readonly path: string
  /** Parameters of its own, beside those that every endpoint of its kind takes (parameters.ts). */
  readonly query: readonly string[]
  /** Probes and scrapers of a network come under names that are not on the list (callers.ts). */
  readonly callers: 'allowed hosts' | 'probes'
}

export type Route = RouteBase &
  (
    | {
        readonly kind: 'command'
        readonly event: (call: Call, around: Surroundings) => Event
        readonly soft?: true
        readonly body?: 'json' | 'value'
        /** Whether the registry's yes or no is the answer (`true`), or an empty body. */
        readonly answers?: 'outcome'
      }
    | { readonly kind: 'read'; readonly view: (state: State, call: Call, around: Surroundings) => Answer }
    | {
        readonly kind: 'watch'
        readonly view: (state: State, call: Call, around: Surroundings) => Answer
        readonly index: (state: State, call: Call) => number
        /** The index that wakes a waiting query, where it is not the one that is answered. */
        readonly wakeIndex?: (state: State, call: Call) => number
      }
    | { readonly kind: 'about'; readonly topic: 'live' | 'ready' | 'metrics' | 'info' }
  )

type Command = Extract<Route, { kind: 'command' }>
type Watch = Extract<Route, { kind: 'watch' }>
type Read = Extract<Route, { kind: 'read' }>

const command = (
  method: 'PUT' | 'DELETE',
  path: string,
  { query = [], ...rest }: Omit<Command, keyof RouteBase | 'kind'> & { query?: readonly string[] },
): Route => ({
  method,
  path,
  query,
  callers: 'allowed hosts',
  kind: 'command',
  ...rest,
})
const read = (path: string, view: Read['view'], query: readonly string[] = []): Route => ({
  method: 'GET',
  path,
  query,
  callers: 'allowed hosts',
  kind: 'read',
  view,
})
const watch = (
  path: string,
  query: readonly string[],
  index: Watch['index'],
  view: Watch['view'],
  wakeIndex?: Watch['wakeIndex'],
): Route => ({
  method: 'GET',
  path,
  query,
  callers: 'allowed hosts',
  kind: 'watch',
  index,
  view,
  ...(wakeIndex === undefined ? {} : { wakeIndex }),
})
const about = (path: string, topic: Extract<Route, { kind: 'about' }>['topic']): Route => ({
  method: 'GET',
  path,
  query: [],
  callers: 'probes',
  kind: 'about',
  topic,
})

export const routes: readonly Route[] = [
  command('PUT', '/v1/agent/service/register', {
    query: ['replace-existing-checks'],
    body: 'json',
    event: ({ body, query }, { limits }) => ({
      type: 'register service',
      ...readServiceRegistration(body, limits),
      replaceChecks: readFlag(query, 'replace-existing-checks') ?? false,
    }),
  }),
  command('PUT', '/v1/agent/service/deregister/:id', {
    event: ({ params }) => ({ type: 'deregister service', serviceId: params.id! }),
  }),
  command('PUT', '/v1/agent/service/maintenance/:id', {
    query: ['enable', 'reason'],
    event: ({ params, query }) => ({
      type: 'maintenance',
      serviceId: params.id!,
      enable: readEnable(query),
      reason: query.get('reason') ?? '',
    }),
  }),
  command('PUT', '/v1/agent/check/register', {
    body: 'json',
    event: ({ body }, { limits }) => ({ type: 'register check', check: readCheckRegistration(body, limits) }),
  }),
  command('PUT', '/v1/agent/check/deregister/:id', {
    event: ({ params }) => ({ type: 'deregister check', checkId: params.id! }),
  }),
  command('PUT', '/v1/agent/check/pass/:id', { query: ['note'], soft: true, event: reportAs('passing') }),
  command('PUT', '/v1/agent/check/warn/:id', { query: ['note'], soft: true, event: reportAs('warning') }),
  command('PUT', '/v1/agent/check/fail/:id', { query: ['note'], soft: true, event: reportAs('critical') }),
  command('PUT', '/v1/agent/check/update/:id', {
    soft: true,
    body: 'json',
    event: ({ params, body }, { limits }) => {
      const { status, output } = readCheckUpdate(body)
      return { type: 'report', checkId: params.id!, status, output: output.slice(0, limits.checkOutputBytesMax) }
    },
  }),

  read(
    '/v1/agent/services',
    (state, { query }, { limits }) => {
      const all = [...state.services.values()].map((row) => [row.id, views.agentService(row, state.node)] as const)
      const kept = new Set(
        filtered(
          query,
          all.map(([, view]) => view),
          limits,
        ),
      )
      return json(Object.fromEntries(all.filter(([, view]) => kept.has(view)).sort(([a], [b]) => views.compare(a, b))))
    },
    ['filter'],
  ),
  read('/v1/agent/service/:id', (state, { params }) => {
    const row = state.services.get(params.id!)
    if (row === undefined) throw new Refusal(404, `unknown service ID: ${params.id}`)
    const { hash, body } = views.agentServiceWithHash(row, state.node)
    return { status: 200, json: body, headers: { 'X-Consul-Contenthash': hash } }
  }),
  read(
    '/v1/agent/checks',
    (state, { query }, { limits }) => {
      const all = views.checkRows(state, () => true)
      const shown = all.map((row) => [row.checkId, views.check(row, state.node, 'agent')] as const)
      const kept = new Set(
        filtered(
          query,
          shown.map(([, view]) => view),
          limits,
        ),
      )
      return json(Object.fromEntries(shown.filter(([, view]) => kept.has(view))))
    },
    ['filter'],
  ),
  read(
    '/v1/agent/health/service/name/:name',
    (state, { params, query }) => {
      const health = healthOfName(state, params.name!)
      if (health === undefined) return inFormat(query, 404, `ServiceName ${params.name} Not Found`, [])
      return inFormat(query, health.httpStatus, health.aggregated, health.json)
    },
    ['format'],
  ),
  read(
    '/v1/agent/health/service/id/:id',
    (state, { params, query }) => {
      const row = state.services.get(params.id!)
      if (row === undefined) {
        const unknown = { AggregatedStatus: 'critical', Service: null, Checks: null }
        return inFormat(query, 404, `ServiceId ${params.id} not found`, unknown)
      }
      const health = healthOf(state, row)
      return inFormat(query, health.httpStatus, health.aggregated, health.json)
    },
    ['format'],
  ),
  read('/v1/agent/self', (state, _call, around) => json(views.agentSelf(state, around.port))),
  read('/v1/agent/members', (state, _call, around) => json([views.member(state, around.port)]), ['wan']),

  watch(
    '/v1/catalog/services',
    ['filter', 'node-meta'],
    (state) => indexOf(state, mark.services, mark.nodes),
    (state, { query }, { limits, port }) => {
      const shown = views.catalogInstances(state, ofNode(state, query, views.allInstances(state, port)))
      return json(views.catalogServices(filtered(query, shown, limits)))
    },
  ),
  watch(
    '/v1/catalog/service/:name',
    ['tag', 'filter', 'node-meta', 'near'],
    (state, { params }) => serviceIndex(state, params.name!),
    (state, call, around) => {
      const rows = views.instances(state, call.params.name!, call.query.getAll('tag'), around.port)
      return json(filtered(call.query, views.catalogInstances(state, ofNode(state, call.query, rows)), around.limits))
    },
  ),
  watch(
    '/v1/catalog/nodes',
    ['filter', 'node-meta', 'near'],
    (state) => indexOf(state, mark.nodes),
    (state, { query }, { limits }) => json(filtered(query, ofNode(state, query, [views.node(state)]), limits)),
  ),
  read('/v1/catalog/datacenters', (state) => json([state.node.datacenter])),

  watch(
    '/v1/health/service/:name',
    ['tag', 'passing', 'filter', 'node-meta', 'near'],
    (state, { params }) => serviceIndex(state, params.name!),
    (state, call, around) => {
      const rows = views.instances(state, call.params.name!, call.query.getAll('tag'), around.port)
      const passingOnly = readFlag(call.query, 'passing') ?? false
      const shown = views.healthInstances(state, ofNode(state, call.query, rows), passingOnly)
      return json(filtered(call.query, shown, around.limits))
    },
  ),
  watch(
    '/v1/health/checks/:name',
    ['filter', 'node-meta', 'near'],
    (state, { params }) => serviceIndex(state, params.name!),
    (state, call, around) => {
      const rows = views.checkRows(state, (row) => row.serviceId !== '' && row.serviceName === call.params.name)
      return json(
        filtered(
          call.query,
          ofNode(state, call.query, rows).map((row) => views.check(row, state.node, 'catalog')),
          around.limits,
        ),
      )
    },
  ),
  watch(
    '/v1/health/node/:node',
    ['filter'],
    (state) => indexOf(state, mark.checks, mark.nodes),
    (state, call, around) => {
      if (call.params.node !== state.node.name) return json([])
      return json(filtered(call.query, views.checksInState(state, 'any'), around.limits))
    },
  ),
  watch(
    '/v1/health/state/:state',
    ['filter', 'node-meta', 'near'],
    (state) => indexOf(state, mark.checks, mark.nodes),
    (state, call, around) =>
      json(
        filtered(call.query, ofNode(state, call.query, views.checksInState(state, call.params.state!)), around.limits),
      ),
  ),

  watch(
    '/v1/kv/*key',
    ['recurse', 'keys', 'separator', 'raw', 'filter'],
    (state, { params, query }) => (lists(query) ? prefixIndex(state, params.key!) : keyIndex(state, params.key!)),
    readKeys,
    (state, { params, query }) =>
      lists(query) ? prefixWakeIndex(state, params.key!) : keyWakeIndex(state, params.key!),
  ),
  command('PUT', '/v1/kv/*key', {
    query: ['flags', 'cas', 'acquire', 'release'],
    body: 'value',
    answers: 'outcome',
    event: ({ params, query, body }, { limits }) => ({
      type: 'put key',
      key: keyOf(params.key!, limits, query),
      value: body.toString('base64'),
      flags: readCount(query, 'flags') ?? 0,
      cas: readCount(query, 'cas'),
    }),
  }),
  command('DELETE', '/v1/kv/*key', {
    query: ['recurse', 'cas'],
    answers: 'outcome',
    event: ({ params, query }, { limits }) => {
      const recurse = query.has('recurse')
      const cas = readCount(query, 'cas')
      if (recurse && cas !== null) throw new Refusal(400, `Conflicting flags: ${query}`)
      return { type: 'delete keys', key: recurse ? params.key! : keyOf(params.key!, limits, query), recurse, cas }
    },
  }),

  read('/v1/status/leader', (state, _call, { port }) => json(`${state.node.address}:${port}`)),
  read('/v1/status/peers', (state, _call, { port }) => json([`${state.node.address}:${port}`])),

  about('/health/live', 'live'),
  about('/health/ready', 'ready'),
  // Whoever gets an answer at all reached a server that has read its data: it listens last.
  about('/health/startup', 'live'),
  about('/metrics', 'metrics'),
  about('/info', 'info'),
]

/** What is on the node, unless `?node-meta=` asks for nodes with something that ours has not. */
function ofNode<T>(state: State, query: URLSearchParams, items: readonly T[]): readonly T[] {
  return query.getAll('node-meta').every((pair) => views.nodeHas(state, pair)) ? items : []
}

/** `?format=text` asks for the word alone. */
function inFormat(query: URLSearchParams, status: number, text: string, value: unknown): Answer {
  const format = query.get('format') ?? ''
  if (format !== '' && format !== 'text') throw new Refusal(400, 'Invalid value for ?format: text is all there is')
  return format === 'text' ? { status, text } : { status, json: value }
}

function json(value: unknown): Answer {
  return { status: 200, json: value }
}

function reportAs(status: CheckStatus): Command['event'] {
  return ({ params, query }, { limits }) => ({
    type: 'report',
    checkId: params.id!,
    status,
    output: (query.get('note') ?? '').slice(0, limits.checkOutputBytesMax),
  })
}

function readEnable(query: URLSearchParams): boolean {
  const value = query.get('enable') ?? ''
  if (value === '') throw new Refusal(400, 'Missing value for enable')
  if (!/^(?:1|0|t|f|T|F|true|false|TRUE|FALSE|True|False)$/.test(value)) {
    throw new Refusal(400, `Invalid value for enable: ${JSON.stringify(value)}`)
  }
  return /^(?:1|t|T|true|TRUE|True)$/.test(value)
}

function lists(query: URLSearchParams): boolean {
  return query.has('recurse') || query.has('keys')
}

function keyOf(key: string, limits: Limits, query: URLSearchParams): string {
  if (key === '') throw new Refusal(400, 'Missing key name')
  if (Buffer.byteLength(key) > limits.keyBytesMax) throw new Refusal(400, `a key may have ${limits.keyBytesMax} bytes`)
  if (query.has('acquire') || query.has('release'))
    throw new Refusal(400, 'sessions (acquire, release) are not offered by this server')
  return key
}

function readKeys(state: State, { params, query }: Call, { limits }: Surroundings): Answer {
  const key = params.key!
  if (query.has('keys')) {
    const keys = views.foldKeys(views.keysUnder(state, key), key, query.get('separator') ?? '')
    return keys.length === 0 ? { status: 404 } : json(filtered(query, keys, limits))
  }
  if (query.has('recurse')) {
    const entries = views.keysUnder(state, key).map((name) => views.keyEntry(state, name))
    return entries.length === 0 ? { status: 404 } : json(entries)
  }
  if (key === '') throw new Refusal(400, 'Missing key name')
  const row = state.keys.get(key)
  if (row === undefined) return { status: 404 }
  if (!query.has('raw')) return json([views.keyEntry(state, key)])
  // Stored bytes come from anybody: a browser must neither guess a type nor run them.
  return {
    status: 200,
    bytes: Buffer.from(row.value, 'base64'),
    headers: {
      'Content-Type': 'text/plain',
      'Content-Security-Policy': 'sandbox',
      'X-Content-Type-Options': 'nosniff',
    },
  }
}
