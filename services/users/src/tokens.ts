/**
 * Opaque tokens: 32 random bytes, stored as SHA-256. A refresh gives new ones and marks the old one used; a used one
 * that comes again means it was stolen on one side, so its whole family is revoked (RFC 9700, section 4.14.2).
 */
import { randomBytes } from 'node:crypto'
import { Failure } from '@svyaz/kit'
import { issuer, type UsersContext } from './accounts.ts'
import { limits } from './config.ts'
import { endSessions } from './sessions.ts'
import { tokenHash, type UserRow, type UsersTx } from './storage.ts'

const makeToken = (prefix: string): string => `${prefix}_${randomBytes(32).toString('base64url')}`

/** When a session that began at that time ends at the latest, in wall ms. */
const sessionEnd = (context: UsersContext, createdAt: Date | string): number =>
  new Date(createdAt).getTime() + context.settings.current().sessionSecondsMax * 1_000

interface Session {
  id: string
  userId: string
  createdAt: Date | string
}

const issue = async (context: UsersContext, tx: UsersTx, session: Session) => {
  const { accessTokenSeconds, refreshTokenSeconds } = context.settings.current()
  const now = context.clock.now()
  const endsAt = sessionEnd(context, session.createdAt)
  const expiry = (seconds: number): number => Math.min(now + seconds * 1_000, endsAt)
  const accessToken = makeToken('svya')
  const refreshToken = makeToken('svyr')
  const row = (token: string, kind: 'access' | 'refresh', seconds: number) => ({
    hash: tokenHash(token),
    kind,
    family_id: session.id,
    issued_at: new Date(now),
    expires_at: new Date(expiry(seconds)),
    used_at: null,
  })
  await tx
    .insertInto('tokens')
    .values([row(accessToken, 'access', accessTokenSeconds), row(refreshToken, 'refresh', refreshTokenSeconds)])
    .execute()
  const expiresIn = Math.floor((expiry(accessTokenSeconds) - now) / 1_000)
  return { accessToken, refreshToken, tokenType: 'Bearer' as const, expiresIn, userId: session.userId }
}

/** Starts a session: a family of its own, with its first tokens. */
export const startSession = async (context: UsersContext, tx: UsersTx, userId: string) => {
  const session = { id: context.ids.uuid(), userId, createdAt: context.clock.iso() }
  await tx
    .insertInto('token_families')
    .values({ id: session.id, user_id: userId, created_at: session.createdAt, revoked_at: null })
    .execute()
  return issue(context, tx, session)
}

/** @throws Failure invalid_credentials, user_blocked */
export const refresh = async (context: UsersContext, refreshToken: string) => {
  const wrong = new Failure('invalid_credentials', 'the refresh token is not valid; log in again')
  const result = await context.database.transaction(async (tx) => {
    const row = await tx
      .selectFrom('tokens')
      .innerJoin('token_families', 'token_families.id', 'tokens.family_id')
      .innerJoin('users', 'users.id', 'token_families.user_id')
      .select(['tokens.hash', 'expires_at', 'used_at', 'family_id', 'revoked_at', 'user_id', 'users.status'])
      .select('token_families.created_at as session_began')
      .where('hash', '=', tokenHash(refreshToken))
      .where('kind', '=', 'refresh')
      .forUpdate(['tokens', 'token_families'])
      .executeTakeFirst()
    const now = new Date(context.clock.now())
    if (!row || row.revoked_at !== null || new Date(row.expires_at) <= now) return wrong
    // The setting may have been lowered since the token was given out.
    if (sessionEnd(context, row.session_began) <= now.getTime()) return wrong
    if (row.status === 'blocked') return new Failure('user_blocked', 'this user is blocked')
    if (row.used_at !== null) {
      // Committed, not thrown: a throw here would take the revocation back.
      await endSessions(context, tx, row.user_id, { reason: 'token-reused', sessionId: row.family_id })
      context.log.warn({ userId: row.user_id }, 'a refresh token came twice: its family is revoked')
      return wrong
    }
    await tx.updateTable('tokens').set({ used_at: now }).where('hash', '=', row.hash).execute()
    return issue(context, tx, { id: row.family_id, userId: row.user_id, createdAt: row.session_began })
  })
  if (result instanceof Failure) throw result
  return result
}

/** RFC 7662, section 2.2: anything but a live access token of an active user is just `active: false`. */
export const introspect = async (context: UsersContext, token: string) => {
  const row = await context.database.query
    .selectFrom('tokens')
    .innerJoin('token_families', 'token_families.id', 'tokens.family_id')
    .innerJoin('users', 'users.id', 'token_families.user_id')
    .innerJoin('identities', 'identities.user_id', 'users.id')
    .select(['expires_at', 'issued_at', 'users.id as user_id', 'roles', 'subject', 'family_id'])
    .select('token_families.created_at as session_began')
    .where('hash', '=', tokenHash(token))
    .where('kind', '=', 'access')
    .where('revoked_at', 'is', null)
    .where('users.status', '=', 'active')
    .where('expires_at', '>', new Date(context.clock.now()))
    .where('identities.issuer', '=', issuer)
    .executeTakeFirst()
  if (!row || sessionEnd(context, row.session_began) <= context.clock.now()) return { active: false }
  const seconds = (time: Date | string) => Math.floor(new Date(time).getTime() / 1_000)
  return {
    active: true,
    iss: issuer,
    sub: row.subject,
    userId: row.user_id,
    sid: row.family_id,
    roles: row.roles as UserRow['roles'] & ('user' | 'support' | 'admin')[],
    exp: Math.min(seconds(row.expires_at), Math.floor(sessionEnd(context, row.session_began) / 1_000)),
    iat: seconds(row.issued_at),
    token_type: 'Bearer',
  }
}

/** Takes out tokens that ended a day ago; the families go with their last token. */
export const purgeExpired = async (context: UsersContext): Promise<void> => {
  const before = new Date(context.clock.now() - 86_400_000)
  await context.database.query.deleteFrom('tokens').where('expires_at', '<', before).execute()
  await context.database.query
    .deleteFrom('token_families')
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('tokens').select('hash').whereRef('tokens.family_id', '=', 'token_families.id'))),
    )
    .where('created_at', '<', before)
    .execute()
  await context.database.query.deleteFrom('login_failures').where('window_ends_at', '<', before).execute()
  const forgotten = new Date(context.clock.now() - limits.knownPlaces.days * 86_400_000)
  await context.database.query.deleteFrom('known_places').where('last_login_at', '<', forgotten).execute()
}
