/** Registering, blocking and unblocking users: each with its event in the same transaction. */
import { usersEvents } from '@svyaz/contracts/events/users.ts'
import { limits as contractLimits, emailAddress, isId, lineOfText } from '@svyaz/contracts/primitives.ts'
import { type Role, roles } from '@svyaz/contracts/vocabulary.ts'
import { Failure } from '@svyaz/kit'
import { sql } from 'kysely'
import { seededAdmin } from './config.ts'
import { issuer, type UsersContext } from './context.ts'
import { forgetBrowsers } from './sessions.ts'
import { type UserRow, type UsersTx, userByEmail } from './storage.ts'

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
  given: Role[] = ['user'],
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
        roles: given,
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

/**
 * A user whom another identity provider has vouched for, with a row from now on. The e-mail links nobody: who has an
 * account of that address here is somebody else until they say so (decision 0071).
 */
export const adopt = (
  context: UsersContext,
  found: { issuer: string; subject: string; name: string | undefined; email: string | undefined; roles: Role[] },
): Promise<UserRow> =>
  context.database.transaction(async (tx) => {
    // One at a time for an identity: several requests may bring the first token together.
    await sql`SELECT pg_advisory_xact_lock(hashtext(${`${found.issuer} ${found.subject}`}))`.execute(tx)
    const before = await tx
      .selectFrom('identities')
      .innerJoin('users', 'users.id', 'identities.user_id')
      .selectAll('users')
      .where('issuer', '=', found.issuer)
      .where('subject', '=', found.subject)
      .executeTakeFirst()
    if (before) return before
    const id = context.ids.uuid()
    const wanted = emailAddress.safeParse(found.email)
    const nameless = `${id}@identities.svyaz.local`
    const row = (email: string) => ({
      id,
      email: email.toLowerCase(),
      name: lineOfText(contractLimits.nameCharsMax).safeParse(found.name).data ?? 'Somebody',
      password_hash: 'none',
      roles: found.roles,
      status: 'active',
      version: 1,
      created_at: context.clock.iso(),
    })
    const insert = (email: string) =>
      tx
        .insertInto('users')
        .values(row(email))
        .onConflict((conflict) => conflict.column('email').doNothing())
        .returningAll()
        .executeTakeFirst()
    const user = (await insert(wanted.data ?? nameless)) ?? (await insert(nameless))
    if (!user) throw new Failure('conflict', 'this user could not be made')
    await tx.insertInto('identities').values({ issuer: found.issuer, subject: found.subject, user_id: id }).execute()
    const { email, name } = user
    await context.outbox.add(tx, {
      topic: usersEvents,
      type: 'user.registered',
      key: id,
      data: { userId: id, version: 1, email, name, at: context.clock.iso() },
    })
    context.log.info({ userId: id, issuer: found.issuer }, 'a user of another identity provider')
    return user
  })

/** Blocks or unblocks; nothing happens (and nothing is said) when it is so already. @throws Failure not_found */
export const setStatus = (
  context: UsersContext,
  userId: string,
  status: 'active' | 'blocked',
  reason?: string,
): Promise<UserRow> => context.database.transaction((tx) => changeStatus(context, tx, userId, status, reason))

/** The same as a part of a transaction. @throws Failure not_found */
export const changeStatus = async (
  context: UsersContext,
  tx: UsersTx,
  userId: string,
  status: 'active' | 'blocked',
  reason?: string,
): Promise<UserRow> => {
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
    await forgetBrowsers(context, tx, userId)
    await context.outbox.add(tx, {
      topic: usersEvents,
      type: 'user.blocked',
      key: userId,
      data: { ...said, ...(reason === undefined ? {} : { reason }) },
    })
  } else await context.outbox.add(tx, { topic: usersEvents, type: 'user.unblocked', key: userId, data: said })
  return row
}

/**
 * Gives the user these roles and takes the others; nothing is said when they are so already.
 *
 * @param by the administrator, who can't take the role from themselves: there would be nobody to give it back
 * @throws Failure not_found, conflict
 */
export const setRoles = (
  context: UsersContext,
  userId: string,
  wanted: readonly Role[],
  by: string,
): Promise<UserRow> =>
  context.database.transaction(async (tx) => {
    // In the order of the list, whatever the order of the request.
    const given = roles.filter((role) => wanted.includes(role))
    const before = isId(userId)
      ? await tx.selectFrom('users').selectAll().where('id', '=', userId).forUpdate().executeTakeFirst()
      : undefined
    if (!before) throw new Failure('not_found', `there is no user ${userId}`)
    if (userId === by && !given.includes('admin')) throw new Failure('conflict', 'you would lock yourself out')
    if (given.join() === roles.filter((role) => before.roles.includes(role)).join()) return before
    const row = await tx
      .updateTable('users')
      .set({ roles: given, version: before.version + 1 })
      .where('id', '=', userId)
      .returningAll()
      .executeTakeFirstOrThrow()
    const said = { userId, version: row.version, at: context.clock.iso(), roles: given }
    await context.outbox.add(tx, { topic: usersEvents, type: 'user.roles-changed', key: userId, data: said })
    context.log.warn({ userId, by, roles: given, before: before.roles }, 'roles were changed')
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
