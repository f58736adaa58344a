/**
 * Every listener of the system: each port of each process of the topology, what is spoken there and how it shows that it
 * is well. The attack suite, the campaign and docs/security.md read this one list; tests hold it to the topology, to what
 * `svyaz ps` shows and to what the processes really listen on.
 */
import { type Topology, type TopologyProcess, topology } from './topology.ts'

/** `http` takes upgrades too, if only to refuse them; `grpc` is HTTP/2 without TLS; `https` is HTTP/1.1 and HTTP/2 by ALPN. */
export type Protocol = 'http' | 'https' | 'grpc' | 'kafka' | 'smtp' | 'postgres' | 'control'

export interface Listener {
  readonly process: string
  /** Its key under `ports` in `svyaz ps --json` and in the control API; the control socket is a file, not a port. */
  readonly port: string
  readonly protocol: Protocol
  readonly purpose: string
  /** HTTP: a path that a healthy listener answers with 200 to anybody on this machine. */
  readonly alive?: string
  /** Other than 200: a listener for WebSockets alone asks for an upgrade (426) when it is well. */
  readonly aliveStatus?: number
  /** HTTP: what takes a body, so that wrong ones reach the reader of bodies. Sent without a token. */
  readonly takesBody?: { readonly method: string; readonly path: string }
  /** Path of a WebSocket that opens for a token or without one. */
  readonly webSocket?: string
  /** Not our program: named, and not attacked. */
  readonly foreign?: true
}

type Row = Omit<Listener, 'process' | 'port'>

const kitHttp: Row = { protocol: 'http', purpose: 'the service itself', alive: '/openapi.json' }
const management: Row = { protocol: 'http', purpose: 'health, metrics, info', alive: '/health/live' }

/** What every kit service has, by the name of the port. */
const kitPorts: Readonly<Record<string, Row>> = {
  http: kitHttp,
  grpc: { protocol: 'grpc', purpose: 'the service itself' },
  management,
}

/** Ports that differ from that, as `process/port`. */
const own: Readonly<Record<string, Row>> = {
  'postgres/sql': { protocol: 'postgres', purpose: 'databases', foreign: true },
  'broker/kafka': { protocol: 'kafka', purpose: 'topics' },
  'broker/management': management,
  'discovery/http': {
    protocol: 'http',
    purpose: 'discovery (Consul’s HTTP API)',
    alive: '/health/live',
    takesBody: { method: 'PUT', path: '/v1/agent/service/register' },
  },
  'telemetry/otlp': {
    protocol: 'http',
    purpose: 'telemetry (OTLP over HTTP) and traces',
    alive: '/health/live',
    takesBody: { method: 'POST', path: '/v1/traces' },
  },
  'payment-processor/http': {
    protocol: 'http',
    purpose: 'payment processor',
    alive: '/health/live',
    takesBody: { method: 'POST', path: '/charges' },
  },
  'mail-sink/http': {
    protocol: 'http',
    purpose: 'mail page',
    alive: '/health/live',
    takesBody: { method: 'POST', path: '/faults' },
  },
  'mail-sink/smtp': { protocol: 'smtp', purpose: 'mail' },
  'users/http': { ...kitHttp, takesBody: { method: 'POST', path: '/users' } },
  'gateway/http': {
    protocol: 'http',
    purpose: 'public interface',
    alive: '/products',
    takesBody: { method: 'POST', path: '/users' },
    webSocket: '/notifications/stream',
  },
  'gateway/https': {
    protocol: 'https',
    purpose: 'the same with TLS: HTTP/2 and HTTP/1.1',
    alive: '/products',
    takesBody: { method: 'POST', path: '/users' },
    webSocket: '/notifications/stream',
  },
  'notifications/http': { ...kitHttp, webSocket: '/notifications/stream' },
  'mc1/http': { ...kitHttp, takesBody: { method: 'POST', path: '/messages' } },
  'mc2/http': { protocol: 'http', purpose: 'the relay’s WebSocket', alive: '/', aliveStatus: 426, webSocket: '/relay' },
  'console/http': {
    protocol: 'http',
    purpose: 'console',
    alive: '/health/live',
    takesBody: { method: 'POST', path: '/api/orders' },
  },
}

/** The supervisor's Unix socket: only its owner may open it. */
export const controlListener: Listener = {
  process: 'supervisor',
  port: 'control socket',
  protocol: 'control',
  purpose: 'control of the processes',
  alive: '/instances',
}

/**
 * The listeners of a topology, in its order; the control socket is beside them.
 *
 * @throws Error naming a port that no row describes
 */
export function listenersOf({ processes }: Topology): Listener[] {
  return processes.flatMap((process) =>
    Object.keys(process.ports).map((port): Listener => ({ process: process.name, port, ...rowOf(process, port) })),
  )
}

function rowOf({ name, contract }: TopologyProcess, port: string): Row {
  const row = own[`${name}/${port}`] ?? (contract === 'kit' ? kitPorts[port] : undefined)
  if (!row) throw new Error(`system/listeners.ts does not say what ${name} speaks on its port "${port}"`)
  return row
}

export const listeners: readonly Listener[] = listenersOf(topology)

/** Rows of exceptions that no process of the topology has (any more). */
export const unusedRows: readonly string[] = Object.keys(own).filter(
  (key) => !listeners.some(({ process, port }) => key === `${process}/${port}`),
)
