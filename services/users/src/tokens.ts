/**
 * Opaque tokens: 32 random bytes, stored as SHA-256. A refresh gives new ones and marks the old one used; a used one
 * that comes again means it was stolen on one side, so its whole family is revoked (RFC 9700, section 4.14.2).
 */
import { createHash, randomBytes } from 'node:crypto'
import { Failure } from '@svyaz/kit'
import { issuer, type UsersContext } from './accounts.ts'
import { limits } from './config.ts'
import type { UserRow, UsersTx } from './storage.ts'

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest()
const makeToken = (prefix: string): string => `${prefix}_${randomBytes(32).toString('base64url')}`

const issue = async (context: UsersContext, tx: UsersTx, userId: string, familyId: string) => {
  const { accessTokenSeconds, refreshTokenSeconds } = context.settings.current()
  const now = context.clock.now()
  const accessToken = makeToken('svya')
  const refreshToken = makeToken('svyr')
  const row = (token: string, kind: 'access' | 'refresh', seconds: number) => ({
    hash: hashOf(token),
    kind,
    family_id: familyId,
    issued_at: new Date(now),
    expires_at: new Date(now + seconds * 1_000),
    used_at: null,
  })
  await tx
    .insertInto('tokens')
    .values([row(accessToken, 'access', accessTokenSeconds), row(refreshToken, 'refresh', refreshTokenSeconds)])
    .execute()
  return { accessToken, refreshToken, tokenType: 'Bearer' as const, expiresIn: accessTokenSeconds, userId }
}

/** Starts a session: a family of its own, with its first tokens. */
export const startSession = async (context: UsersContext, tx: UsersTx, userId: string) => {
  const familyId = context.ids.uuid()
  await tx
    .insertInto('token_families')
    .values({ id: familyId, user_id: userId, created_at: context.clock.iso(), revoked_at: null })
    .execute()
  return issue(context, tx, userId, familyId)
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
      .where('hash', '=', hashOf(refreshToken))
      .where('kind', '=', 'refresh')
      .forUpdate(['tokens', 'token_families'])
      .executeTakeFirst()
    const now = new Date(context.clock.now())
    if (!row || row.revoked_at !== null || new Date(row.expires_at) <= now) return wrong
    if (row.status === 'blocked') return new Failure('user_blocked', 'this user is blocked')
    if (row.used_at !== null) {
      // Committed, not thrown: a throw here would take the revocation back.
      await tx.updateTable('token_families').set({ revoked_at: now }).where('id', '=', row.family_id).execute()
      context.log.warn({ userId: row.user_id }, 'a refresh token came twice: its family is revoked')
      return wrong
    }
    await tx.updateTable('tokens').set({ used_at: now }).where('hash', '=', row.hash).execute()
    return issue(context, tx, row.user_id, row.family_id)
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
    .select(['expires_at', 'issued_at', 'users.id as user_id', 'roles', 'subject'])
    .where('hash', '=', hashOf(token))
    .where('kind', '=', 'access')
    .where('revoked_at', 'is', null)
    .where('users.status', '=', 'active')
    .where('expires_at', '>', new Date(context.clock.now()))
    .where('identities.issuer', '=', issuer)
    .executeTakeFirst()
  if (!row) return { active: false }
  const seconds = (time: Date | string) => Math.floor(new Date(time).getTime() / 1_000)
  return {
    active: true,
    iss: issuer,
    sub: row.subject,
    userId: row.user_id,
    roles: row.roles as UserRow['roles'] & ('user' | 'support' | 'admin')[],
    exp: seconds(row.expires_at),
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
