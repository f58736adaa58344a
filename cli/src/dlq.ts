/** `svyaz dlq`: what consumers gave up on, and sending it back to them (docs/decisions/0041). */
import { deadLetterTopic } from '@svyaz/contracts/vocabulary.ts'
import {
  type LetterState,
  type ListedLetter,
  type Operator,
  type Place,
  placeText,
  readPlace,
} from '@svyaz/kit/operator'
import { topology } from '@svyaz/system/topology'
import { withBroker } from './broker.ts'
import type { Invocation } from './command.ts'
import { assertKnown } from './control-client.ts'
import { CliError, exitCodes, UsageError } from './errors.ts'
import { nearest } from './nearest.ts'
import { printable } from './pretty-log.ts'
import { traceIdOf } from './record-line.ts'
import { type Style, type Terminal, table } from './terminal.ts'
import { wholeNumber } from './whole-number.ts'

/**
 * `svyaz dlq list|show|replay`: dead letters of the topics.
 * @returns the exit code
 */
export function dlq(invocation: Invocation): Promise<number> {
  const [action = '', ...rest] = invocation.positionals
  const { flags } = invocation
  const work = { list, show, replay }[action]
  if (!work) {
    const guess = nearest(action, ['list', 'show', 'replay'])
    throw new UsageError(`there is no \`svyaz dlq ${action}\`${guess ? `; did you mean \`svyaz dlq ${guess}\`?` : ''}`)
  }
  if (action === 'show' && rest.length !== 1) throw new UsageError('svyaz dlq show <topic>/<partition>/<offset>')
  if (action === 'replay' && rest.length !== 1)
    throw new UsageError('svyaz dlq replay <topic> --all, or --id <event id>')
  if (action === 'list' && rest.length > 1) throw new UsageError('svyaz dlq list [topic]')
  if (action === 'replay' && flags.all !== true && flags.id === undefined && flags['dry-run'] !== true) {
    throw new UsageError(
      'say which: --id <event id>, or --all that are outstanding; --dry-run shows what would be sent',
    )
  }
  if (action === 'show') letterNamed(rest[0])
  if (flags.all === true && flags.id !== undefined) throw new UsageError('either --id or --all, not both')
  return withBroker(invocation, (operator) => work(operator, { ...invocation, positionals: rest }))
}

/** A name that none of ours has is a mistake only where no letter bears it: the broker may have other clients. */
const consumers = topology.processes.filter(({ contract }) => contract === 'kit').map(({ name }) => name)

const looks: Readonly<Record<LetterState, Style>> = { outstanding: 'red', 'sent back': 'yellow', settled: 'green' }

async function list({ deadLetters, inspect }: Operator, invocation: Invocation): Promise<number> {
  const { positionals, flags, terminal } = invocation
  const topics =
    positionals[0] === undefined ? await topicsWithLetters(inspect) : [await known(inspect, positionals[0])]
  const consumer = typeof flags.consumer === 'string' ? flags.consumer : undefined
  const letters = (await Promise.all(topics.map((topic) => deadLetters.list(topic, consumer)))).flat()
  if (letters.length === 0 && consumer !== undefined) assertKnown('consumer', [consumer], consumers)
  if (flags.json) terminal.json({ letters: letters.map(letterJson) })
  else for (const line of renderLetters(letters, terminal)) terminal.print(line)
  return exitCodes.ok
}

/** Names as the contracts give them: a letter is spoken of by the topic that it comes from. */
async function topicsWithLetters(inspect: Operator['inspect']): Promise<string[]> {
  return (await inspect.topicNames()).flatMap((name) => (name.endsWith('.dlq') ? [name.slice(0, -4)] : []))
}

async function known(inspect: Operator['inspect'], named: string): Promise<string> {
  const topic = named.replace(/\.dlq$/, '')
  const names = await inspect.topicNames()
  if (names.includes(deadLetterTopic(topic))) return topic
  const guess = nearest(topic, names)
  throw new UsageError(`there is no topic "${topic}" with dead letters${guess ? `; did you mean ${guess}?` : ''}`)
}

/** A dead letter for programs. */
export const letterJson = (letter: ListedLetter) => ({
  letter: `${letter.topic}/${placeText(letter.place)}`,
  state: letter.state,
  topic: letter.topic,
  consumer: letter.consumer,
  id: letter.id,
  type: letter.type,
  key: letter.key,
  error: letter.error,
  attempts: letter.attempts,
  failedAt: letter.failedAt,
  time: letter.time,
  origin: letter.origin,
  traceId: traceIdOf(letter.traceparent),
  replayedAt: letter.replay?.at,
})

/** Dead letters as a table, a line each. */
export function renderLetters(letters: readonly ListedLetter[], terminal: Terminal): string[] {
  if (letters.length === 0) return ['No dead letters.']
  const head = ['LETTER', 'STATE', 'CONSUMER', 'TYPE', 'FAILED', 'ERROR'].map((title) => terminal.paint('dim', title))
  const rows = letters.map((letter) => [
    `${letter.topic}/${placeText(letter.place)}`,
    terminal.paint(looks[letter.state], letter.state),
    printable(letter.consumer),
    printable(letter.type ?? '(no event)'),
    letter.failedAt.replace('T', ' ').slice(0, 19),
    short(letter.error, 60),
  ])
  const open = letters.filter((letter) => letter.state === 'outstanding').length
  return [
    ...table([head, ...rows]),
    '',
    open === 0
      ? 'Nothing is outstanding.'
      : `${open} outstanding. \`npx svyaz dlq show <letter>\` tells one in full, \`npx svyaz dlq replay <topic> --all --dry-run\` what a replay would do.`,
  ]
}

const short = (text: string, max: number): string => {
  const line = printable(text.replace(/\s+/g, ' '))
  return line.length > max ? `${line.slice(0, max - 1)}…` : line
}

async function show({ deadLetters, inspect }: Operator, { positionals, flags, terminal }: Invocation): Promise<number> {
  const named = letterNamed(positionals[0])
  const topic = await known(inspect, named.topic)
  const letter = (await deadLetters.list(topic)).find(
    (one) => one.place.partition === named.place.partition && one.place.offset === named.place.offset,
  )
  if (!letter)
    throw new CliError(
      `there is no letter ${topic}/${placeText(named.place)}, or a newer one of the same event took its place`,
    )
  if (flags.json) {
    terminal.json({ ...letterJson(letter), headers: { ...letter.record.headers }, value: letter.value })
    return exitCodes.ok
  }
  const { letter: name, ...told } = letterJson(letter)
  terminal.print(terminal.paint('bold', name))
  const rows = Object.entries(told).flatMap(([field, value]) =>
    value === undefined ? [] : [[terminal.paint('dim', `  ${field}`), multiline(String(value))]],
  )
  for (const line of table(rows)) terminal.print(line)
  terminal.print(terminal.paint('dim', '  value'))
  terminal.print(multiline(pretty(letter.value)))
  return exitCodes.ok
}

/** Reads `<topic>/<partition>/<offset>`. */
function letterNamed(text: string | undefined): { topic: string; place: Place } {
  const [, topic, rest] = text?.match(/^([^/]+)\/(\d+\/\d+)$/) ?? []
  const place = readPlace(rest)
  if (topic === undefined || !place)
    throw new UsageError(`a letter is named <topic>/<partition>/<offset>, not "${text}"`)
  return { topic, place }
}

const multiline = (text: string): string => text.split('\n').map(printable).join('\n    ')

function pretty(value: string): string {
  try {
    return `    ${JSON.stringify(JSON.parse(value), null, 2)}`
  } catch {
    return `    ${value}`
  }
}

async function replay({ deadLetters, inspect }: Operator, invocation: Invocation): Promise<number> {
  const { positionals, flags, terminal } = invocation
  const topic = await known(inspect, positionals[0] ?? '')
  const consumer = typeof flags.consumer === 'string' ? flags.consumer : undefined
  const ids = typeof flags.id === 'string' ? flags.id.split(',') : undefined
  const waitSeconds = wholeNumber(flags.wait, 10)
  const plan = await deadLetters.plan({ topic, consumer, ids })
  if (plan.replayed.length + plan.refused.length === 0 && consumer !== undefined)
    assertKnown('consumer', [consumer], consumers)
  const unknown = ids?.filter(
    (id) => ![...plan.replayed, ...plan.refused.map((row) => row.letter)].some((letter) => letter.id === id),
  )
  if (unknown && unknown.length > 0)
    throw new CliError(`${topic} has no dead letter of the event ${unknown.join(', ')}`)

  const dryRun = flags['dry-run'] === true
  const sent = dryRun ? [] : await deadLetters.replay(plan.replayed)
  const outcomes = await deadLetters.outcomes(sent, AbortSignal.timeout(waitSeconds * 1_000))
  const rows: Row[] = [
    ...plan.refused.map(({ letter, reason }) => row(letter, 'refused', reason)),
    ...(dryRun
      ? plan.replayed.map((letter) => row(letter, 'would be sent', `to ${letter.consumer} alone`))
      : outcomes.map((one) => row(one.letter as ListedLetter, one.outcome, 'error' in one ? one.error : ''))),
  ]
  if (flags.json) terminal.json({ dryRun, letters: rows })
  else for (const line of renderReplay(rows, dryRun, terminal)) terminal.print(line)
  return rows.some(({ outcome }) => outcome === 'refused' || outcome === 'failed again')
    ? exitCodes.failed
    : exitCodes.ok
}

interface Row {
  readonly letter: string
  readonly id: string | undefined
  readonly consumer: string
  readonly outcome: 'refused' | 'would be sent' | 'handled' | 'waiting' | 'failed again'
  readonly reason: string
}

const row = (letter: ListedLetter, outcome: Row['outcome'], reason: string): Row => ({
  letter: `${letter.topic}/${placeText(letter.place)}`,
  id: letter.id,
  consumer: letter.consumer,
  outcome,
  reason,
})

const outcomeLooks: Readonly<Record<Row['outcome'], Style>> = {
  refused: 'red',
  'would be sent': 'cyan',
  handled: 'green',
  waiting: 'yellow',
  'failed again': 'red',
}

function renderReplay(rows: readonly Row[], dryRun: boolean, terminal: Terminal): string[] {
  if (rows.length === 0) return ['Nothing is outstanding there: nothing was sent.']
  const head = ['LETTER', 'EVENT', 'CONSUMER', 'OUTCOME', ''].map((title) => terminal.paint('dim', title))
  const lines = table([
    head,
    ...rows.map(({ letter, id, consumer, outcome, reason }) => [
      letter,
      printable(id ?? '-'),
      printable(consumer),
      terminal.paint(outcomeLooks[outcome], outcome),
      short(reason, 80),
    ]),
  ])
  if (dryRun) return [...lines, '', 'Nothing was changed. Without --dry-run it is sent.']
  const waits = rows.some(({ outcome }) => outcome === 'waiting')
  return waits
    ? [...lines, '', 'What waits is handled when its consumer gets to it: `npx svyaz dlq list` shows it.']
    : lines
}
