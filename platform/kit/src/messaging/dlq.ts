/** Looks into the dead letters of a topic and sends them back to the consumer that failed on them. */
import { deadLetterTopic } from '@svyaz/contracts/vocabulary.ts'
import type { Core } from '../core.ts'
import { type DeadLetter, readDeadLetters, toReplay, toReplayedMark } from './dead-letter.ts'
import type { Transport } from './transport.ts'

export interface DeadLetters {
  /** The letters of a topic, optionally of one consumer; the oldest first. */
  list(topic: string, consumer?: string): Promise<readonly DeadLetter[]>
  /**
   * Sends letters back into their topic, addressed to `consumer` and under the same event id, so that its inbox takes
   * each once. With `dryRun` it only says what it would do.
   */
  replay(request: {
    topic: string
    consumer: string
    /** Event ids; default all that were not sent back yet. */
    ids?: readonly string[]
    dryRun: boolean
  }): Promise<ReplayReport>
}

export interface ReplayReport {
  dryRun: boolean
  replayed: readonly DeadLetter[]
  /** Left where they are, each with the reason. */
  refused: readonly { letter: DeadLetter; reason: string }[]
}

/** A day less than the inbox remembers: an older event might be handled twice (reliability rule 3). */
const replayAgeMaxMs = 6 * 24 * 60 * 60 * 1_000
const recordsMax = 10_000

export function createDeadLetters(core: Core, transport: Transport): DeadLetters {
  const list = async (topic: string, consumer?: string) => {
    const letters = readDeadLetters(await transport.readAll(deadLetterTopic(topic), recordsMax))
    return letters
      .filter((letter) => consumer === undefined || letter.consumer === consumer)
      .sort((a, b) => (a.failedAt < b.failedAt ? -1 : a.failedAt > b.failedAt ? 1 : 0))
  }
  return {
    list,
    async replay({ topic, consumer, ids, dryRun }) {
      const letters = (await list(topic, consumer)).filter((letter) =>
        ids === undefined ? letter.replayedAt === undefined : letter.id !== undefined && ids.includes(letter.id),
      )
      const replayed: DeadLetter[] = []
      const refused: { letter: DeadLetter; reason: string }[] = []
      for (const letter of letters) {
        const reason = whyNot(letter, core.clock.now())
        if (reason !== undefined) refused.push({ letter, reason })
        else replayed.push(letter)
      }
      if (!dryRun && replayed.length > 0) {
        await transport.send(replayed.map(toReplay))
        await transport.send(replayed.map((letter) => toReplayedMark(letter, core.clock.iso())))
        core.log.warn({ topic, consumer, ids: replayed.map((letter) => letter.id) }, 'dead letters were sent back')
      }
      return { dryRun, replayed, refused }
    },
  }
}

/** Why a letter can't be sent back, or undefined. */
export function whyNot(letter: DeadLetter, nowMs: number): string | undefined {
  if (letter.id === undefined) return 'it has no event id'
  const madeAt = Date.parse(letter.time ?? '')
  if (Number.isNaN(madeAt)) return 'nobody knows how old it is'
  if (nowMs - madeAt > replayAgeMaxMs) return 'it is older than six days, and the inbox may have forgotten it'
  return undefined
}
