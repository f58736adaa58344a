/** Coming in by password, and being remembered where one came in from. */
import { Failure } from '@svyaz/kit'
import { sql } from 'kysely'
import { limits } from './config.ts'
import type { UsersContext } from './context.ts'
import { refuseWeakPassword } from './password-policy.ts'
import { endSessions } from './sessions.ts'
import { type UserRow, type UsersTx, userById } from './storage.ts'
import { type CountedGuess, countGuess, placeOf } from './throttle.ts'
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
export const login = (context: UsersContext, attempt: LoginAttempt, signal: AbortSignal) =>
  signIn(context, attempt, signal, (tx, user) => startSession(context, tx, user.id))

/**
 * Does `work` for whoever knows the password, in the transaction that says so.
 *
 * @throws Failure as `login`
 */
export const signIn = async <T>(
  context: UsersContext,
  attempt: LoginAttempt,
  signal: AbortSignal,
  work: (tx: UsersTx, user: UserRow) => Promise<T>,
): Promise<T> => {
  const proof = await prove(context, attempt, signal)
  return settle(context, proof, async (tx, user) => {
    await rememberPlace(tx, user.id, placeOf(attempt.email, attempt.address))
    return work(tx, user)
  })
}

export interface PasswordChange {
  userId: string
  currentPassword: string
  newPassword: string
  address: string
}

/**
 * Puts a new password in place of the current one, and ends every session.
 *
 * @throws Failure wrong_password, which is no 401: the caller's session is good; else as `login`
 */
export const changePassword = async (context: UsersContext, change: PasswordChange, signal: AbortSignal) => {
  const user = await userById(context.database, change.userId)
  if (!user) throw new Failure('unauthenticated', 'there is no such user any more')
  await refuseWeakPassword(change.newPassword, user, '/newPassword')
  const { email } = user
  // A stolen access token must not be a way to guess the password: such guesses count as those of a login.
  const attempt = { email, password: change.currentPassword, address: change.address }
  const proof = await prove(context, attempt, signal, wrongCurrent)
  const hash = await context.passwords.hash(change.newPassword, signal).catch(async (error: unknown) => {
    await proof.guess.notMade()
    throw error
  })
  await settle(context, proof, async (tx, { id }) => {
    await tx.updateTable('users').set({ password_hash: hash }).where('id', '=', id).execute()
    await endSessions(context, tx, id, { reason: 'password-changed' })
  })
  context.log.info({ userId: user.id }, 'password changed')
}

interface Proof {
  user: UserRow
  guess: CountedGuess
  /** What to say when it proves nothing. */
  wrong: () => Failure
}

const wrongLogin = () => new Failure('invalid_credentials', 'the e-mail or the password is wrong')
const wrongCurrent = () =>
  new Failure('wrong_password', 'this is not your current password', {
    faults: [{ in: 'body', pointer: '/currentPassword', detail: 'this is not your current password' }],
  })

/** That this is the password of the account, as of now; the guess stays counted until `settle`. */
const prove = async (
  context: UsersContext,
  attempt: LoginAttempt,
  signal: AbortSignal,
  wrong: () => Failure = wrongLogin,
): Promise<Proof> => {
  const { user, knownPlace } = await lookUp(context, attempt)
  const guess = await countGuess(context, { ...attempt, knownPlace })
  let right: boolean
  try {
    right = await context.passwords.verify(attempt.password, user?.password_hash, signal)
  } catch (error) {
    await guess.notMade()
    throw error
  }
  if (user && right) return { user, guess, wrong }
  const refusal = wrong()
  context.log.warn({ userId: user?.id, code: refusal.code }, 'a password was wrong')
  throw refusal
}

/**
 * Does in one transaction what the password was proven for, unless it was changed or the user blocked meanwhile.
 *
 * @throws Failure of the proof, user_blocked
 */
const settle = async <T>(
  context: UsersContext,
  { user, guess, wrong }: Proof,
  work: (tx: UsersTx, user: UserRow) => Promise<T>,
): Promise<T> => {
  const result = await context.database.transaction(async (tx) => {
    const now = await tx.selectFrom('users').selectAll().where('id', '=', user.id).forUpdate().executeTakeFirst()
    if (now?.password_hash !== user.password_hash) return wrong()
    await guess.right(tx)
    // Committed, not thrown: the guess was right.
    if (now.status === 'blocked') return new Failure('user_blocked', 'this user is blocked')
    return work(tx, now)
  })
  if (!(result instanceof Failure)) return result
  context.log.warn({ userId: user.id, code: result.code }, 'login refused')
  throw result
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

const rememberPlace = async (tx: UsersTx, userId: string, place: Buffer): Promise<void> => {
  const now = sql<Date>`now()`
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
