/** The runs of `npm run bench:orders -- --saturation` as the table of docs/cost.md. */
import { type SaturationRun, saturationTable } from '../../lab/bench/orders/saturation-table.ts'
import { benchResult, notRecorded } from './bench-result.ts'

interface Result {
  readonly command: string
  readonly at: string
  readonly machine: string
  readonly plan: {
    readonly rounds: number
    readonly seconds: number
    readonly warmUp: number
    readonly carriedInFlight: number
    readonly ordersUnderWayMax: number
  }
  readonly carriedPerSecond: number
  readonly runs: readonly SaturationRun[]
}

/** The table with command, date and machine; a sentence while there is no recorded run. */
export function saturationFigures(): string {
  const result = benchResult<Result>('orders-saturation')
  if (result === undefined) return notRecorded
  const { command, at, machine, plan, carriedPerSecond, runs } = result
  const loads = runs.map(({ load }) => load)
  return [
    `Carried: ${carriedPerSecond.toFixed(1)} orders a second, completed for ${plan.carriedInFlight} customers who wait for theirs.`,
    '',
    saturationTable(runs),
    '',
    `\`${command}\`, ${at.slice(0, 10)}, ${machine}; ${plan.rounds} loads of ${plan.seconds} s at each share, \`ordersUnderWayMax\` ${plan.ordersUnderWayMax}, after ${plan.warmUp} orders. Load average before each: ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}. Medians (least–greatest). Raw output: [orders-saturation.json](../lab/bench/results/orders-saturation.json).`,
  ].join('\n')
}
