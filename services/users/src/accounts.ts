/** Registering, blocking and unblocking users: each with its event in the same transaction. */
import { usersEvents } from '@svyaz/contracts/events/users.ts'
import { isId } from '@svyaz/contracts/primitives.ts'
import type { Role } from '@svyaz/contracts/vocabulary.ts'
import { type Context, Failure } from '@svyaz/kit'
import { type Settings, seededAdmin } from './config.ts'
import type { Passwords } from './passwords.ts'
import { type UserRow, type UsersSchema, userByEmail } from './storage.ts'

export type UsersContext = Context<Settings, UsersSchema> & { passwords: Passwords }

export interface NewUser {
  email: string
  password: string
  name: string
}

/**
 * A taken address is refused before its password is hashed: what that says by its speed, the answer says anyway.
 *
 * @throws Failure email_taken; unavailable when too many passwords wait; the reason of `signal`
 */
export const register = async (
  context: UsersContext,
  { email, password, name }: NewUser,
  signal: AbortSignal,
  roles: Role[] = ['user'],
): Promise<UserRow> => {
  const taken = () => new Failure('email_taken', 'this e-mail is already registered')
  if (await userByEmail(context.database, email)) throw taken()
  const passwordHash = await context.passwords.hash(password, signal)
  const now = context.clock.iso()
  return context.database.transaction(async (tx) => {
    const row = await tx
      .insertInto('users')
      .values({
        id: context.ids.uuid(),
        email: email.toLowerCase(),
        name,
        password_hash: passwordHash,
        roles,
        status: 'active',
        version: 1,
        created_at: now,
      })
      .onConflict((conflict) => conflict.column('email').doNothing())
      .returningAll()
      .executeTakeFirst()
    if (!row) throw taken()
    await tx.insertInto('identities').values({ issuer, subject: row.id, user_id: row.id }).execute()
    await context.outbox.add(tx, {
      topic: usersEvents,
      type: 'user.registered',
      key: row.id,
      data: { userId: row.id, version: 1, email: row.email, name, at: now },
    })
    return row
  })
}

/** The name of our own identity provider in `identities` and in introspection answers. */
export const issuer = 'svyaz'

/** Blocks or unblocks; nothing happens (and nothing is said) when it is so already. @throws Failure not_found */
export const setStatus = (
  context: UsersContext,
  userId: string,
  status: 'active' | 'blocked',
  reason?: string,
): Promise<UserRow> =>
  context.database.transaction(async (tx) => {
    const before = isId(userId)
      ? await tx.selectFrom('users').selectAll().where('id', '=', userId).forUpdate().executeTakeFirst()
      : undefined
    if (!before) throw new Failure('not_found', `there is no user ${userId}`)
    if (before.status === status) return before
    const at = context.clock.iso()
    const row = await tx
      .updateTable('users')
      .set({ status, version: before.version + 1 })
      .where('id', '=', userId)
      .returningAll()
      .executeTakeFirstOrThrow()
    const said = { userId, version: row.version, at }
    if (status === 'blocked') {
      await tx
        .updateTable('token_families')
        .set({ revoked_at: at })
        .where('user_id', '=', userId)
        .where('revoked_at', 'is', null)
        .execute()
      await context.outbox.add(tx, {
        topic: usersEvents,
        type: 'user.blocked',
        key: userId,
        data: { ...said, ...(reason === undefined ? {} : { reason }) },
      })
    } else await context.outbox.add(tx, { topic: usersEvents, type: 'user.unblocked', key: userId, data: said })
    return row
  })

/** Started by the supervisor, beside engines of ours (`embedded`) or of others (`engines`). */
const profilesOfOneMachine = new Set(['embedded', 'engines'])

const loopbackHosts = new Set(['127.0.0.1', '::1', 'localhost'])

/** Why the well-known administrator must not be put in place here; undefined when it may. */
export const whyNoSeededAdmin = (profile: string, host: string): string | undefined => {
  if (!profilesOfOneMachine.has(profile)) return `SVYAZ_SEED_ADMIN=1 is for the embedded profile, not for ${profile}`
  if (!loopbackHosts.has(host)) {
    return `SVYAZ_SEED_ADMIN=1 is refused while listening on ${host}: the administrator's password is public knowledge. Listen on 127.0.0.1, or set SVYAZ_SEED_ADMIN=0 and register your own`
  }
  return undefined
}

/** Makes the administrator of the embedded profile, if there is none. */
export const seedAdmin = async (context: UsersContext, signal: AbortSignal): Promise<void> => {
  if (await userByEmail(context.database, seededAdmin.email)) return
  await register(context, seededAdmin, signal, ['user', 'admin']).catch((error: unknown) => {
    // Another instance was quicker.
    if (!(error instanceof Failure && error.code === 'email_taken')) throw error
  })
}
