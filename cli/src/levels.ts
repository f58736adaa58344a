/** `svyaz levels`: what is promised, what is measured, and how much of the error budget is left. */
import type { TelemetryReply } from '@svyaz/contracts/telemetry.ts'
import { serviceLevels } from '@svyaz/system/service-levels'
import type { Invocation } from './command.ts'
import { assertKnown } from './control-client.ts'
import { exitCodes } from './errors.ts'
import { askTelemetry } from './telemetry.ts'
import { type Style, type Terminal, table } from './terminal.ts'

type Level = TelemetryReply<'levels'>['levels'][number]

const styles: Readonly<Record<Level['verdict'], Style>> = { met: 'green', missed: 'red', 'no data': 'dim' }

/**
 * The telemetry judges, by what it scraped.
 * @returns 0 while nothing is missed, 1 otherwise
 */
export async function levels({ config, terminal, flags, positionals }: Invocation): Promise<number> {
  assertKnown(
    'level',
    positionals,
    serviceLevels.map(({ id }) => id),
  )
  const { levels: all } = await askTelemetry(config.home, 'levels')
  const chosen = positionals.length === 0 ? all : all.filter(({ id }) => positionals.includes(id))
  if (flags.json) terminal.json({ levels: chosen })
  else for (const line of render(chosen, terminal)) terminal.print(line)
  return chosen.some(({ verdict }) => verdict === 'missed') ? exitCodes.failed : exitCodes.ok
}

/** One line a level; below, what is missed, with what to look at. */
export function render(chosen: readonly Level[], terminal: Terminal): string[] {
  const rows = chosen.map((level) => [
    level.id,
    terminal.paint(styles[level.verdict], level.verdict),
    worstOf(level),
    `${level.objective.at === 'most' ? '≤' : '≥'} ${shown(level.objective.value)} ${level.objective.unit}`,
    level.window,
    budgetOf(level),
  ])
  const heads = ['LEVEL', 'VERDICT', 'WORST', 'PROMISED', 'WINDOW', 'BUDGET LEFT'].map((head) =>
    terminal.paint('dim', head),
  )
  const missed = chosen.filter(({ verdict }) => verdict === 'missed')
  return [
    ...table([heads, ...rows]),
    ...missed.flatMap(({ id, series, runbook }) => [
      '',
      `${terminal.paint('red', id)}: ${series
        .filter(({ verdict }) => verdict === 'missed')
        .map(({ of, value }) => `${of || 'it'} is at ${shown(value)}`)
        .join(', ')}`,
      `  ${runbook}`,
    ]),
  ]
}

/** The value that is farthest from what is promised. */
function worstOf({ series, objective }: Level): string {
  const judged = series.filter(({ verdict, value }) => verdict !== 'no data' && value !== null)
  if (judged.length === 0) return '–'
  const values = judged.map(({ value }) => value ?? 0)
  const worst = objective.at === 'most' ? Math.max(...values) : Math.min(...values)
  const { of } = judged.find(({ value }) => value === worst) ?? { of: '' }
  return of ? `${shown(worst)} (${of})` : shown(worst)
}

const budgetOf = ({ budget }: Level): string =>
  budget === null ? '–' : `${Math.round(Math.max(0, 1 - budget.spent) * 100)} %`

const shown = (value: number | null): string => (value === null ? 'nothing' : String(Number(value.toPrecision(3))))
