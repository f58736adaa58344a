/** `svyaz topics`: what topics there are and who is how far, or the records of one. */
import type { Operator, ReadRecord, TopicSummary } from '@svyaz/kit/operator'
import { withBroker } from './broker.ts'
import type { Invocation } from './command.ts'
import { exitCodes, UsageError } from './errors.ts'
import { nearest } from './nearest.ts'
import { recordJson, recordLine } from './record-line.ts'
import { sizeText, type Terminal, table } from './terminal.ts'
import { untilInterrupted } from './until-interrupted.ts'
import { wholeNumber } from './whole-number.ts'

/**
 * `svyaz topics [name]`: the topics, or the records of one.
 * @returns the exit code
 */
export function topics(invocation: Invocation): Promise<number> {
  const [name] = invocation.positionals
  if (name === undefined && (invocation.flags.follow || invocation.flags.key !== undefined)) {
    throw new UsageError('--follow and --key need the name of a topic')
  }
  return withBroker(invocation, (operator) =>
    name === undefined ? listTopics(operator, invocation) : showRecords(operator, name, invocation),
  )
}

async function listTopics({ inspect }: Operator, { terminal, flags }: Invocation): Promise<number> {
  const all = await inspect.topics()
  if (flags.json) terminal.json({ topics: all.map(summaryJson) })
  else for (const line of renderTopics(all, terminal)) terminal.print(line)
  return exitCodes.ok
}

const recordsOf = ({ partitions }: TopicSummary): bigint =>
  partitions.reduce((sum, { beginning, end }) => sum + (end - beginning), 0n)

const summaryJson = (topic: TopicSummary) => ({
  name: topic.name,
  records: Number(recordsOf(topic)),
  bytes: topic.bytes,
  partitions: topic.partitions.map(({ partition, beginning, end }) => ({
    partition,
    beginning: Number(beginning),
    end: Number(end),
  })),
  groups: topic.groups.map(({ group, state, members, lag, committed }) => ({
    group,
    state,
    members,
    lag: Number(lag),
    committed: Object.fromEntries([...committed].map(([partition, offset]) => [partition, Number(offset)])),
  })),
})

/** A line for each topic, below it one for each group that reads it. Offsets count, so a gap counts as a record. */
export function renderTopics(all: readonly TopicSummary[], terminal: Terminal): string[] {
  if (all.length === 0) return ['There are no topics yet.']
  const head = ['TOPIC', 'PARTITIONS', 'RECORDS', 'SIZE', 'GROUP', 'LAG', 'MEMBERS'].map((title) =>
    terminal.paint('dim', title),
  )
  const rows = all.flatMap((topic) => {
    const own = [
      topic.name,
      String(topic.partitions.length),
      String(recordsOf(topic)),
      topic.bytes === undefined ? '?' : sizeText(topic.bytes),
    ]
    const groups = topic.groups.map(({ group, lag, members, state }) => [
      group,
      lag > 0n ? terminal.paint('yellow', String(lag)) : '0',
      members.length > 0 ? members.join(', ') : terminal.paint('yellow', `none (${state.toLowerCase()})`),
    ])
    const [first = [], ...others] = groups
    return [[...own, ...first], ...others.map((cells) => ['', '', '', '', ...cells])]
  })
  return table([head, ...rows])
}

async function showRecords(operator: Operator, name: string, invocation: Invocation): Promise<number> {
  const { reader, inspect } = operator
  const { flags, terminal } = invocation
  const count = wholeNumber(flags.lines, 10)
  const spans = await reader.spans(name)
  if (!spans) {
    const guess = nearest(name, await inspect.topicNames())
    throw new UsageError(
      `there is no topic "${name}"; ${guess ? `did you mean ${guess}?` : '`svyaz topics` lists them'}`,
    )
  }
  const wanted = ({ record }: ReadRecord) => flags.key === undefined || record.key === flags.key
  const show = (read: ReadRecord) =>
    flags.json ? terminal.json(recordJson(read)) : terminal.print(recordLine(read, terminal))

  const past: ReadRecord[] = []
  // The newest records of the topic are among the newest of its partitions; of one key there may be fewer.
  const portion = flags.key === undefined ? BigInt(count) : undefined
  const ranges = spans.map(({ partition, beginning, end }) => {
    const from = portion === undefined || end - portion < beginning ? beginning : end - portion
    return [partition, { from, until: end }] as const
  })
  for await (const read of count > 0 ? reader.read(name, new Map(ranges)) : []) {
    if (!wanted(read)) continue
    past.push(read)
    if (past.length > count * spans.length + 1_000) past.splice(0, past.length, ...newest(past, count))
  }
  for (const read of newest(past, count)) show(read)
  if (!flags.follow) return exitCodes.ok

  const signal = untilInterrupted()
  const from = new Map(spans.map(({ partition, end }) => [partition, end]))
  const trouble = (error: unknown) =>
    terminal.complain(`the broker is away, waiting for it (${error instanceof Error ? error.message : String(error)})`)
  for await (const read of reader.follow(name, from, signal, trouble)) if (wanted(read)) show(read)
  return exitCodes.ok
}

/** The newest of all partitions, the oldest of them first. */
export function newest(records: readonly ReadRecord[], count: number): ReadRecord[] {
  if (count === 0) return []
  return [...records].sort((a, b) => a.timestampMs - b.timestampMs || inPlace(a, b)).slice(-count)
}

const inPlace = (a: ReadRecord, b: ReadRecord): number =>
  (a.record.place?.partition ?? 0) - (b.record.place?.partition ?? 0) || Number(a.offset - b.offset)
