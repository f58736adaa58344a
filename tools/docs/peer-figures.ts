/** The runs of `npm run bench:orders -- --peers` as the tables of docs/peers.md. */
import { type Run, restLine, table } from '../../lab/bench/orders/table.ts'
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
    readonly rate: number
  }
  readonly runs: readonly Run[]
}

/** Both tables with command, date and machine; a sentence while there is no recorded run. */
export function peerFigures(): string {
  const result = benchResult<Result>('orders')
  if (result === undefined) return notRecorded
  const { command, at, machine, plan, runs } = result
  const loads = runs.map(({ load }) => load)
  const [least, most] = [Math.min(...loads).toFixed(1), Math.max(...loads).toFixed(1)]
  return [
    `Closed loop, ${plan.inFlight} customers, each of whom orders again when the last order is complete:`,
    '',
    table(runs, 'closed'),
    '',
    `Open loop, ${plan.rate} orders a second:`,
    '',
    table(runs, 'open'),
    '',
    `At rest: ${restLine(runs)} of a core.`,
    '',
    `\`${command}\`, ${at.slice(0, 10)}, ${machine}; rounds: ${plan.rounds}, ${plan.seconds} s of each load after ${plan.warmUp} orders. Load average before each start: ${least} to ${most}. Medians (least–greatest). Raw output: [orders.json](../lab/bench/results/orders.json).`,
  ].join('\n')
}
