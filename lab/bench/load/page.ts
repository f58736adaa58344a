/** A load's record as a page in Markdown. Pure. */
import type { Figures } from './figures.ts'
import type { LoadRecord, Usage } from './run.ts'

const ms = (value: number | null): string => (value === null ? '–' : `${value} ms`)
const heads = '| a second | errors | skipped | p50 | p90 | p99 | most |'
const cells = ({ perSecond, errors, skipped, p50Ms, p90Ms, p99Ms, maxMs }: Figures): string =>
  `${perSecond} | ${errors} | ${skipped} | ${ms(p50Ms)} | ${ms(p90Ms)} | ${ms(p99Ms)} | ${ms(maxMs)} |`

/** The whole record, widest view first. */
export function pageOf(record: LoadRecord): string {
  const { about, profile, verdict, kill } = record
  return `${[
    `# Load: ${profile}`,
    '',
    `\`${about.command}\`, ${about.at}, commit ${about.commit}, ${about.machine}.`,
    '',
    `**${verdict}**${
      kill === null
        ? ''
        : `. ${kill.instance} was killed after ${kill.atSecond} s, ${kill.backMs === null ? 'and did not come back' : `and was ready again after ${kill.backMs} ms`}`
    }.`,
    '',
    '## Phases',
    `| journeys a second | for ${heads} carried |`,
    '|---|---|---|---|---|---|---|---|---|---|',
    ...record.phases.map(
      (row) => `| ${row.phase.perSecond} | ${row.phase.seconds} s | ${cells(row)} ${row.carried ? 'yes' : 'no'} |`,
    ),
    '',
    `## Requests over time, by ${record.windowSeconds} s`,
    `| from second ${heads}`,
    '|---|---|---|---|---|---|---|---|',
    ...record.windows.map((row) => `| ${row.fromSecond} | ${cells(row)}`),
    '',
    '## By step',
    'Following an order and waiting for a frame last as long as the order does.',
    '',
    `| step ${heads} which errors |`,
    '|---|---|---|---|---|---|---|---|---|',
    ...record.steps.map((row) => `| ${row.step} | ${cells(row)} ${errorsText(row.errorsBy)} |`),
    '',
    '## Service levels',
    'Judged by the telemetry as `npx svyaz levels` shows them; with too few samples the verdict is "no data".',
    '',
    '| level | verdict | promised | worst |',
    '|---|---|---|---|',
    ...record.levels.map(
      ({ id, verdict: judged, objective, series }) =>
        `| ${id} | ${judged} | ${objective.at === 'most' ? '≤' : '≥'} ${objective.value} ${objective.unit} | ${worst(series, objective.at)} |`,
    ),
    '',
    ...usage('Processors, by service', 'processors', record.cpu, 3),
    ...usage('Memory (resident)', 'MB', record.memory, 0),
    ...usage('Records behind, by group and topic', 'records', record.lag, 1),
  ].join('\n')}\n`
}

const errorsText = (by: Readonly<Record<string, number>>): string =>
  Object.entries(by)
    .map(([status, count]) => `${count} × ${status === '0' ? 'no answer' : status}`)
    .join(', ')

function worst(series: LoadRecord['levels'][number]['series'], at: 'most' | 'least'): string {
  const values = series.flatMap(({ value, verdict }) => (value === null || verdict === 'no data' ? [] : [value]))
  if (values.length === 0) return '–'
  return String(Number((at === 'most' ? Math.max(...values) : Math.min(...values)).toPrecision(3)))
}

function usage(title: string, unit: string, rows: readonly Usage[], digits: number): string[] {
  if (rows.length === 0) return [`## ${title}`, 'Nothing was seen.', '']
  const lines = rows.map(({ of, mean, most }) => `| ${of} | ${mean.toFixed(digits)} | ${most.toFixed(digits)} |`)
  return [`## ${title}`, `| of | mean, ${unit} | most |`, '|---|---|---|', ...lines, '']
}
