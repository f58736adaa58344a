/** What the process tells about itself: liveness, readiness, metrics, info. */
import { metricText } from '@svyaz/stage/metrics-text'
import type { Answer } from './call.ts'
import type { Journal } from './journal.ts'
import type { RequestMetrics } from './metrics.ts'
import type { RegistryHost } from './registry-host.ts'
import type { Route } from './routes.ts'
import { apiVersion } from './views.ts'

export interface Process {
  readonly host: RegistryHost
  readonly journal: Journal
  readonly metrics: RequestMetrics
  readonly startedAt: Date
  readonly stopping: () => boolean
}

/** Answers about this process itself: health, metrics, what it is. */
export function answerAbout(topic: Extract<Route, { kind: 'about' }>['topic'], process_: Process): Answer {
  switch (topic) {
    case 'live':
      return { status: 200, json: { status: 'up' } }
    case 'ready':
      return ready(process_)
    case 'metrics':
      return {
        status: 200,
        text: metricsText(process_),
        headers: { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' },
      }
    case 'info':
      return { status: 200, json: info(process_) }
  }
}

/** Not ready: stopping, or a disk that refuses (reads are then still answered, so callers keep what they have). */
function ready({ stopping, journal }: Process): Answer {
  const reason = stopping() ? 'stopping' : journal.healthy ? null : 'the disk refuses'
  return reason === null ? { status: 200, json: { status: 'up' } } : { status: 503, json: { status: 'down', reason } }
}

function info({ host, startedAt, journal }: Process): unknown {
  const { node, index, services, checks, keys } = host.state
  return {
    name: 'svyaz-discovery',
    api: `Consul HTTP API ${apiVersion}`,
    pid: process.pid,
    runtime: `node ${process.version}`,
    startedAt: startedAt.toISOString(),
    node: node.name,
    nodeId: node.id,
    datacenter: node.datacenter,
    index,
    services: services.size,
    checks: checks.size,
    keys: keys.size,
    stored: journal.healthy,
  }
}

function metricsText({ host, journal, metrics }: Process): string {
  const { state } = host
  const byStatus = new Map([
    ['passing', 0],
    ['warning', 0],
    ['critical', 0],
  ])
  for (const check of state.checks.values()) byStatus.set(check.status, byStatus.get(check.status)! + 1)
  const single = (name: string, help: string, value: number, type: 'gauge' | 'counter' = 'gauge') =>
    metricText(name, type, help, [[{}, value]])
  const { user, system } = process.cpuUsage()
  return [
    single('svyaz_discovery_index', 'Index of the last change.', state.index),
    single('svyaz_discovery_services', 'Registered instances.', state.services.size),
    metricText(
      'svyaz_discovery_checks',
      'gauge',
      'Registered checks by status.',
      [...byStatus].map(([status, count]) => [{ status }, count] as const),
    ),
    single('svyaz_discovery_keys', 'Stored keys.', state.keys.size),
    single('svyaz_discovery_parked_queries', 'Blocking queries that wait.', host.parkedQueries),
    single('svyaz_discovery_journal_bytes', 'Bytes of the journal since the last snapshot.', journal.bytes),
    single('svyaz_discovery_journal_syncs_total', 'Groups of changes synced to disk.', journal.syncs, 'counter'),
    single('svyaz_discovery_storage_up', '1 while the disk takes changes.', journal.healthy ? 1 : 0),
    single('process_cpu_seconds_total', 'CPU time used.', (user + system) / 1e6, 'counter'),
    single('process_resident_memory_bytes', 'Resident memory.', process.memoryUsage.rss()),
    metrics.text(),
  ].join('')
}
