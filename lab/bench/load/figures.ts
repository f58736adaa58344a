/** Figures of a load: quantiles over time and by step, errors, and which phase was carried. Pure. */
import { quantile } from '@svyaz/checker/quantile.ts'
import type { Phase } from './profiles.ts'
import type { Row } from './traveller.ts'

export interface Figures {
  readonly count: number
  readonly perSecond: number
  readonly errors: number
  readonly skipped: number
  /** Of what was answered as it should be; null of nothing. */
  readonly p50Ms: number | null
  readonly p90Ms: number | null
  readonly p99Ms: number | null
  readonly maxMs: number | null
}

export interface Window extends Figures {
  readonly fromSecond: number
}

export interface StepFigures extends Figures {
  readonly step: string
  /** Answers that were errors, by status; `0`: none came. */
  readonly errorsBy: Readonly<Record<string, number>>
}

export interface PhaseFigures extends Figures {
  readonly phase: Phase
  /** Errors ≤ 1 %, nothing skipped, p99 ≤ 1 s. */
  readonly carried: boolean
}

/** Steps that last as long as an order does say nothing about how fast an answer comes. */
const lasting = (step: string): boolean => step.startsWith('follow') || step.startsWith('frame ')

const rounded = (ms: number): number | null => (Number.isFinite(ms) ? Math.round(ms * 10) / 10 : null)

function figuresOf(rows: readonly Row[], seconds: number): Figures {
  const skipped = rows.filter(([, , , status]) => status === -1).length
  const begun = rows.filter(([, , , status]) => status !== -1)
  const times = begun.filter(([, , , , good]) => good).map(([, , took]) => took)
  return {
    count: begun.length,
    perSecond: seconds > 0 ? Math.round((begun.length / seconds) * 10) / 10 : 0,
    errors: begun.filter(([, , , , good]) => !good).length,
    skipped,
    p50Ms: rounded(quantile(times, 0.5)),
    p90Ms: rounded(quantile(times, 0.9)),
    p99Ms: rounded(quantile(times, 0.99)),
    maxMs: rounded(quantile(times, 1)),
  }
}

const requests = (rows: readonly Row[]): Row[] => rows.filter(([step]) => !lasting(step))

/** Requests by when they were due. */
export function windowsOf(rows: readonly Row[], windowSeconds: number): Window[] {
  const groups = Map.groupBy(requests(rows), ([, due]) => Math.floor(due / 1_000 / windowSeconds))
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([index, own]) => ({ fromSecond: index * windowSeconds, ...figuresOf(own, windowSeconds) }))
}

/**
 * Requests by step, the most frequent first.
 * @param seconds how long the load lasted
 */
export function stepsOf(rows: readonly Row[], seconds: number): StepFigures[] {
  return [...Map.groupBy(rows, ([step]) => step)]
    .filter(([step]) => step !== 'skipped')
    .map(([step, own]) => {
      const errors = Map.groupBy(
        own.filter(([, , , , good]) => !good),
        ([, , , status]) => String(status),
      )
      const errorsBy = Object.fromEntries([...errors].map(([status, list]) => [status, list.length]))
      return { step, ...figuresOf(own, seconds), errorsBy }
    })
    .sort((a, b) => b.count - a.count)
}

/** Figures of each phase, by when its requests were due; `carried`: none skipped, at most 1 % errors, p99 within a second. */
export function phasesOf(rows: readonly Row[], phases: readonly Phase[]): PhaseFigures[] {
  let from = 0
  return phases.map((phase) => {
    const begins = from
    from += phase.seconds * 1_000
    const ends = from
    const own = requests(rows).filter(([, due]) => due >= begins && due < ends)
    const figures = figuresOf(own, phase.seconds)
    const few = figures.errors <= figures.count / 100
    const carried = figures.count > 0 && few && figures.skipped === 0 && (figures.p99Ms ?? Infinity) <= 1_000
    return { phase, ...figures, carried }
  })
}
