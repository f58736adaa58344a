/** Runs of `npm run bench:orders -- --growth` → the tables of docs/cost.md. Pure. */
import { spread } from '../protocols/figures.ts'
import { cpuOf, groups, type Run, sum, withSpread } from './table.ts'

/** What grows: the cores that the system has, instances of each service, orders that are stored. */
export const axes = {
  cores: 'Cores',
  instances: 'Instances of each service',
  stored: 'Orders stored before',
} as const
export type Axis = keyof typeof axes

export type GrowthRun = Omit<Run, 'stack' | 'loop'> & {
  readonly axis: Axis
  /** How many: of cores, instances or orders. */
  readonly at: number
  /** What the reader should know besides, e.g. where the load ran. */
  readonly remark: string
}

/** The tables of what was measured; each row beside the first of its axis. */
export function growthTables(runs: readonly GrowthRun[]): string {
  return (Object.keys(axes) as Axis[])
    .filter((axis) => runs.some((run) => run.axis === axis))
    .map((axis) => tableOf(axis, runs))
    .join('\n\n')
}

function tableOf(axis: Axis, all: readonly GrowthRun[]): string {
  const sizes = [
    ...Map.groupBy(
      all.filter((run) => run.axis === axis),
      ({ at }) => at,
    ),
  ].sort(([a], [b]) => a - b)
  const cpuMedian = (runs: readonly GrowthRun[]) => spread(runs.map((run) => cpuOf(run))).median
  const first = cpuMedian(sizes[0]?.[1] ?? [])
  const head = [
    axes[axis],
    '',
    'completed/s',
    'POST p50, ms',
    'POST p99, ms',
    'to `completed` p50, ms',
    'to `completed` p99, ms',
    'CPU an order, ms',
    ...groups.map((group) => `of it ${group}`),
    'refused, unfinished',
    'CPU ÷ the first',
  ]
  const rows = sizes.map(([at, runs]) => [
    at.toLocaleString('en'),
    runs[0]?.remark ?? '',
    withSpread(
      runs.map((run) => run.completedPerSecond),
      1,
    ),
    ...([0, 1] as const).map((index) =>
      withSpread(
        runs.map((run) => run.postMs[index]),
        0,
      ),
    ),
    ...([0, 1] as const).map((index) =>
      withSpread(
        runs.map((run) => run.completedMs[index]),
        0,
      ),
    ),
    withSpread(
      runs.map((run) => cpuOf(run)),
      1,
    ),
    ...groups.map((group) => spread(runs.map((run) => cpuOf(run, group))).median.toFixed(1)),
    `${sum(runs.map(({ refused }) => refused))}, ${sum(runs.map(({ unfinished }) => unfinished))}`,
    (cpuMedian(runs) / first).toFixed(2),
  ])
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}
