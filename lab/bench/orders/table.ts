/** Runs of the comparison → the table that is published: medians over the rounds with their spread. Pure. */
import { quantile } from '@svyaz/checker/quantile.ts'
import { spread } from '../protocols/figures.ts'
import type { Loaded } from './loops.ts'

export const stacks = {
  svyaz: {
    name: 'svyaz, every order traced',
    promise:
      'a record is acknowledged when it is synced; outbox, inbox, Idempotency-Key, story: nothing is lost, nothing happens twice, whoever is killed',
  },
  'peer-traced': {
    name: 'the usual stack, every order traced',
    promise: 'a record is acknowledged from the page cache; what is under way in a killed process may be lost',
  },
  peer: { name: 'the usual stack, untraced', promise: 'the same' },
  'peer-traced-synced': {
    name: 'the usual stack, traced, Kafka synced',
    promise: 'a record is acknowledged when it is synced; what is under way in a killed process may be lost',
  },
  'peer-synced': { name: 'the usual stack, untraced, Kafka synced', promise: 'the same' },
} as const
export type StackId = keyof typeof stacks
export const stackIds = Object.keys(stacks) as StackId[]

export type LoopName = 'closed' | 'open'

/** p50 and p99, ms. */
export type Pair = readonly [number, number]

export interface Run {
  readonly stack: StackId
  readonly loop: LoopName
  readonly round: number
  /** Of the load; completions later than that count for no rate. */
  readonly seconds: number
  readonly accepted: number
  readonly refused: number
  /** How many by status; 0 stands for no answer. */
  readonly refusedBy: Readonly<Record<number, number>>
  /** Accepted, and no frame said completed within a minute. */
  readonly unfinished: number
  readonly acceptedPerSecond: number
  readonly completedPerSecond: number
  readonly postMs: Pair
  readonly completedMs: Pair
  /** ms per accepted order by process, less what it uses at rest. */
  readonly cpuMsPerOrder: Readonly<Record<string, number>>
  /** ms a second by process, before the load. */
  readonly restMsPerSecond: Readonly<Record<string, number>>
  /** Load average of the machine's last minute, before the stack was started. */
  readonly load: number
}

/** What came of the orders of one load. */
export function figuresOf({ startedAtMs, outcomes }: Loaded, seconds: number) {
  const accepted = outcomes.filter(({ status }) => status === 201)
  const refused = outcomes.filter(({ status }) => status !== 201)
  const completed = accepted.filter(({ completedMs }) => completedMs !== undefined)
  const endMs = startedAtMs + seconds * 1_000
  const within = (list: typeof outcomes, took: (outcome: (typeof outcomes)[number]) => number) =>
    list.filter((outcome) => outcome.dueAtMs + took(outcome) <= endMs).length / seconds
  const pair = (values: number[]): Pair => [tenth(quantile(values, 0.5)), tenth(quantile(values, 0.99))]
  return {
    accepted: accepted.length,
    refused: refused.length,
    refusedBy: Object.fromEntries(
      [...Map.groupBy(refused, ({ status }) => status)].map(([status, list]) => [status, list.length]),
    ),
    unfinished: accepted.length - completed.length,
    acceptedPerSecond: within(accepted, ({ postMs }) => postMs),
    completedPerSecond: within(completed, ({ completedMs }) => completedMs!),
    postMs: pair(accepted.map(({ postMs }) => postMs)),
    completedMs: pair(completed.map(({ completedMs }) => completedMs!)),
  }
}

const tenth = (value: number): number => Math.round(value * 10) / 10

/** Processor time of a load by process, ms per order, less what the process uses at rest. */
export function cpuPerOrder(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  rest: Readonly<Record<string, number>>,
  { seconds, orders }: { seconds: number; orders: number },
): Record<string, number> {
  return Object.fromEntries(
    [...after].map(([name, ms]) => [name, (ms - (before.get(name) ?? 0) - (rest[name] ?? 0) * seconds) / orders]),
  )
}

export const groups = ['PostgreSQL', 'broker', 'services', 'telemetry', 'outside'] as const
type Group = (typeof groups)[number]

/** To which column the processor time of a process belongs; what is none of the others is a service. */
export function groupOf(process: string): Group {
  const name = process.replace(/-\d+$/, '')
  if (name === 'postgres') return 'PostgreSQL'
  if (name === 'broker' || name === 'kafka') return 'broker'
  if (name === 'telemetry' || name === 'span-sink') return 'telemetry'
  if (name === 'payment-processor' || name === 'mail-sink') return 'outside'
  return 'services'
}

/** @returns 0 of none */
export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** Processor time of an order, ms; of one group of processes alone when it is named. */
export const cpuOf = (run: Pick<Run, 'cpuMsPerOrder'>, group?: Group): number =>
  sum(
    Object.entries(run.cpuMsPerOrder).flatMap(([name, ms]) =>
      group === undefined || groupOf(name) === group ? [ms] : [],
    ),
  )

/** [column, its value in a run, digits] of what is told with its spread. */
const columns: readonly [string, (run: Run) => number, number][] = [
  ['accepted/s', (run) => run.acceptedPerSecond, 1],
  ['completed/s', (run) => run.completedPerSecond, 1],
  ['POST p50, ms', (run) => run.postMs[0], 0],
  ['POST p99, ms', (run) => run.postMs[1], 0],
  ['to `completed` p50, ms', (run) => run.completedMs[0], 0],
  ['to `completed` p99, ms', (run) => run.completedMs[1], 0],
  ['CPU an order, ms', (run) => cpuOf(run), 1],
]

/** What is compared: how many orders a stack completes; at an equal rate, how late the last of a hundred is. */
const compared: Record<LoopName, { column: string; of: (run: Run) => number }> = {
  closed: { column: 'svyaz ÷ it, completed/s', of: (run) => run.completedPerSecond },
  open: { column: 'svyaz ÷ it, `completed` p99', of: (run) => run.completedMs[1] },
}

const median = (values: readonly number[]): number => spread(values).median

/** Markdown, one table a loop; the figures of ours and theirs, and what each promises. */
export function table(runs: readonly Run[], loop: LoopName): string {
  const ofLoop = runs.filter((run) => run.loop === loop)
  const present = stackIds.filter((id) => ofLoop.some((run) => run.stack === id))
  const ours = ofLoop.filter((run) => run.stack === 'svyaz').map(compared[loop].of)
  const head = [
    'stack',
    'promises',
    ...columns.map(([name]) => name),
    ...groups.map((group) => `of it ${group}`),
    'refused, unfinished',
    compared[loop].column,
  ]
  const rows = present.map((id) => {
    const own = ofLoop.filter((run) => run.stack === id)
    const ratio =
      id === 'svyaz' || ours.length === 0 ? '' : (median(ours) / median(own.map(compared[loop].of))).toFixed(2)
    return [
      stacks[id].name,
      stacks[id].promise,
      ...columns.map(([, of, digits]) => withSpread(own.map(of), digits)),
      ...groups.map((group) => median(own.map((run) => cpuOf(run, group))).toFixed(1)),
      `${sum(own.map(({ refused }) => refused))}, ${sum(own.map(({ unfinished }) => unfinished))}`,
      ratio,
    ]
  })
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

/** What the processes of each stack use while nobody orders: ms of processor time a second, all together. */
export function restLine(runs: readonly Run[]): string {
  return stackIds
    .flatMap((id) => {
      const rests = runs
        .filter((run) => run.stack === id)
        .map(({ restMsPerSecond }) => sum(Object.values(restMsPerSecond)))
      return rests.length === 0 ? [] : [`${stacks[id].name} ${(median(rests) / 10).toFixed(1)} %`]
    })
    .join('; ')
}

/** The median, with least and greatest where there are several. */
export function withSpread(values: readonly number[], digits: number): string {
  const { median: middle, min, max } = spread(values)
  const text = (value: number) => value.toFixed(digits)
  return values.length === 1 ? text(middle) : `${text(middle)} (${text(min)}–${text(max)})`
}
