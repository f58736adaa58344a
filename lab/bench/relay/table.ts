/** Runs of the bench → what is published: medians over the rounds, their spread, ratios below 1 too. Pure. */

export interface Run {
  stack: string
  level: string
  round: number
  stored: number
  seconds: number
  /** [p50, p99] */
  hopsMs: Record<'mc1ToMc2' | 'mc2ToMc3' | 'mc3ToMc1' | 'total', number[]>
  /** From the end stamp to the commit, [p50, p99]; of ours, which tells it. */
  commitMs?: number[]
  /** Load average of the machine's last minute. */
  load: number
}

export interface Level {
  name: string
  inFlight: number
  messagesPerSecond: number
  /** Of the session before the measured one: compilers and caches need messages, not time. */
  warmUpSeconds: number
}

export const levels: [Level, ...Level[]] = [
  { name: '1 in flight', inFlight: 1, messagesPerSecond: 0, warmUpSeconds: 3 },
  { name: '64 in flight', inFlight: 64, messagesPerSecond: 0, warmUpSeconds: 3 },
  { name: '1,024 in flight', inFlight: 1_024, messagesPerSecond: 0, warmUpSeconds: 3 },
  { name: '100 messages/s', inFlight: 64, messagesPerSecond: 100, warmUpSeconds: 10 },
]

/** Ours without spans, as both peers are; ours as it is by default, with a span for every incoming message. */
export const ours = { plain: 'svyaz', traced: 'svyaz, every message traced' } as const

/** The middle value, or the mean of the two in the middle. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

const rate = (run: Run): number => run.stored / run.seconds

const head = [
  '',
  'stack',
  'messages/s, median (lowest to highest)',
  'ours ÷ it',
  'ours traced ÷ it',
  'cycle p50 / p99, ms',
  'WebSocket',
  'Kafka',
  'HTTP',
  'to the commit',
] as const

/**
 * Markdown. Each ratio is ours to the peer: of messages/s; of a paced level, of the p50. Below 1 is told too.
 *
 * @param columns their names, in another language
 */
export const table = (runs: readonly Run[], columns: readonly string[] = head): string => {
  const lines = [`| ${columns.join(' | ')} |`, `|${'---|'.repeat(head.length)}`]
  for (const { name, messagesPerSecond } of levels) {
    const ofLevel = runs.filter((run) => run.level === name)
    const of = (stack: string) => ofLevel.filter((run) => run.stack === stack)
    /** What is compared: a rate, or at an even pace the median cycle. */
    const figure = (stack: string) =>
      messagesPerSecond > 0 ? median(of(stack).map((run) => run.hopsMs.total[0] ?? 0)) : median(of(stack).map(rate))
    for (const stack of new Set(ofLevel.map((run) => run.stack))) {
      const rates = of(stack).map(rate)
      const hop = (which: keyof Run['hopsMs'], index: number) =>
        median(of(stack).map((run) => run.hopsMs[which][index] ?? 0))
      const pair = (which: keyof Run['hopsMs']) => `${hop(which, 0).toFixed(2)} / ${hop(which, 1).toFixed(1)}`
      const commits = of(stack).flatMap(({ commitMs }) => (commitMs ? [commitMs] : []))
      const commit = (index: number) => median(commits.map((run) => run[index] ?? 0))
      const committed = commits.length > 0 ? `${commit(0).toFixed(2)} / ${commit(1).toFixed(1)}` : ''
      const isOurs = stack === ours.plain || stack === ours.traced
      const ratio = (own: string) =>
        isOurs ? '' : `${(figure(own) / figure(stack)).toFixed(2)}${messagesPerSecond > 0 ? ' (p50)' : ''}`
      lines.push(
        `| ${name} | ${stack} | ${median(rates).toFixed(0)} (${Math.min(...rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)}) | ${ratio(ours.plain)} | ${ratio(ours.traced)} | ${pair('total')} | ${pair('mc1ToMc2')} | ${pair('mc2ToMc3')} | ${pair('mc3ToMc1')} | ${committed} |`,
      )
    }
  }
  return lines.join('\n')
}
