/**
 * Several records at once: one claim, their handlers in order, one commit. All or nothing; what fails here is taken one
 * by one afterwards, so a record harms none that waited with it (docs/decisions/0050). The claim isn't waited for
 * (docs/decisions/0103): when it doesn't hold, the group is undone and taken again, asking first.
 */
import type { Database, Held, Span, Tx } from '../../api.ts'
import { type Claim, hearClaim } from '../inbox.ts'
import type { Slots } from '../slots.ts'
import { spanOf } from './attempt.ts'
import type { Steps } from './steps.ts'
import { type ConsumerContext, told, type Work } from './work.ts'

/** False: nothing of it happened. Rejects only when the signal is aborted before it begins. */
export type Together = (works: readonly Work[], signal: AbortSignal) => Promise<boolean>

/** Whether it may be in a group: a replay is claimed in a way of its own, and without a transaction nothing is undone. */
export const isGroupable = (work: Work): boolean => work.database !== undefined && !work.replayed

/**
 * @param parts.slots a group runs alone: it locks rows in the order of its records, and another one beside it, or a
 *   single record, could hold what it needs and wait for what it holds
 */
export function createGroups(context: ConsumerContext, parts: { steps: Steps; slots: Slots }): Together {
  const { core, group, metrics } = context
  return async (works, signal) => {
    const database = works[0]?.database
    if (!database) throw new Error('a group has a database')
    const failure = await parts.slots.alone(async () => {
      signal.throwIfAborted()
      const ahead = await new GroupTry(context, parts.steps, works, 'claims ahead').run(database)
      return ahead?.unclaimed ? new GroupTry(context, parts.steps, works, 'asks first').run(database) : ahead
    })
    if (failure === undefined) {
      for (const work of works) parts.steps.settled(work)
      return true
    }
    for (const { event } of works) metrics.handled(event.type, 'undone')
    const about = { group, records: works.length, topic: works[0]?.record.topic, error: told(failure.cause) }
    core.log.info(about, 'a group is undone; its records are taken one by one')
    return false
  }
}

/** One transaction over all of them, and a span for each that ends with it. */
class GroupTry {
  readonly #context: ConsumerContext
  readonly #steps: Steps
  readonly #works: readonly Work[]
  readonly #way: 'claims ahead' | 'asks first'
  readonly #spans: Promise<void>[] = []
  /** Whether the transaction was committed, once that is known. */
  readonly #ended = Promise.withResolvers<boolean>()
  #begun = false
  #cause: unknown
  /** Unless the way is to ask first. */
  #ahead: Held<unknown> | undefined

  constructor(context: ConsumerContext, steps: Steps, works: readonly Work[], way: 'claims ahead' | 'asks first') {
    this.#context = context
    this.#steps = steps
    this.#works = works
    this.#way = way
  }

  /** Undefined when it is committed, else why not; `unclaimed`: nobody knows yet whether the records are this one's. */
  async run(database: Database): Promise<{ cause: unknown; unclaimed: boolean } | undefined> {
    const failure = await database
      .transaction((tx) => this.#handleAll(tx))
      .then(
        () => undefined,
        (error: unknown) => ({
          cause: this.#cause ?? error,
          unclaimed: this.#ahead !== undefined && this.#ahead.state !== 'answered',
        }),
      )
    this.#ended.resolve(failure === undefined)
    await Promise.all(this.#spans)
    return failure
  }

  async #handleAll(tx: Tx): Promise<void> {
    // The database repeats what met a conflict. Taken one by one, the records get their repeats singly.
    if (this.#begun) throw new Error('a group is tried once', { cause: this.#cause })
    this.#begun = true
    try {
      const claims = await this.#claim(tx)
      for (const work of this.#works) {
        const claim = work.claimed ? (claims.get(work.event.id) ?? 'duplicate') : 'claimed'
        if (claim === 'dead') throw new Error(`${work.event.id} was given up before a restart`)
        await this.#handle(work, claim, tx)
        claims.set(work.event.id, 'duplicate')
      }
    } catch (error) {
      this.#cause = error
      if (this.#ahead) await hearClaim(tx, this.#ahead)
      throw error
    }
  }

  async #claim(tx: Tx): Promise<Map<string, Claim>> {
    const { group } = this.#context
    const works = this.#works.filter((work) => work.claimed)
    if (works.length === 0) return new Map()
    if (this.#way === 'asks first') return new Map(await this.#steps.claimTogether(tx, group, works))
    this.#ahead = await this.#steps.claimAhead(tx, group, works)
    return new Map(works.map(({ event }) => [event.id, 'claimed']))
  }

  /** Resolves behind the handler; the span stays open until the group's end is known. */
  #handle(work: Work, claim: Claim, tx: Tx): Promise<void> {
    const handled = Promise.withResolvers<void>()
    const inSpan = async (span: Span): Promise<void> => {
      span.set('svyaz.group.records', this.#works.length)
      try {
        if (claim === 'claimed') await this.#steps.handle(work, 1, tx)
      } catch (error) {
        span.set('svyaz.outcome', 'undone')
        handled.reject(error)
        throw error
      }
      handled.resolve()
      const outcome = claim === 'claimed' ? 'done' : 'duplicate'
      if (!(await this.#ended.promise)) return span.set('svyaz.outcome', 'undone')
      span.set('svyaz.outcome', outcome)
      span.set('svyaz.deduplicated', outcome === 'duplicate')
      this.#context.metrics.handled(work.event.type, outcome)
    }
    // Its failure is the group's, by `handled`.
    this.#spans.push(spanOf(this.#context, work, 1, inSpan).catch(() => undefined))
    return handled.promise
  }
}
