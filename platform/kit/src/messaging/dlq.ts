/** Looks into the dead letters of a topic and sends them back to the consumer that failed on them. */
import { deadLetterTopic } from '@svyaz/contracts/vocabulary.ts'
import type { Core } from '../core.ts'
import {
  type DeadLetter,
  type LetterState,
  readDeadLetters,
  stateOf,
  toReplay,
  toReplayMark,
  whyNot,
} from './dead-letter.ts'
import type { IncomingRecord, OutgoingRecord, Place } from './transport.ts'

export interface ListedLetter extends DeadLetter {
  state: LetterState
}

export interface LetterChoice {
  topic: string
  consumer?: string | undefined
  /** Event ids; default all that are outstanding. One that was sent back already goes again when it is named. */
  ids?: readonly string[] | undefined
}

export interface ReplayPlan {
  replayed: readonly ListedLetter[]
  /** Left where they are, each with the reason. */
  refused: readonly { letter: ListedLetter; reason: string }[]
}

/** What became of a replay: `waiting` while its consumer has not got to it. */
export type ReplayOutcome =
  | { letter: DeadLetter; outcome: 'handled' | 'waiting' }
  | { letter: DeadLetter; outcome: 'failed again'; error: string }

export interface DeadLetters {
  /** The letters of a topic, optionally of one consumer; the oldest first. */
  list(topic: string, consumer?: string): Promise<readonly ListedLetter[]>
  /** What a replay of these would do. Changes nothing. */
  plan(choice: LetterChoice): Promise<ReplayPlan>
  /**
   * Sends the letters of a plan back into their topic, in the order in which they failed, each addressed to its
   * consumer and under its event id, so that the inbox takes each once.
   *
   * @returns each with the place that it got in the topic
   */
  replay(letters: readonly DeadLetter[]): Promise<readonly SentLetter[]>
  /**
   * Waits until the consumers have finished what was sent back, or the signal aborts. Where positions aren't known,
   * only a replay that fails again is seen; the others stay `waiting`.
   */
  outcomes(sent: readonly SentLetter[], signal: AbortSignal): Promise<readonly ReplayOutcome[]>
}

export interface SentLetter {
  letter: DeadLetter
  place: Place | undefined
}

/** What it needs of a transport that keeps records in places. */
export interface LetterBox {
  /** Every record of the topic, partition by partition; none when there is no such topic. */
  readAll(topic: string): AsyncIterable<IncomingRecord>
  send(records: readonly OutgoingRecord[]): Promise<readonly (Place | undefined)[]>
  committed(group: string, topic: string): Promise<ReadonlyMap<number, bigint>>
  /** Whether a group has queues or positions in a topic. */
  reads(group: string, topic: string): Promise<boolean>
}

/** A crash between sending and marking leaves at most this many that a second replay sends again. */
const lettersAtOnce = 50
const pollMs = 100

/**
 * Lists, shows and replays dead letters.
 * @param box where they are read from and sent to
 */
export const createDeadLetters = (core: Pick<Core, 'clock' | 'log'>, box: LetterBox): DeadLetters =>
  new BoxedLetters(core, box)

class BoxedLetters implements DeadLetters {
  readonly #core: Pick<Core, 'clock' | 'log'>
  readonly #box: LetterBox

  constructor(core: Pick<Core, 'clock' | 'log'>, box: LetterBox) {
    this.#core = core
    this.#box = box
  }

  async list(topic: string, consumer?: string): Promise<readonly ListedLetter[]> {
    const records: IncomingRecord[] = []
    for await (const record of this.#box.readAll(deadLetterTopic(topic))) records.push(record)
    const letters = readDeadLetters(records).filter((letter) => consumer === undefined || letter.consumer === consumer)
    const committed = await this.#ofConsumers(
      letters.filter(({ replay }) => replay),
      (group) => this.#box.committed(group, topic),
    )
    return letters
      .map((letter) => ({ ...letter, state: stateOf(letter, committed.get(letter.consumer) ?? new Map()) }))
      .sort((a, b) => (a.failedAt < b.failedAt ? -1 : a.failedAt > b.failedAt ? 1 : 0))
  }

  async plan({ topic, consumer, ids }: LetterChoice): Promise<ReplayPlan> {
    const letters = (await this.list(topic, consumer)).filter((letter) =>
      ids === undefined ? letter.state === 'outstanding' : letter.id !== undefined && ids.includes(letter.id),
    )
    const present = await this.#ofConsumers(letters, (group) => this.#box.reads(group, topic))
    const reasonOf = (letter: DeadLetter) =>
      whyNot(letter, this.#core.clock.now()) ??
      (present.get(letter.consumer) ? undefined : `no consumer ${letter.consumer} reads ${topic} any more`)
    const judged = letters.map((letter) => ({ letter, reason: reasonOf(letter) }))
    return {
      replayed: judged.flatMap(({ letter, reason }) => (reason === undefined ? [letter] : [])),
      refused: judged.flatMap(({ letter, reason }) => (reason === undefined ? [] : [{ letter, reason }])),
    }
  }

  async replay(letters: readonly DeadLetter[]): Promise<readonly SentLetter[]> {
    const { clock, log } = this.#core
    const sent: SentLetter[] = []
    for (let at = 0; at < letters.length; at += lettersAtOnce) {
      const batch = letters.slice(at, at + lettersAtOnce)
      const places = await this.#box.send(batch.map(toReplay))
      const replayedAt = clock.iso()
      const portion = batch.map((letter, index) => ({ letter, place: places[index] }))
      await this.#box.send(portion.map(({ letter, place }) => toReplayMark(letter, { at: replayedAt, place })))
      sent.push(...portion)
    }
    if (sent.length > 0) log.warn({ ids: letters.map((letter) => letter.id) }, 'dead letters were sent back')
    return sent
  }

  async outcomes(sent: readonly SentLetter[], signal: AbortSignal): Promise<readonly ReplayOutcome[]> {
    const waiting = await this.#unfinished(sent, signal)
    const now = new Map<string, readonly DeadLetter[]>()
    for (const topic of new Set(sent.map(({ letter }) => letter.topic))) now.set(topic, await this.list(topic))
    return sent.map((one): ReplayOutcome => {
      const { letter } = one
      const newer = now.get(letter.topic)?.find((other) => isNewer(other, letter))
      if (newer) return { letter, outcome: 'failed again', error: newer.error }
      return { letter, outcome: waiting.includes(one) ? 'waiting' : 'handled' }
    })
  }

  /** Those that their consumers have not finished when the signal aborts. */
  async #unfinished(sent: readonly SentLetter[], signal: AbortSignal): Promise<readonly SentLetter[]> {
    let waiting = sent
    while (waiting.length > 0) {
      const finished = await Promise.all(waiting.map((one) => this.#isFinished(one)))
      waiting = waiting.filter((_, index) => !finished[index])
      if (waiting.length === 0 || signal.aborted) break
      await this.#core.clock.delay(pollMs, signal).catch(() => undefined)
    }
    return waiting
  }

  async #isFinished({ letter, place }: SentLetter): Promise<boolean> {
    const committed = await this.#box.committed(letter.consumer, letter.topic)
    return stateOf({ ...letter, replay: { at: '', place } }, committed) === 'settled'
  }

  /** What is to be known of each consumer of these letters, asked once. */
  async #ofConsumers<T>(letters: readonly DeadLetter[], ask: (group: string) => Promise<T>): Promise<Map<string, T>> {
    const answers = new Map<string, T>()
    for (const group of new Set(letters.map(({ consumer }) => consumer))) answers.set(group, await ask(group))
    return answers
  }
}

/** A later letter of the same event and consumer: the replay failed. */
const isNewer = (other: DeadLetter, letter: DeadLetter): boolean =>
  other.id === letter.id && other.consumer === letter.consumer && other.place.offset > letter.place.offset
