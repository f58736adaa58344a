/** What the gateway is told of an access token of the OpenID provider, which needs not be loaded for it. */
import type { introspectToken } from '@svyaz/contracts/http/users.ts'
import type { ReplyOf, Role } from '@svyaz/contracts/vocabulary.ts'
import { type RawBuilder, sql } from 'kysely'
import { issuer, type UsersContext } from '../context.ts'
import { tokenHash } from '../storage.ts'
import { databaseNow, secondsLeft, sessionEnd } from '../times.ts'

/**
 * RFC 7662, 2.2, for tokens of users and of clients that have an account of their own (client credentials). Anything else
 * is just `active: false`.
 */
export const introspectOpenId = async (
  context: UsersContext,
  token: string,
): Promise<ReplyOf<typeof introspectToken>> => {
  const end = sql<Date>`least(r.expires_at, CASE WHEN f.id IS NULL THEN r.expires_at
    ELSE ${sessionEnd(context, sql`f.created_at`)} END)`
  const seconds = (time: RawBuilder<unknown>) => sql<number>`floor(extract(epoch FROM ${time}))::float8`
  const row = await context.database.query
    .selectFrom('oidc_records as r')
    .leftJoin('token_families as f', 'f.id', 'r.grant_id')
    .leftJoin('oidc_clients as c', (join) =>
      join.on(
        // One without a secret got such tokens of an earlier version: they are nobody's.
        sql<boolean>`c.id = r.payload->>'clientId' AND r.kind = 'ClientCredentials' AND c.secret_hash IS NOT NULL`,
      ),
    )
    .innerJoin('users as u', (join) => join.on(sql<boolean>`u.id = coalesce(f.user_id, c.user_id)`))
    .innerJoin('identities as i', 'i.user_id', 'u.id')
    .select(['u.id as userId', 'u.roles', 'i.subject', 'f.id as sid'])
    .select([
      sql<string>`r.payload->>'clientId'`.as('clientId'),
      sql<number>`(r.payload->>'iat')::float8`.as('iat'),
      seconds(end).as('exp'),
      secondsLeft(end).as('left'),
    ])
    .where('r.kind', 'in', ['AccessToken', 'ClientCredentials'])
    .where('r.id_hash', '=', tokenHash(token))
    .where('f.revoked_at', 'is', null)
    .where(sql<boolean>`(r.kind = 'ClientCredentials') = (f.id IS NULL)`)
    .where('u.status', '=', 'active')
    .where(end, '>', databaseNow)
    .where('i.issuer', '=', issuer)
    .executeTakeFirst()
  if (!row) return { active: false }
  return {
    active: true,
    iss: issuer,
    sub: row.subject,
    userId: row.userId,
    ...(row.sid === null ? {} : { sid: row.sid }),
    roles: row.roles as Role[],
    exp: row.exp,
    iat: row.iat,
    expires_in: row.left,
    client_id: row.clientId,
    token_type: 'Bearer',
  }
}
