/** How sessions end before their time: revoked and said in one transaction, so that the gateway forgets them at once. */
import { usersEvents } from '@svyaz/contracts/events/users.ts'
import type { EventData } from '@svyaz/contracts/vocabulary.ts'
import { sql } from 'kysely'
import type { UsersContext } from './context.ts'
import { tokenHash, type UsersTx } from './storage.ts'

type Reason = EventData<typeof usersEvents, 'user.signed-out'>['reason']

/** Ends the user's session of that id, or all of them. Nothing is said when none was alive. */
export const endSessions = async (
  context: UsersContext,
  tx: UsersTx,
  userId: string,
  { reason, sessionId }: { reason: Reason; sessionId?: string },
): Promise<void> => {
  // The aggregate's row before its event: events of a user go out in the order of their versions.
  await tx.selectFrom('users').select('id').where('id', '=', userId).forUpdate().execute()
  if (sessionId === undefined) await forgetBrowsers(context, tx, userId)
  const at = context.clock.iso()
  const ended = await tx
    .updateTable('token_families')
    .set({ revoked_at: at })
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .$if(sessionId !== undefined, (query) => query.where('id', '=', sessionId!))
    .executeTakeFirst()
  if (ended.numUpdatedRows === 0n) return
  const { version } = await tx
    .updateTable('users')
    .set(({ eb }) => ({ version: eb('version', '+', 1) }))
    .where('id', '=', userId)
    .returning('version')
    .executeTakeFirstOrThrow()
  await context.outbox.add(tx, {
    topic: usersEvents,
    type: 'user.signed-out',
    key: userId,
    data: { userId, version, at, reason, ...(sessionId === undefined ? {} : { sessionId }) },
  })
}

/** Browsers that the user is signed in with have to ask for the password again. */
export const forgetBrowsers = async (
  { browsersForgotten }: UsersContext,
  tx: UsersTx,
  userId: string,
): Promise<void> => {
  const { numDeletedRows } = await tx
    .deleteFrom('oidc_records')
    .where('account_id', '=', userId)
    .where('kind', '=', 'Session')
    .executeTakeFirst()
  if (numDeletedRows > 0n) tx.afterCommit(() => browsersForgotten?.(userId))
}

/**
 * Ends the session of a refresh token, or all of its user's. A token that is no good ends nothing, and says so to nobody
 * (RFC 7009, 2.2); one that was used already ends its own session only, for it may be in a thief's hands.
 */
export const logOut = (
  context: UsersContext,
  { refreshToken, everywhere = false }: { refreshToken: string; everywhere?: boolean | undefined },
): Promise<void> =>
  context.database.transaction(async (tx) => {
    const row = await tx
      .selectFrom('tokens')
      .innerJoin('token_families', 'token_families.id', 'tokens.family_id')
      .select(['family_id', 'user_id', 'used_at'])
      .where('hash', '=', tokenHash(refreshToken))
      .where('kind', '=', 'refresh')
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', sql<Date>`now()`)
      .executeTakeFirst()
    if (!row) return
    const all = everywhere && row.used_at === null
    const which = all ? {} : { sessionId: row.family_id }
    await endSessions(context, tx, row.user_id, { reason: 'logged-out', ...which })
  })
