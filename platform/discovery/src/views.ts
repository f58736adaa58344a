/**
 * State → JSON as Consul 1.21 writes it (field names and order included). Fields of features that a single node without a
 * mesh does not have are there with Consul's empty values, since clients decode into fixed structures.
 */
import { createHash } from 'node:crypto'
import { formatDuration } from './duration.ts'
import type { CheckRow, NodeFacts, ServiceRow, State } from './state.ts'

export type Json = unknown

const noProxy = { Mode: '', MeshGateway: {}, Expose: {} }
/** The version of Consul whose answers are imitated; ours rides as build metadata. */
export const apiVersion = '1.21.0+svyaz'

/** The server announces itself, as each Consul server does; only in the catalog, never among the agent's services. */
function ownService(state: State, port: number): ServiceRow {
  const index = state.marks.get('nodes') ?? 1
  return {
    id: 'consul',
    name: 'consul',
    tags: [],
    address: '',
    port,
    socketPath: '',
    meta: { version: apiVersion },
    taggedAddresses: {},
    weights: { passing: 1, warning: 1 },
    enableTagOverride: false,
    createIndex: index,
    modifyIndex: index,
  }
}

/** A service as `/v1/agent/service` shows it. */
export function agentService(service: ServiceRow, node: NodeFacts): Json {
  return {
    ID: service.id,
    Service: service.name,
    Tags: service.tags,
    Meta: service.meta,
    Port: service.port,
    Address: service.address,
    ...(service.socketPath === '' ? {} : { SocketPath: service.socketPath }),
    ...(Object.keys(service.taggedAddresses).length === 0 ? {} : { TaggedAddresses: service.taggedAddresses }),
    Weights: { Passing: service.weights.passing, Warning: service.weights.warning },
    EnableTagOverride: service.enableTagOverride,
    Datacenter: node.datacenter,
  }
}

/** One service with the hash that changes when its registration does. */
export function agentServiceWithHash(
  service: ServiceRow,
  node: NodeFacts,
): { readonly hash: string; readonly body: Json } {
  const { Datacenter, ...rest } = agentService(service, node) as { readonly Datacenter: string }
  const hash = createHash('sha256').update(JSON.stringify(rest)).digest('hex').slice(0, 16)
  return { hash, body: { ...rest, ContentHash: hash, Datacenter } }
}

/**
 * A check as Consul shows it.
 * @param from which API asks: the agent's has fields that the catalog's has not
 */
export function check(row: CheckRow, node: NodeFacts, from: 'agent' | 'catalog'): Json {
  const { probe } = row
  const probed = probe.kind === 'http' || probe.kind === 'tcp'
  return {
    Node: node.name,
    CheckID: row.checkId,
    Name: row.name,
    Status: row.status,
    Notes: row.notes,
    Output: row.output,
    ServiceID: row.serviceId,
    ServiceName: row.serviceName,
    ServiceTags: row.serviceTags,
    Type: probe.kind,
    Interval: probed ? formatDuration(probe.intervalMs) : '',
    Timeout: probed && probe.timeoutMs > 0 ? formatDuration(probe.timeoutMs) : '',
    ExposedPort: 0,
    Definition: {},
    // The agent knows its checks before the catalog numbers them: Consul shows zeros there.
    CreateIndex: from === 'agent' ? 0 : row.createIndex,
    ModifyIndex: from === 'agent' ? 0 : row.modifyIndex,
  }
}

/** The check that says that the node itself is alive: whoever gets this answer has the proof. */
function nodeAliveCheck(state: State): Json {
  const index = state.marks.get('nodes') ?? 1
  return {
    Node: state.node.name,
    CheckID: 'serfHealth',
    Name: 'Serf Health Status',
    Status: 'passing',
    Notes: '',
    Output: 'Agent alive and reachable',
    ServiceID: '',
    ServiceName: '',
    ServiceTags: [],
    Type: '',
    Interval: '',
    Timeout: '',
    ExposedPort: 0,
    Definition: {},
    CreateIndex: index,
    ModifyIndex: index,
  }
}

/** The one node, as `/v1/catalog/nodes` shows it. */
export function node(state: State): Json {
  const { id, name, address, datacenter } = state.node
  const index = state.marks.get('nodes') ?? 1
  return {
    ID: id,
    Node: name,
    Address: address,
    Datacenter: datacenter,
    TaggedAddresses: { lan: address, lan_ipv4: address, wan: address, wan_ipv4: address },
    Meta: { 'consul-network-segment': '', 'consul-version': apiVersion },
    CreateIndex: index,
    ModifyIndex: index,
  }
}

function healthService(service: ServiceRow): Json {
  return {
    ID: service.id,
    Service: service.name,
    Tags: service.tags,
    Address: service.address,
    ...(Object.keys(service.taggedAddresses).length === 0 ? {} : { TaggedAddresses: service.taggedAddresses }),
    Meta: service.meta,
    Port: service.port,
    ...(service.socketPath === '' ? {} : { SocketPath: service.socketPath }),
    Weights: { Passing: service.weights.passing, Warning: service.weights.warning },
    EnableTagOverride: service.enableTagOverride,
    Proxy: noProxy,
    Connect: {},
    PeerName: '',
    CreateIndex: service.createIndex,
    ModifyIndex: service.modifyIndex,
  }
}

function catalogService(service: ServiceRow, state: State): Json {
  const { ID, Node, Address, Datacenter, TaggedAddresses, Meta } = node(state) as Record<string, unknown>
  return {
    ID,
    Node,
    Address,
    Datacenter,
    TaggedAddresses,
    NodeMeta: Meta,
    ServiceKind: '',
    ServiceID: service.id,
    ServiceName: service.name,
    ServiceTags: service.tags,
    ServiceAddress: service.address,
    ...(Object.keys(service.taggedAddresses).length === 0 ? {} : { ServiceTaggedAddresses: service.taggedAddresses }),
    ServiceWeights: { Passing: service.weights.passing, Warning: service.weights.warning },
    ServiceMeta: service.meta,
    ServicePort: service.port,
    ServiceSocketPath: service.socketPath,
    ServiceEnableTagOverride: service.enableTagOverride,
    ServiceProxy: noProxy,
    ServiceConnect: {},
    ServiceLocality: null,
    CreateIndex: service.createIndex,
    ModifyIndex: service.modifyIndex,
  }
}

interface CatalogInstance {
  readonly ServiceName: string
  readonly ServiceTags: readonly string[]
}

/** `/v1/catalog/services`: name → every tag of these instances. */
export function catalogServices(instances: readonly Json[]): Readonly<Record<string, readonly string[]>> {
  const tagsByName = new Map<string, Set<string>>()
  for (const { ServiceName, ServiceTags } of instances as readonly CatalogInstance[]) {
    const tags = tagsByName.get(ServiceName) ?? new Set()
    for (const tag of ServiceTags) tags.add(tag)
    tagsByName.set(ServiceName, tags)
  }
  return Object.fromEntries([...tagsByName].sort(byKey).map(([name, tags]) => [name, [...tags]]))
}

/** Every instance, this server's own service among them. */
export const allInstances = (state: State, ownPort: number): readonly ServiceRow[] => [
  ownService(state, ownPort),
  ...state.services.values(),
]

/** Whether the node has this `key:value` among its metadata (`?node-meta=`). */
export function nodeHas(state: State, pair: string): boolean {
  const at = pair.indexOf(':')
  const { Meta } = node(state) as { Meta: Readonly<Record<string, string>> }
  return at > 0 && Object.hasOwn(Meta, pair.slice(0, at)) && Meta[pair.slice(0, at)] === pair.slice(at + 1)
}

/** Instances of a name with all of `tags` (letter case is ignored), ordered by id. */
export function instances(state: State, name: string, tags: readonly string[], ownPort: number): readonly ServiceRow[] {
  const wanted = tags.map((tag) => tag.toLowerCase())
  const rows = [...state.services.values(), ...(name === 'consul' ? [ownService(state, ownPort)] : [])]
  return rows
    .filter((row) => row.name === name)
    .filter((row) => wanted.every((tag) => row.tags.some((own) => own.toLowerCase() === tag)))
    .sort((a, b) => compare(a.id, b.id))
}

/** Instances as `/v1/catalog/service` shows them. */
export function catalogInstances(state: State, rows: readonly ServiceRow[]): Json[] {
  return rows.map((row) => catalogService(row, state))
}

/** `/v1/health/service/:name`: each instance with its node and with the checks of both. */
export function healthInstances(state: State, rows: readonly ServiceRow[], passingOnly: boolean): Json[] {
  const ofNode = nodeChecks(state)
  const sharedNode = node(state)
  return rows
    .map((row) => {
      const own = checkRows(state, (candidate) => candidate.serviceId === row.id)
      const shared = checkRows(state, (candidate) => candidate.serviceId === '')
      return {
        passing: [...own, ...shared].every((candidate) => candidate.status === 'passing'),
        entry: {
          Node: sharedNode,
          Service: healthService(row),
          Checks: [...ofNode, ...own.map((candidate) => check(candidate, state.node, 'catalog'))],
        },
      }
    })
    .filter(({ passing }) => passing || !passingOnly)
    .map(({ entry }) => entry)
}

/** Rows that satisfy `wanted`, ordered by id. */
export function checkRows(state: State, wanted: (row: CheckRow) => boolean): CheckRow[] {
  return [...state.checks.values()].filter(wanted).sort((a, b) => compare(a.checkId, b.checkId))
}

/** Checks of the node: those registered without a service, and the sign of life. */
export function nodeChecks(state: State): Json[] {
  const registered = checkRows(state, (row) => row.serviceId === '').map((row) => check(row, state.node, 'catalog'))
  return [...registered, nodeAliveCheck(state)]
}

/** Every check, or those in one state. */
export function checksInState(state: State, wanted: string): Json[] {
  const rows = checkRows(state, (row) => wanted === 'any' || row.status === wanted)
  const alive = wanted === 'any' || wanted === 'passing' ? [nodeAliveCheck(state)] : []
  return [...alive, ...rows.map((row) => check(row, state.node, 'catalog'))]
}

/** A key with its value, as `/v1/kv` shows it. The key must be there. */
export function keyEntry(state: State, key: string): Json {
  const row = state.keys.get(key)!
  return {
    LockIndex: 0,
    Key: key,
    Flags: row.flags,
    Value: row.value === '' ? null : row.value,
    CreateIndex: row.createIndex,
    ModifyIndex: row.modifyIndex,
  }
}

/** Keys that begin with the prefix, in order of their bytes. */
export function keysUnder(state: State, prefix: string): string[] {
  return [...state.keys.keys()].filter((key) => key.startsWith(prefix)).sort(compare)
}

/** Keys cut after the first separator that follows the prefix, each once: a directory listing. */
export function foldKeys(keys: readonly string[], prefix: string, separator: string): string[] {
  if (separator === '') return [...keys]
  const folded = keys.map((key) => {
    const at = key.indexOf(separator, prefix.length)
    return at === -1 ? key : key.slice(0, at + separator.length)
  })
  return [...new Set(folded)]
}

/** Order of bytes for the names in use here, as Go sorts: independent of the machine's language. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return compare(a[0], b[0])
}

/** `/v1/agent/self`, as far as one node without gossip has something to say. */
export function agentSelf(state: State, port: number): Json {
  const { id, name, datacenter } = state.node
  return {
    Config: {
      Datacenter: datacenter,
      PrimaryDatacenter: datacenter,
      NodeName: name,
      NodeID: id,
      Revision: '',
      Server: true,
      Version: apiVersion,
      BuildDate: '1970-01-01T00:00:01Z',
    },
    Member: member(state, port),
    Meta: { 'consul-network-segment': '', 'consul-version': apiVersion },
  }
}

/**
 * This server as `/v1/agent/members` shows it.
 * @param port of its HTTP API
 */
export function member(state: State, port: number): Json {
  const { id, name, address, datacenter } = state.node
  return {
    Name: name,
    Addr: address,
    Port: port,
    Tags: { build: apiVersion, dc: datacenter, id, role: 'consul', port: String(port), segment: '' },
    // serf's "alive"
    Status: 1,
    ProtocolMin: 1,
    ProtocolMax: 5,
    ProtocolCur: 2,
    DelegateMin: 2,
    DelegateMax: 5,
    DelegateCur: 4,
  }
}
