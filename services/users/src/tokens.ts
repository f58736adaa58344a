/**
 * Opaque tokens of 32 bytes, stored as SHA-256. A refresh gives new ones and marks the old one used; a used one that
 * comes again means it was stolen on one side, so its whole family is revoked (RFC 9700, section 4.14.2). Unless it
 * comes within a short grace and its successor is unused: then an answer was lost or two requests met, and the same
 * successor is given again (decision 0048).
 * They are given out, and end, by the database's clock: one for all instances, and none of theirs can jump it
 * (reliability rules 11 and 19).
 */
import { createHmac, randomBytes } from 'node:crypto'
import type { Role } from '@svyaz/contracts/vocabulary.ts'
import { Failure } from '@svyaz/kit'
import { type RawBuilder, sql } from 'kysely'
import { limits } from './config.ts'
import { type Introspection, issuer, type UsersContext } from './context.ts'
import { introspectOpenId } from './oidc/introspect.ts'
import { purgeOpenId } from './oidc/records.ts'
import { endSessions } from './sessions.ts'
import { tokenHash, type UsersTx } from './storage.ts'
import { after, databaseNow, secondsLeft, sessionEnd } from './times.ts'

/** An access and a refresh token, as the client gets them. */
interface Pair {
  accessToken: string
  refreshToken: string
}

const pairOf = (bytes: (kind: 'access' | 'refresh') => Buffer): Pair => ({
  accessToken: `svya_${bytes('access').toString('base64url')}`,
  refreshToken: `svyr_${bytes('refresh').toString('base64url')}`,
})

/**
 * What follows on a refresh token: made of it and of random bytes that are stored, so that it can be given again, and
 * neither a copy of the table nor the old token makes it alone.
 */
const successorOf = (refreshToken: string, salt: Buffer): Pair =>
  pairOf((kind) => createHmac('sha256', refreshToken).update(salt).update(kind).digest())

interface Session {
  id: string
  userId: string
  /** As PostgreSQL has it. */
  createdAt: RawBuilder<Date>
}

const issue = async (context: UsersContext, tx: UsersTx, session: Session, pair: Pair) => {
  const { accessTokenSeconds, refreshTokenSeconds } = context.settings.current()
  const row = (token: string, kind: 'access' | 'refresh', seconds: number) => ({
    hash: tokenHash(token),
    kind,
    family_id: session.id,
    issued_at: databaseNow,
    expires_at: sql<Date>`least(${after(databaseNow, seconds)}, ${sessionEnd(context, session.createdAt)})`,
    used_at: null,
    successor_salt: null,
  })
  const rows = await tx
    .insertInto('tokens')
    .values([
      row(pair.accessToken, 'access', accessTokenSeconds),
      row(pair.refreshToken, 'refresh', refreshTokenSeconds),
    ])
    .returning(['kind', secondsLeft(sql`expires_at`).as('seconds')])
    .execute()
  const expiresIn = rows.find(({ kind }) => kind === 'access')!.seconds
  return answerOf(pair, expiresIn, session.userId)
}

const answerOf = (pair: Pair, expiresIn: number, userId: string) => ({
  ...pair,
  tokenType: 'Bearer' as const,
  expiresIn,
  userId,
})

/** Begins a session, which has no tokens yet. @returns its id */
export const beginSession = async (context: UsersContext, tx: UsersTx, userId: string): Promise<string> => {
  const id = context.ids.uuid()
  await tx
    .insertInto('token_families')
    .values({ id, user_id: userId, created_at: databaseNow, revoked_at: null })
    .execute()
  return id
}

/** Starts a session: a family of its own, with its first tokens. */
export const startSession = async (context: UsersContext, tx: UsersTx, userId: string) => {
  const session = { id: await beginSession(context, tx, userId), userId, createdAt: databaseNow }
  return issue(
    context,
    tx,
    session,
    pairOf(() => randomBytes(32)),
  )
}

/**
 * New tokens for a refresh token; the same ones again for one that comes again at once.
 * @throws Failure invalid_credentials, user_blocked
 */
export const refresh = async (context: UsersContext, refreshToken: string) => {
  const wrong = new Failure('invalid_credentials', 'the refresh token is not valid; log in again')
  const began = sql<Date>`token_families.created_at`
  const { refreshGraceSeconds } = context.settings.current()
  const result = await context.database.transaction(async (tx) => {
    const row = await tx
      .selectFrom('tokens')
      .innerJoin('token_families', 'token_families.id', 'tokens.family_id')
      .innerJoin('users', 'users.id', 'token_families.user_id')
      .select(['tokens.hash', 'used_at', 'successor_salt', 'family_id', 'revoked_at', 'user_id', 'users.status'])
      .select(sql<boolean>`used_at > ${after(databaseNow, -refreshGraceSeconds)}`.as('justUsed'))
      .select(sql<boolean>`least(expires_at, ${sessionEnd(context, began)}) <= now()`.as('ended'))
      .where('hash', '=', tokenHash(refreshToken))
      .where('kind', '=', 'refresh')
      .forUpdate(['tokens', 'token_families'])
      .executeTakeFirst()
    if (!row || row.revoked_at !== null || row.ended) return wrong
    if (row.status === 'blocked') return new Failure('user_blocked', 'this user is blocked')
    if (row.used_at !== null) {
      // The row's lock is held: who came second sees here what the first one committed.
      const again = row.justUsed && row.successor_salt && successorOf(refreshToken, row.successor_salt)
      const expiresIn = again ? await unusedFor(tx, again) : undefined
      if (again && expiresIn !== undefined) return answerOf(again, expiresIn, row.user_id)
      // Committed, not thrown: a throw here would take the revocation back.
      await endSessions(context, tx, row.user_id, { reason: 'token-reused', sessionId: row.family_id })
      context.log.warn({ userId: row.user_id }, 'a refresh token came twice: its family is revoked')
      return wrong
    }
    const salt = randomBytes(32)
    const used = { used_at: databaseNow, successor_salt: salt }
    await tx.updateTable('tokens').set(used).where('hash', '=', row.hash).execute()
    const createdAt = sql<Date>`(SELECT created_at FROM token_families WHERE id = ${row.family_id})`
    return issue(context, tx, { id: row.family_id, userId: row.user_id, createdAt }, successorOf(refreshToken, salt))
  })
  if (result instanceof Failure) throw result
  return result
}

/** Seconds that the access token of a pair is still good for; undefined when its refresh token has been used. */
const unusedFor = async (tx: UsersTx, { accessToken, refreshToken }: Pair): Promise<number | undefined> => {
  const rows = await tx
    .selectFrom('tokens')
    .select(['kind', 'used_at', secondsLeft(sql`expires_at`).as('seconds')])
    .where('hash', 'in', [tokenHash(accessToken), tokenHash(refreshToken)])
    .execute()
  const isUnused = rows.some(({ kind, used_at }) => kind === 'refresh' && used_at === null)
  const seconds = rows.find(({ kind }) => kind === 'access')?.seconds ?? 0
  return isUnused && seconds > 0 ? seconds : undefined
}

/** RFC 7662, section 2.2: anything but a live access token of an active user is just `active: false`. */
export const introspect = async (context: UsersContext, token: string): Promise<Introspection> =>
  token.startsWith('svya_')
    ? introspectOwn(context, token)
    : (context.foreign?.introspect(context, token) ?? introspectOpenId(context, token))

/** A token of `POST /auth/login`. */
const introspectOwn = async (context: UsersContext, token: string): Promise<Introspection> => {
  const end = sql<Date>`least(expires_at, ${sessionEnd(context, sql`token_families.created_at`)})`
  const seconds = (time: RawBuilder<unknown>) => sql<number>`floor(extract(epoch FROM ${time}))::float8`
  const row = await context.database.query
    .selectFrom('tokens')
    .innerJoin('token_families', 'token_families.id', 'tokens.family_id')
    .innerJoin('users', 'users.id', 'token_families.user_id')
    .innerJoin('identities', 'identities.user_id', 'users.id')
    .select(['users.id as user_id', 'roles', 'subject', 'family_id'])
    .select([seconds(end).as('exp'), seconds(sql`issued_at`).as('iat'), secondsLeft(end).as('expires_in')])
    .where('hash', '=', tokenHash(token))
    .where('kind', '=', 'access')
    .where('revoked_at', 'is', null)
    .where('users.status', '=', 'active')
    .where(end, '>', databaseNow)
    .where('identities.issuer', '=', issuer)
    .executeTakeFirst()
  if (!row) return { active: false }
  return {
    active: true,
    iss: issuer,
    sub: row.subject,
    userId: row.user_id,
    sid: row.family_id,
    roles: row.roles as Role[],
    exp: row.exp,
    iat: row.iat,
    expires_in: row.expires_in,
    token_type: 'Bearer',
  }
}

/** Takes out tokens that ended a day ago; the families go with their last token. What made a successor goes sooner. */
export const purgeExpired = async (context: UsersContext): Promise<void> => {
  const before = after(databaseNow, -86_400)
  await context.database.query
    .updateTable('tokens')
    .set({ successor_salt: null })
    .where('successor_salt', 'is not', null)
    .where('used_at', '<=', after(databaseNow, -context.settings.current().refreshGraceSeconds))
    .execute()
  await context.database.query.deleteFrom('tokens').where('expires_at', '<', before).execute()
  await purgeOpenId(context)
  await context.database.query
    .deleteFrom('token_families')
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('tokens').select('hash').whereRef('tokens.family_id', '=', 'token_families.id'))),
    )
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('oidc_records').select('kind').whereRef('grant_id', '=', 'token_families.id'))),
    )
    .where('created_at', '<', before)
    .execute()
  await context.database.query.deleteFrom('login_failures').where('window_ends_at', '<', before).execute()
  const forgotten = after(databaseNow, -limits.knownPlaces.days * 86_400)
  await context.database.query.deleteFrom('known_places').where('last_login_at', '<', forgotten).execute()
}
