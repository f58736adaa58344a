/** The figures of services/gateway/test/bench as a table: what a proxied request costs, ours beside the others. */
import { spread } from '../../lab/bench/protocols/figures.ts'
import type { Row } from '../../services/gateway/test/bench/main.ts'
import { benchResult, notRecorded } from './bench-result.ts'
import { table } from './regions.ts'

interface Result {
  readonly command: string
  readonly at: string
  readonly machine: string
  readonly load: number
  readonly connections: number
  readonly rows: readonly Row[]
}

/** Medians with the least and the greatest, and how many times as much as ours. */
export function gatewayFigures(): string {
  const result = benchResult<Result>('gateway')
  if (result === undefined) return notRecorded
  const { command, at, machine, load, connections, rows } = result
  const cpuOf = (name: string, mode: Row['mode']) => {
    const own = rows.filter((row) => row.name === name && row.mode === mode)
    return own.length === 0 ? undefined : spread(own.map(({ cpuMicros }) => cpuMicros))
  }
  const cell = (name: string, mode: Row['mode']): string => {
    const [figure, ours] = [cpuOf(name, mode), cpuOf('ours', mode)]
    if (figure === undefined || ours === undefined) return ''
    const range = `${figure.median.toFixed(0)} (${figure.min.toFixed(0)}–${figure.max.toFixed(0)})`
    return name === 'ours' ? range : `${range}, ${(figure.median / ours.median).toFixed(2)} × ours`
  }
  const names = [...new Set(rows.map(({ name }) => name))]
  return [
    table(
      ['CPU of the proxying process a request, µs', 'bare', 'with the same features'],
      names.map((name) => [name, cell(name, 'bare'), cell(name, 'featured')]),
    ),
    `\`${command}\`, ${connections} connections, ${at.slice(0, 10)}, ${machine}, load ${load.toFixed(1)} before: other work had the same two cores. Median of the rounds (least to greatest). Raw output: [gateway.json](../lab/bench/results/gateway.json).`,
  ].join('\n\n')
}
