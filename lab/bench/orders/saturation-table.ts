/** Runs of `npm run bench:orders -- --saturation` → the table of docs/cost.md. Pure. */
import { quantile } from '@svyaz/checker/quantile.ts'
import { spread } from '../protocols/figures.ts'
import type { Loaded } from './loops.ts'
import { type Pair, sum, withSpread } from './table.ts'

export interface SaturationRun {
  /** What was offered, of what the system completes when nothing is refused. */
  readonly share: number
  readonly round: number
  readonly offeredPerSecond: number
  readonly acceptedPerSecond: number
  readonly completedPerSecond: number
  /** How many by status; 0 stands for no answer. */
  readonly refusedBy: Readonly<Record<number, number>>
  /** Accepted, and no frame said completed within a minute. */
  readonly unfinished: number
  /** Of accepted orders. */
  readonly postMs: Pair
  /** Of refused ones, until they were told. */
  readonly refusedMs: Pair
  readonly completedMs: Pair
  /** From the completed order in the database to its frame at the customer's WebSocket. */
  readonly frameMs: Pair
  /** Load average of the machine's last minute, before the load. */
  readonly load: number
}

/**
 * What came of one load.
 * @param plan `leadInSeconds` are left out of the rates: until then the queue that the load makes only fills
 * @param completedAtMs by order, when the database had it completed, ms on the clock of `startedAtMs`
 */
export function saturationFigures(
  { startedAtMs, outcomes }: Loaded,
  plan: { readonly seconds: number; readonly leadInSeconds: number },
  completedAtMs: ReadonlyMap<string, number>,
): Omit<SaturationRun, 'share' | 'round' | 'load'> {
  const [from, until] = [startedAtMs + plan.leadInSeconds * 1_000, startedAtMs + plan.seconds * 1_000]
  const perSecond = (times: readonly number[]) =>
    times.filter((at) => at >= from && at < until).length / (plan.seconds - plan.leadInSeconds)
  const accepted = outcomes.filter(({ status }) => status === 201)
  const refused = outcomes.filter(({ status }) => status !== 201)
  const completed = accepted.flatMap(({ orderId, dueAtMs, completedMs }) =>
    completedMs === undefined ? [] : [{ orderId, completedMs, heardAtMs: dueAtMs + completedMs }],
  )
  return {
    offeredPerSecond: perSecond(outcomes.map(({ dueAtMs }) => dueAtMs)),
    acceptedPerSecond: perSecond(accepted.map(({ dueAtMs, postMs }) => dueAtMs + postMs)),
    completedPerSecond: perSecond(completed.map(({ heardAtMs }) => heardAtMs)),
    refusedBy: Object.fromEntries(
      [...Map.groupBy(refused, ({ status }) => status)].map(([status, list]) => [status, list.length]),
    ),
    unfinished: accepted.length - completed.length,
    postMs: pair(accepted.map(({ postMs }) => postMs)),
    refusedMs: pair(refused.map(({ postMs }) => postMs)),
    completedMs: pair(completed.map(({ completedMs }) => completedMs)),
    frameMs: pair(
      completed.flatMap(({ orderId, heardAtMs }) => {
        const at = orderId === undefined ? undefined : completedAtMs.get(orderId)
        return at === undefined ? [] : [heardAtMs - at]
      }),
    ),
  }
}

/** p50 and p99; NaN of nothing. */
const pair = (values: readonly number[]): Pair => [quantile(values, 0.5), quantile(values, 0.99)]

/** One row for each share that was offered. */
export function saturationTable(runs: readonly SaturationRun[]): string {
  const head = [
    'offered ÷ carried',
    'offered/s',
    'accepted/s',
    'refused, 503',
    'refused otherwise',
    'completed/s',
    'POST p50, ms',
    'POST p99, ms',
    'refusal p99, ms',
    'to `completed` p50, ms',
    'to `completed` p99, ms',
    'its frame p50, ms',
    'its frame p99, ms',
    'unfinished',
  ]
  const rows = [...Map.groupBy(runs, ({ share }) => share)]
    .toSorted(([a], [b]) => a - b)
    .map(([share, ofShare]) => {
      const told = (of: (run: SaturationRun) => number, digits = 0) => tellAll(ofShare.map(of), digits)
      const refused = (of: (status: number) => boolean) =>
        sum(ofShare.flatMap((run) => Object.entries(run.refusedBy).map(([status, n]) => (of(Number(status)) ? n : 0))))
      return [
        String(share),
        spread(ofShare.map((run) => run.offeredPerSecond)).median.toFixed(0),
        told((run) => run.acceptedPerSecond, 1),
        String(refused((status) => status === 503)),
        String(refused((status) => status !== 503)),
        told((run) => run.completedPerSecond, 1),
        told((run) => run.postMs[0]),
        told((run) => run.postMs[1]),
        told((run) => run.refusedMs[1]),
        told((run) => run.completedMs[0]),
        told((run) => run.completedMs[1]),
        told((run) => run.frameMs[0]),
        told((run) => run.frameMs[1]),
        String(sum(ofShare.map(({ unfinished }) => unfinished))),
      ]
    })
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

/** A dash where no run has the figure: below what is carried nothing is refused. */
const tellAll = (values: readonly number[], digits: number): string => {
  const known = values.filter((value) => Number.isFinite(value))
  return known.length === 0 ? '–' : withSpread(known, digits)
}
