/**
 * Health of an instance as `/v1/agent/health/service/…` answers it: the worst of its checks and of the node's, which is
 * the HTTP status too (Consul, Agent Service HTTP API, "Get local service health").
 */
import type { CheckRow, ServiceRow, State } from './state.ts'
import * as views from './views.ts'

export type AggregatedStatus = 'passing' | 'warning' | 'critical' | 'maintenance'

const httpStatusOf: Readonly<Record<AggregatedStatus, number>> = {
  passing: 200,
  warning: 429,
  critical: 503,
  maintenance: 503,
}

/** The worst of them: maintenance before critical before warning. Pure. */
export function aggregatedStatus(checks: readonly Pick<CheckRow, 'checkId' | 'status'>[]): AggregatedStatus {
  if (checks.some(({ checkId }) => checkId.startsWith('_service_maintenance:'))) return 'maintenance'
  if (checks.some(({ status }) => status === 'critical')) return 'critical'
  return checks.some(({ status }) => status === 'warning') ? 'warning' : 'passing'
}

export interface LocalHealth {
  readonly httpStatus: number
  readonly aggregated: AggregatedStatus
  readonly json: object
}

/** One instance with its health. */
export function healthOf(state: State, row: ServiceRow): LocalHealth {
  const checks = views.checkRows(state, ({ serviceId }) => serviceId === row.id || serviceId === '')
  const aggregated = aggregatedStatus(checks)
  return {
    httpStatus: httpStatusOf[aggregated],
    aggregated,
    json: {
      AggregatedStatus: aggregated,
      Service: views.agentService(row, state.node),
      Checks: checks.map((check) => views.check(check, state.node, 'agent')),
    },
  }
}

/** All instances of a name; the status is that of the worst one. Undefined when there is none. */
export function healthOfName(state: State, name: string): LocalHealth | undefined {
  const all = [...state.services.values()]
    .filter((row) => row.name === name)
    .sort((a, b) => views.compare(a.id, b.id))
    .map((row) => healthOf(state, row))
  const worst = all.toSorted((a, b) => b.httpStatus - a.httpStatus)[0]
  return worst && { ...worst, json: all.map(({ json }) => json) }
}
