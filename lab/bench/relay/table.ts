/** Runs of the bench → what is published: medians over the rounds, their spread, ratios below 1 too. Pure. */

export interface Run {
  stack: string
  level: string
  round: number
  stored: number
  seconds: number
  /** [p50, p99] */
  hopsMs: Record<'mc1ToMc2' | 'mc2ToMc3' | 'mc3ToMc1' | 'total', number[]>
  /** Load average of the machine's last minute. */
  load: number
}

export interface Level {
  name: string
  inFlight: number
  messagesPerSecond: number
}

export const levels: [Level, ...Level[]] = [
  { name: '1 in flight', inFlight: 1, messagesPerSecond: 0 },
  { name: '64 in flight', inFlight: 64, messagesPerSecond: 0 },
  { name: '1,024 in flight', inFlight: 1_024, messagesPerSecond: 0 },
  { name: '100 messages/s', inFlight: 64, messagesPerSecond: 100 },
]

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

const rate = (run: Run): number => run.stored / run.seconds

/** Markdown. The ratio is our messages/s to this stack's; of a paced level, our p50 to this stack's. */
export const table = (runs: readonly Run[]): string => {
  const lines = [
    '| | stack | messages/s, median (lowest to highest) | ours ÷ it | cycle p50 / p99 ms | WebSocket | Kafka | HTTP |',
    '|---|---|---|---|---|---|---|---|',
  ]
  for (const { name, messagesPerSecond } of levels) {
    const ofLevel = runs.filter((run) => run.level === name)
    const ours = ofLevel.filter((run) => run.stack === 'svyaz')
    for (const stack of new Set(ofLevel.map((run) => run.stack))) {
      const own = ofLevel.filter((run) => run.stack === stack)
      const rates = own.map(rate)
      const hop = (which: keyof Run['hopsMs'], index: number) => median(own.map((run) => run.hopsMs[which][index] ?? 0))
      const pair = (which: keyof Run['hopsMs']) => `${hop(which, 0).toFixed(2)} / ${hop(which, 1).toFixed(1)}`
      const ratio =
        messagesPerSecond > 0
          ? median(ours.map((run) => run.hopsMs.total[0] ?? 0)) / hop('total', 0)
          : median(ours.map(rate)) / median(rates)
      lines.push(
        `| ${name} | ${stack} | ${median(rates).toFixed(0)} (${Math.min(...rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)}) | ${stack === 'svyaz' ? '' : `${ratio.toFixed(2)}${messagesPerSecond > 0 ? ' (p50)' : ''}`} | ${pair('total')} | ${pair('mc1ToMc2')} | ${pair('mc2ToMc3')} | ${pair('mc3ToMc1')} |`,
      )
    }
  }
  return lines.join('\n')
}
