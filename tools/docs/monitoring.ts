/** The monitoring plan: each service level with where it comes from, when it alerts, and what to look at. */
import { serviceLevels } from '../../system/service-levels.ts'
import { code, table } from './regions.ts'

const sign = { most: '≤', least: '≥' } as const

export function monitoringTable(): string {
  return table(
    ['objective', 'window and load', 'samples', 'comes from', 'alert', 'look at'],
    serviceLevels.map(({ what, objective, window, load, samplesMin, expression, severity, patience, runbook }) => [
      `${what} ${sign[objective.at]} ${objective.value} ${objective.unit}`,
      `${window}; ${load}`,
      `≥ ${samplesMin}`,
      code(expression.replaceAll('$window', window)),
      `${severity}, after ${patience}`,
      runbook,
    ]),
  )
}
