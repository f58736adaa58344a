/** Metrics: rates, durations, memory, what waits; each panel a query that the telemetry answers. */
import { useMemo } from 'react'
import { useTelemetry } from '../../live/use-telemetry.ts'
import { decimal, duration } from '../../shell/format.ts'
import { say, useQuery } from '../../shell/place.tsx'
import { type Language, usePreferences, useWords } from '../../shell/preferences.ts'
import { inEnglish, inRussian } from '../../shell/refusals.ts'
import { curvesOf, type Line } from './curves.ts'
import { type MetricPanel, panels } from './panels.ts'
import './metrics.css'

const metricWords = {
  en: {
    range: 'Range',
    ranges: { 5: '5 min', 15: '15 min', 60: '1 h', 360: '6 h' } as Readonly<Record<number, string>>,
    left: (count: number) => `and ${count} smaller`,
    none: 'No samples yet.',
    away: (error: unknown) => `No answer: ${inEnglish(error)}`,
  },
  ru: {
    range: 'Промежуток',
    ranges: { 5: '5 мин', 15: '15 мин', 60: '1 ч', 360: '6 ч' } as Readonly<Record<number, string>>,
    left: (count: number) => `и ещё ${count} меньше`,
    none: 'Замеров пока нет.',
    away: (error: unknown) => `Ответа нет: ${inRussian(error)}`,
  },
}

const ranges = [5, 15, 60, 360] as const
const againMs = 10_000

/** `?minutes=` says how far back. */
export default function MetricsPage() {
  const words = useWords(metricWords)
  const asked = Number(useQuery().get('minutes'))
  const minutes = ranges.find((one) => one === asked) ?? 15
  return (
    <div className="metrics-page">
      <fieldset className="switch">
        <legend className="unseen">{words.range}</legend>
        {ranges.map((one) => (
          <label key={one}>
            <input
              type="radio"
              name="range"
              checked={one === minutes}
              onChange={() => say({ minutes: one === 15 ? undefined : String(one) })}
            />
            <span>{words.ranges[one]}</span>
          </label>
        ))}
      </fieldset>
      <div className="panels">
        {panels.map((panel) => (
          <Panel key={panel.id} panel={panel} minutes={minutes} />
        ))}
      </div>
    </div>
  )
}

function Panel({ panel, minutes }: { panel: MetricPanel; minutes: number }) {
  const words = useWords(metricWords)
  const { language } = usePreferences()
  const stepS = Math.max(10, Math.round((minutes * 60) / 120))
  const { answer, refused } = useTelemetry('metricRange', { query: panel.query, stepS }, againMs, minutes * 60_000)
  const curves = useMemo(() => answer && curvesOf(answer, panel.by), [answer, panel.by])
  const title = panel.title[language]
  return (
    <figure className="card panel">
      <figcaption>{title}</figcaption>
      <div className="plot">
        <span className="hint top">{curves === undefined ? ' ' : amount(curves.top, panel.unit, language)}</span>
        <svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img">
          <title>{title}</title>
          {curves?.lines.map(({ name, path }, at) => (
            <path key={name} d={path} className={`l${at}`} />
          ))}
        </svg>
      </div>
      {refused !== undefined && answer === undefined && <p className="hint">{words.away(refused)}</p>}
      {curves?.lines.length === 0 && <p className="hint">{words.none}</p>}
      <ul>
        {curves?.lines.map((line, at) => (
          <Legend key={line.name} line={line} at={at} unit={panel.unit} />
        ))}
        {curves !== undefined && curves.left > 0 && <li className="hint">{words.left(curves.left)}</li>}
      </ul>
    </figure>
  )
}

function Legend({ line, at, unit }: { line: Line; at: number; unit: MetricPanel['unit'] }) {
  const { language } = usePreferences()
  return (
    <li>
      <i className={`l${at}`} />
      {line.name}
      <b>{line.last === undefined ? '—' : amount(line.last, unit, language)}</b>
    </li>
  )
}

function amount(value: number, unit: MetricPanel['unit'], language: Language): string {
  switch (unit) {
    case 'seconds':
      return duration(value * 1_000, language)
    case 'bytes':
      return `${decimal(value / 1_048_576, language)} ${language === 'ru' ? 'МБ' : 'MB'}`
    case 'ratio':
      return value.toLocaleString(language, { style: 'percent', maximumFractionDigits: 1 })
    default:
      return decimal(value, language)
  }
}
