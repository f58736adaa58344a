/** `svyaz topics`: what topics there are and who is how far, or the records of one. */
import type { Operator, ReadRecord, TopicSummary } from '@svyaz/kit/operator'
import { withBroker } from './broker.ts'
import type { Invocation } from './command.ts'
import { CliError, exitCodes, UsageError } from './errors.ts'
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
  const needName = ['follow', 'key', 'where', 'write'].filter((flag) => invocation.flags[flag] !== undefined)
  if (name === undefined && needName.length > 0) {
    throw new UsageError(`--${needName.join(', --')}: these need the name of a topic`)
  }
  if (name !== undefined && invocation.flags.write !== undefined) return writeRecord(name, invocation)
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
  // Not known where what was handled is gone.
  records: topic.kept ? Number(recordsOf(topic)) : undefined,
  bytes: topic.bytes,
  partitions: topic.partitions.map(({ partition, beginning, end }) => ({
    partition,
    beginning: Number(beginning),
    end: Number(end),
  })),
  groups: topic.groups.map(({ group, state, members, memberCount, lag, committed }) => ({
    group,
    state,
    members,
    memberCount,
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
      topic.kept ? String(recordsOf(topic)) : '–',
      topic.bytes === undefined ? '?' : sizeText(topic.bytes),
    ]
    const groups = topic.groups.map(({ group, lag, members, memberCount, state }) => [
      group,
      lag > 0n ? terminal.paint('yellow', String(lag)) : '0',
      membersText(members, memberCount) || terminal.paint('yellow', `none (${state.toLowerCase()})`),
    ])
    const [first = [], ...others] = groups
    return [[...own, ...first], ...others.map((cells) => ['', '', '', '', ...cells])]
  })
  return table([head, ...rows])
}

/** Their names, or how many there are where a server doesn't name them. */
const membersText = (names: readonly string[], count: number): string =>
  names.length > 0 ? names.join(', ') : count > 0 ? String(count) : ''

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
  if (!flags.follow && !(await inspect.topics([name])).every(({ kept }) => kept)) {
    throw new CliError(`${name} keeps nothing once it was handled: --follow shows what is sent from now on`)
  }
  const wanted = await wantedBy(flags)
  const show = (read: ReadRecord) =>
    flags.json ? terminal.json(recordJson(read)) : terminal.print(recordLine(read, terminal))

  const past: ReadRecord[] = []
  // The newest records of the topic are among the newest of its partitions; of those looked for there may be fewer.
  const portion = flags.key === undefined && flags.where === undefined ? BigInt(count) : undefined
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

/** @throws UsageError for a path that is none */
async function wantedBy({ key, where }: Invocation['flags']): Promise<(read: ReadRecord) => boolean> {
  const { isThere, readPath } = await import('@svyaz/kit/operator')
  const path = typeof where === 'string' ? readPath(where) : undefined
  if (where !== undefined && path === undefined)
    throw new UsageError(
      `--where takes a place in the value, such as status=paid or items[0].productId, not "${where}"`,
    )
  return ({ record }) =>
    (key === undefined || record.key === key) && (path === undefined || isThere(path, record.value))
}

/** @param value JSON; absent: standard input has it */
async function writeRecord(topic: string, invocation: Invocation): Promise<number> {
  const { flags, terminal } = invocation
  if (typeof flags.key !== 'string') throw new UsageError('--write needs --key')
  const value = typeof flags.value === 'string' ? flags.value : await readInput()
  const wish = { topic, type: String(flags.write), key: flags.key, value }
  const { WriteRefused } = await import('@svyaz/kit/operator')
  return withBroker(invocation, async ({ writer }) => {
    try {
      const { id, place } = await writer.write(wish)
      const at = place === undefined ? {} : { partition: place.partition, offset: Number(place.offset) }
      if (flags.json) terminal.json({ topic, id, ...at })
      else terminal.print(place === undefined ? id : `${place.partition}/${place.offset}  ${id}`)
      return exitCodes.ok
    } catch (error) {
      throw error instanceof WriteRefused ? new CliError(error.faults.join('\n  ')) : error
    }
  })
}

async function readInput(): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  return text
}

/** The newest of all partitions, the oldest of them first. */
export function newest(records: readonly ReadRecord[], count: number): ReadRecord[] {
  if (count === 0) return []
  return [...records].sort((a, b) => a.timestampMs - b.timestampMs || inPlace(a, b)).slice(-count)
}

const inPlace = (a: ReadRecord, b: ReadRecord): number =>
  (a.record.place?.partition ?? 0) - (b.record.place?.partition ?? 0) || Number(a.offset - b.offset)
