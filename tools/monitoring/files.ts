/** Prometheus's rules and Grafana's dashboards as text. Pure. */

import { type ServiceLevel, serviceLevels, withWindow } from '../../system/service-levels.ts'
import { type Alert, alerts } from './alerts.ts'
import type { Dashboard, Panel } from './dashboards.ts'

const madeBy =
  '# Made by tools/monitoring.ts from system/service-levels.ts and tools/monitoring/alerts.ts: change those.\n'

/** A JSON string is a YAML scalar too (YAML 1.2, 7.3.1). */
const scalar = (text: string): string => JSON.stringify(text)

const valueRule = (level: ServiceLevel): string => `svyaz:level:value{level="${level.id}"}`

/** PromQL that gives series while the promise is broken, with enough samples behind them. */
export const brokenExpression = (level: ServiceLevel): string => {
  const { at, value } = level.objective
  if (level.brokenWhen) return withWindow(level.brokenWhen, level.window)
  const labels = level.by.length > 0 ? `on (${level.by.join(', ')})` : 'on ()'
  const enough = `(svyaz:level:samples{level="${level.id}"} >= ${level.samplesMin})`
  return `(${valueRule(level)} ${at === 'most' ? '>' : '<'} ${value}) and ${labels} ${enough}`
}

/** The same list for the telemetry, which evaluates it by itself. */
export const levelFile = (): string => `${JSON.stringify(serviceLevels, null, 2)}\n`

/** Prometheus' rules for every service level: recorded values and alerts, as YAML. */
export function ruleFile(): string {
  const recorded = serviceLevels.flatMap((level) => [
    record('svyaz:level:value', withWindow(level.expression, level.window), level.id),
    record('svyaz:level:samples', withWindow(level.samples, level.window), level.id),
  ])
  return `${madeBy}groups:
  - name: service-levels
    interval: 15s
    rules:
${recorded.join('')}  - name: service-level-alerts
    rules:
${serviceLevels.map(levelAlert).join('')}  - name: operation
    rules:
${alerts.map(operationAlert).join('')}`
}

const record = (name: string, expression: string, level: string): string => `      - record: ${name}
        expr: ${scalar(expression)}
        labels: { level: ${level} }
`

const levelAlert = (level: ServiceLevel): string => {
  const who = level.by.map((label) => `{{ $labels.${label} }}`).join(' ')
  const { at, value, unit } = level.objective
  const bound = `promised is at ${at} ${value} ${unit === 'ratio' ? '(a ratio)' : unit}`
  return alertText({
    name: `Level${level.id.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    expression: brokenExpression(level),
    patience: level.patience,
    severity: level.severity,
    summary: `${level.what}${who && `, ${who}`}: {{ $value }}; ${bound}`,
    runbook: level.runbook,
    extra: `, level: ${level.id}`,
  })
}

const operationAlert = (alert: Alert): string => alertText({ ...alert, extra: '' })

const alertText = (alert: {
  name: string
  expression: string
  patience: string
  severity: string
  summary: string
  runbook: string
  extra: string
}): string => `      - alert: ${alert.name}
        expr: ${scalar(alert.expression)}
        for: ${alert.patience}
        labels: { severity: ${alert.severity}${alert.extra} }
        annotations:
          summary: ${scalar(alert.summary)}
          runbook: ${scalar(alert.runbook)}
`

/** Grafana's own model, by what a provisioned dashboard needs of it. */
export function dashboardJson(dashboard: Dashboard): string {
  const panels = dashboard.panels.map((panel, index) => panelJson(panel, index))
  return `${JSON.stringify(
    {
      uid: dashboard.id,
      title: dashboard.title,
      description: dashboard.about,
      tags: ['svyaz'],
      editable: false,
      schemaVersion: 39,
      time: { from: 'now-30m', to: 'now' },
      refresh: '10s',
      panels,
    },
    null,
    2,
  )}\n`
}

const columns = 2
const width = 12
const height = 8

const panelJson = (panel: Panel, index: number): object => ({
  id: index + 1,
  type: 'timeseries',
  title: panel.title,
  datasource: { type: 'prometheus', uid: 'prometheus' },
  gridPos: { x: (index % columns) * width, y: Math.floor(index / columns) * height, w: width, h: height },
  fieldConfig: {
    defaults: {
      unit: panel.unit,
      min: 0,
      ...(panel.bound === undefined
        ? {}
        : {
            custom: { thresholdsStyle: { mode: 'line' } },
            thresholds: {
              mode: 'absolute',
              steps: [
                { color: 'text', value: null },
                { color: 'red', value: panel.bound },
              ],
            },
          }),
    },
    overrides: [],
  },
  targets: panel.queries.map(({ expression, legend }, row) => ({
    refId: String.fromCharCode(65 + row),
    datasource: { type: 'prometheus', uid: 'prometheus' },
    expr: expression,
    legendFormat: legend,
  })),
})
