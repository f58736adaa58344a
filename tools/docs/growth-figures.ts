/** The runs of `npm run bench:orders -- --growth` as the tables of docs/cost.md. */
import { type GrowthRun, growthTables } from '../../lab/bench/orders/growth-table.ts'
import { benchResult, notRecorded } from './bench-result.ts'

interface Result {
  readonly command: string
  readonly at: string
  readonly machine: string
  readonly plan: {
    readonly rounds: number
    readonly warmUp: number
    readonly seconds: number
    readonly inFlight: number
  }
  readonly runs: readonly GrowthRun[]
}

/** The tables with command, date and machine; a sentence while there is no recorded run. */
export function growthFigures(): string {
  const result = benchResult<Result>('orders-growth')
  if (result === undefined) return notRecorded
  const { command, at, machine, plan, runs } = result
  return [
    growthTables(runs),
    '',
    `\`${command}\`, ${at.slice(0, 10)}, ${machine}; ${plan.rounds} loads of ${plan.seconds} s at each size, ${plan.inFlight} orders under way, after ${plan.warmUp} orders. Medians (least–greatest). Raw output: [orders-growth.json](../lab/bench/results/orders-growth.json).`,
  ].join('\n')
}
