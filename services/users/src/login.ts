/** Coming in by password, and being remembered where one came in from. */
import { Failure } from '@svyaz/kit'
import { sql } from 'kysely'
import type { UsersContext } from './accounts.ts'
import { limits } from './config.ts'
import type { UserRow, UsersTx } from './storage.ts'
import { countGuess, placeOf } from './throttle.ts'
import { startSession } from './tokens.ts'

export interface LoginAttempt {
  email: string
  password: string
  /** Of the client, as the gateway saw it. */
  address: string
}

/**
 * Tokens for whoever knows the password. An unknown e-mail goes the same way as a wrong password, and takes as long.
 *
 * @throws Failure invalid_credentials, user_blocked, too_many_requests; unavailable when too many passwords wait
 */
export const login = async (context: UsersContext, attempt: LoginAttempt, signal: AbortSignal) => {
  const { user, knownPlace } = await lookUp(context, attempt)
  return proven(context, { ...attempt, user, knownPlace }, signal, async (tx, known) => {
    if (known.status === 'blocked') {
      context.log.warn({ userId: known.id }, 'login refused: blocked')
      // Committed, not thrown: the guess was right.
      return new Failure('user_blocked', 'this user is blocked')
    }
    await rememberPlace(context, tx, known.id, placeOf(attempt.email, attempt.address))
    return startSession(context, tx, known.id)
  })
}

interface Proof extends LoginAttempt {
  user: UserRow | undefined
  knownPlace: boolean
}

/**
 * What `work` gives for the user whose password this is, in a transaction; a Failure that it returns is thrown once that
 * is committed.
 */
const proven = async <T>(
  context: UsersContext,
  { user, ...guessed }: Proof,
  signal: AbortSignal,
  work: (tx: UsersTx, user: UserRow) => Promise<T | Failure>,
): Promise<T> => {
  const guess = await countGuess(context, guessed)
  let right: boolean
  try {
    right = await context.passwords.verify(guessed.password, user?.password_hash, signal)
  } catch (error) {
    await guess.notMade()
    throw error
  }
  if (!user || !right) {
    context.log.warn({ userId: user?.id }, 'login refused: wrong e-mail or password')
    throw new Failure('invalid_credentials', 'the e-mail or the password is wrong')
  }
  const result = await context.database.transaction(async (tx) => {
    await guess.right(tx)
    return work(tx, user)
  })
  if (result instanceof Failure) throw result
  return result
}

const lookUp = async (context: UsersContext, { email, address }: LoginAttempt) => {
  const row = await context.database.query
    .selectFrom('users')
    .selectAll()
    .select(({ exists, selectFrom }) =>
      exists(
        selectFrom('known_places')
          .select('place')
          .whereRef('known_places.user_id', '=', 'users.id')
          .where('place', '=', placeOf(email, address)),
      ).as('known_place'),
    )
    .where('email', '=', email.toLowerCase())
    .executeTakeFirst()
  return { user: row, knownPlace: Boolean(row?.known_place) }
}

const rememberPlace = async (context: UsersContext, tx: UsersTx, userId: string, place: Buffer): Promise<void> => {
  const now = context.clock.iso()
  await tx
    .insertInto('known_places')
    .values({ user_id: userId, place, last_login_at: now })
    .onConflict((conflict) => conflict.columns(['user_id', 'place']).doUpdateSet({ last_login_at: now }))
    .execute()
  await sql`
    DELETE FROM known_places WHERE user_id = ${userId} AND place IN (
      SELECT place FROM known_places WHERE user_id = ${userId}
      ORDER BY last_login_at DESC OFFSET ${limits.knownPlaces.perUserMax})`.execute(tx)
}
