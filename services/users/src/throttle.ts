/**
 * Guessing passwords, bounded: a guess is counted before it is looked at, under a lock on its counters, so that no
 * number of guesses at once is more than the limit; one that was right, or was not looked at, is given back.
 *
 * Counted are the account from one address (with a wait that grows), the account from all addresses that it never
 * signed in from, and the address over all accounts. Somebody else's guesses therefore never keep a user out of a place
 * they know. Decision 0036.
 */
import { createHash } from 'node:crypto'
import { Failure, limitKeyOf } from '@svyaz/kit'
import { sql } from 'kysely'
import { limits, type Settings } from './config.ts'
import type { UsersContext } from './context.ts'
import type { UsersTx } from './storage.ts'

/** What is known of one counter. Times in ms. */
export interface Guesses {
  failures: number
  lastAt: number
  windowEndsAt: number
}

export interface GuessBounds {
  max: number
  windowMs: number
  /** Whether the next guess has to wait the longer the more have failed. */
  growingWait: boolean
}

/**
 * Whether one more guess may be looked at `now`, with the counter after it, or how long it has to wait. A window that
 * ends later than any could was written before the setting was lowered, or by a clock that was set back since: it is
 * over. The clock is the database's, one for all instances.
 */
export const judgeGuess = (
  known: Guesses,
  { max, windowMs, growingWait }: GuessBounds,
  now: number,
): { next: Guesses } | { waitMs: number } => {
  const leftMs = known.windowEndsAt - now
  if (leftMs <= 0 || leftMs > windowMs) return { next: { failures: 1, lastAt: now, windowEndsAt: now + windowMs } }
  if (known.failures >= max) return { waitMs: leftMs }
  const { guessesWithoutWait, firstWaitMs } = limits.login
  const turns = known.failures - guessesWithoutWait
  const waitMs = growingWait && turns >= 0 ? firstWaitMs * 2 ** turns : 0
  const waitedMs = Math.max(0, now - known.lastAt)
  if (waitedMs < waitMs) return { waitMs: Math.min(waitMs - waitedMs, leftMs) }
  return { next: { ...known, failures: known.failures + 1, lastAt: now } }
}

/** Counters by the hash of whom they count: neither addresses nor what was typed in place of one are stored. */
const digest = (...parts: string[]): Buffer => createHash('sha256').update(parts.join('\n')).digest()

/** The place from which an account is signed in to: its e-mail at one client address (IPv6: /64). */
export const placeOf = (email: string, address: string): Buffer => digest(email.toLowerCase(), limitKeyOf(address))

interface Counter {
  subject: string
  bounds: GuessBounds
}

const countersOf = (guess: { email: string; address: string; knownPlace: boolean }, settings: Settings): Counter[] => {
  const windowMs = settings.loginWindowSeconds * 1_000
  const counter = (subject: string, max: number, growingWait = false): Counter => ({
    subject,
    bounds: { max, windowMs, growingWait },
  })
  const account = digest(guess.email.toLowerCase()).toString('base64url')
  const address = digest(limitKeyOf(guess.address)).toString('base64url')
  const place = placeOf(guess.email, guess.address).toString('base64url')
  return [
    counter(`place:${place}`, settings.loginFailuresPerAccountAndAddressMax, true),
    counter(`address:${address}`, settings.loginFailuresPerAddressMax),
    ...(guess.knownPlace ? [] : [counter(`account:${account}`, settings.loginFailuresPerAccountMax)]),
  ]
}

/** A guess that was counted; exactly one of the three is due, `failed` being what is counted already. */
export interface CountedGuess {
  /** The password was right: the place begins again at nothing. */
  right(tx: UsersTx): Promise<void>
  /** It was never looked at. */
  notMade(): Promise<void>
}

/** Counts a guess as failed, in one step with asking whether it may be made. @throws Failure too_many_requests */
export const countGuess = async (
  context: UsersContext,
  guess: { email: string; address: string; knownPlace: boolean },
): Promise<CountedGuess> => {
  const counters = countersOf(guess, context.settings.current()).sort((a, b) => (a.subject < b.subject ? -1 : 1))
  await context.database.transaction(async (tx) => {
    const { now, locked } = await lock(tx, counters)
    const verdicts = counters.map(({ subject, bounds }) => judgeGuess(locked.get(subject)!, bounds, now))
    const waitMs = Math.max(...verdicts.map((verdict) => ('waitMs' in verdict ? verdict.waitMs : 0)))
    if (waitMs > 0) {
      const kinds = counters.filter((_, at) => 'waitMs' in verdicts[at]!).map(({ subject }) => subject.split(':')[0])
      context.log.warn({ counted: kinds, waitMs }, 'login throttled')
      throw new Failure('too_many_requests', 'too many failed logins; wait before you try again', {
        retryAfterSeconds: Math.ceil(waitMs / 1_000),
      })
    }
    await write(
      tx,
      verdicts.map((verdict, at) => ({ subject: counters[at]!.subject, ...(verdict as { next: Guesses }).next })),
    )
  })
  const subjects = counters.map(({ subject }) => subject)
  return {
    async right(tx) {
      const [place] = subjects.filter((subject) => subject.startsWith('place:'))
      await giveBack(tx, subjects)
      await tx.deleteFrom('login_failures').where('subject', '=', place!).execute()
    },
    notMade: () => context.database.transaction((tx) => giveBack(tx, subjects)),
  }
}

/** The counters, each with its row locked until the transaction ends, always in one order; and when it began, in ms. */
const lock = async (tx: UsersTx, counters: readonly Counter[]) => {
  const none = { failures: 0, last_at: sql<Date>`now()`, window_ends_at: sql<Date>`now()` }
  const rows = await tx
    .insertInto('login_failures')
    .values(counters.map(({ subject }) => ({ subject, ...none })))
    .onConflict((conflict) => conflict.column('subject').doUpdateSet({ subject: sql`excluded.subject` }))
    .returningAll()
    .returning(sql<Date>`now()`.as('now'))
    .execute()
  const ms = (time: Date | string) => new Date(time).getTime()
  const locked = new Map<string, Guesses>(
    rows.map((row) => [
      row.subject,
      { failures: row.failures, lastAt: ms(row.last_at), windowEndsAt: ms(row.window_ends_at) },
    ]),
  )
  return { locked, now: ms(rows[0]!.now) }
}

const write = async (tx: UsersTx, counters: readonly (Guesses & { subject: string })[]): Promise<void> => {
  for (const { subject, failures, lastAt, windowEndsAt } of counters)
    await tx
      .updateTable('login_failures')
      .set({ failures, last_at: new Date(lastAt), window_ends_at: new Date(windowEndsAt) })
      .where('subject', '=', subject)
      .execute()
}

const giveBack = async (tx: UsersTx, subjects: readonly string[]): Promise<void> => {
  // Locked in the order in which they are counted, or two logins could wait for each other.
  await tx
    .selectFrom('login_failures')
    .select('subject')
    .where('subject', 'in', subjects)
    .orderBy(sql`subject COLLATE "C"`)
    .forUpdate()
    .execute()
  await tx
    .updateTable('login_failures')
    .set({ failures: sql`greatest(failures - 1, 0)` })
    .where('subject', 'in', subjects)
    .execute()
}
