/** A soak's record as a page. Pure. */
import type { AboutRun } from '../about-run.ts'
import type { Growth, Window } from './figures.ts'

export interface SoakRecord {
  readonly about: AboutRun
  readonly seed: number
  readonly minutes: number
  readonly ordersPerSecond: number
  /** 0: nobody was killed. */
  readonly killEverySeconds: number
  readonly kills: { readonly begun: number; readonly fired: number; readonly recoveryMsMax: number }
  readonly orders: {
    readonly asked: number
    readonly placed: number
    readonly byStatus: Readonly<Record<string, number>>
  }
  /** Broken invariants of the checker, and why the run may prove less than it should. */
  readonly broken: readonly string[]
  readonly doubts: readonly string[]
  readonly windows: readonly Window[]
  readonly growth: readonly Growth[]
}

/** The page of a soak in Markdown. Pure. */
export function pageOf(record: SoakRecord): string {
  const { about, minutes, ordersPerSecond, killEverySeconds, kills, orders, broken, doubts } = record
  const statuses = Object.entries(orders.byStatus).map(([status, count]) => `${count} ${status}`)
  return `${[
    '# Soak',
    '',
    `\`${about.command}\`, ${about.at}, commit ${about.commit}, ${about.machine}.`,
    '',
    `${minutes} minutes at ${ordersPerSecond} orders a second: ${orders.placed} placed (${statuses.join(', ')}). ${
      killEverySeconds === 0
        ? 'Nobody was killed.'
        : `A process was killed −9 every ${killEverySeconds} s, all in turn: ${kills.fired} of ${kills.begun}; the slowest was ready again after ${(kills.recoveryMsMax / 1_000).toFixed(1)} s.`
    }`,
    '',
    broken.length === 0 ? 'Every invariant of the checker holds.' : 'Broken invariants:',
    ...broken.map((text) => `- ${text}`),
    ...(doubts.length === 0 ? [] : ['', 'What the run doesn’t prove:', ...doubts.map((text) => `- ${text}`)]),
    '',
    '## `POST /orders`, by five minutes',
    '| from minute | accepted | refused or unanswered | p50 | p99 |',
    '|---|---|---|---|---|',
    ...record.windows.map(
      ({ fromMinute, accepted, others, p50Ms, p99Ms }) =>
        `| ${fromMinute} | ${accepted} | ${others} | ${p50Ms} ms | ${p99Ms} ms |`,
    ),
    '',
    '## Memory (PSS)',
    'The slope is the median over pairs of samples within one life of the process, its first minute left out (Theil–Sen).',
    '',
    '| process | lives | first | last | most | slope | by age (minute: MB) |',
    '|---|---|---|---|---|---|---|',
    ...record.growth.map(
      ({ process, lives, firstMb, lastMb, maxMb, mbPerHour, byAge }) =>
        `| \`${process}\` | ${lives} | ${firstMb} MB | ${lastMb} MB | ${maxMb} MB | ${
          Number.isFinite(mbPerHour) ? `${mbPerHour} MB an hour` : 'too short'
        } | ${thinned(byAge)
          .map(({ minutes: age, mb }) => `${age}: ${mb}`)
          .join(', ')} |`,
    ),
  ].join('\n')}\n`
}

const agesShown = 6

/** A few of many, the first and the last among them. */
function thinned<T>(list: readonly T[]): T[] {
  if (list.length <= agesShown) return [...list]
  return Array.from({ length: agesShown }, (_, n) => list[Math.round((n * (list.length - 1)) / (agesShown - 1))]!)
}
