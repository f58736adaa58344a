/**
 * What the OpenID provider keeps, as the adapter that oidc-provider asks for: rows that end by the database's clock, under
 * hashes of their ids, so that a copy of the table opens nothing. A grant is a session of users: its id is that of a row
 * in `token_families`, and it lives no longer than that.
 */
import { sql } from 'kysely'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import { limits } from '../config.ts'
import type { UsersContext } from '../context.ts'
import { endSessions } from '../sessions.ts'
import { tokenHash } from '../storage.ts'
import { after, databaseNow, sessionEnd } from '../times.ts'
import { clientById } from './clients.ts'
import { inTransaction, queryOf, tokenRequest } from './transaction.ts'

/** The session of a grant that is alive: neither revoked nor over. */
const liveGrants = (context: UsersContext) =>
  sql<boolean>`EXISTS (SELECT 1 FROM token_families f JOIN users u ON u.id = f.user_id WHERE f.id = oidc_records.grant_id
    AND f.revoked_at IS NULL AND u.status = 'active' AND ${sessionEnd(context, sql`f.created_at`)} > now())`

/** Without what would open something: the id, which for codes and tokens is the secret. */
const withoutId = ({ jti: _secret, ...payload }: AdapterPayload): string => JSON.stringify(payload)

/** One kind of record (`AccessToken`, `Grant`, …). Clients are in a table of their own (clients.ts). */
export class Records implements Adapter {
  readonly #context: UsersContext
  readonly #kind: string
  #ofNobody = 0

  constructor(context: UsersContext, kind: string) {
    this.#context = context
    if (kind === '') throw new Error('a kind of record has no name')
    this.#kind = kind
  }

  get #db() {
    return queryOf(this.#context)
  }

  /** @param expiresIn seconds */
  async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const accountId = payload.accountId ?? null
    const values = {
      session_uid: payload.uid ?? null,
      grant_id: this.#kind === 'Grant' ? id : (payload.grantId ?? null),
      account_id: accountId,
      payload: withoutId(payload),
      expires_at: after(databaseNow, expiresIn),
    }
    await this.#db
      .insertInto('oidc_records')
      .values({ kind: this.#kind, id_hash: tokenHash(id), used_at: null, successor: null, ...values })
      .onConflict((conflict) => conflict.columns(['kind', 'id_hash']).doUpdateSet(values))
      .execute()
    if (accountId === null && this.#ofNobody++ % limits.oidc.roomMadeEvery === 0) await this.#makeRoom()
  }

  /**
   * Anybody may begin to sign in: the oldest that came to nothing go first. Not with each: finding out that there are too
   * many takes a walk over all of them.
   */
  async #makeRoom(): Promise<void> {
    await sql`
      DELETE FROM oidc_records WHERE account_id IS NULL AND kind = ${this.#kind} AND expires_at < (
        SELECT expires_at FROM oidc_records WHERE account_id IS NULL AND kind = ${this.#kind}
        ORDER BY expires_at DESC OFFSET ${limits.oidc.recordsOfNobodyMax} LIMIT 1)`.execute(this.#db)
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    if (this.#kind === 'Client') return clientById(this.#context, id)
    const hash = tokenHash(id)
    const payload = await this.#findBy('id_hash', hash)
    return payload && { ...payload, jti: id }
  }

  /** Only of sign-ins of browsers, whose id nobody needs to know then. */
  findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.#findBy('session_uid', uid)
  }

  /** There is no device flow here. */
  findByUserCode(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  async #findBy(column: 'id_hash' | 'session_uid', value: Buffer | string): Promise<AdapterPayload | undefined> {
    const row = await this.#db
      .selectFrom('oidc_records')
      .select(['payload', 'id_hash', sql<number>`floor(extract(epoch FROM used_at))::float8`.as('usedAt')])
      .where('kind', '=', this.#kind)
      .where(column, '=', value)
      .where('expires_at', '>', databaseNow)
      .where(({ or, eb }) => or([eb('grant_id', 'is', null), eb(liveGrants(this.#context), '=', true)]))
      .executeTakeFirst()
    if (row === undefined) return undefined
    const isRepeated = tokenRequest.getStore()?.repeated?.equals(row.id_hash) === true
    const used = row.usedAt === null || isRepeated ? {} : { consumed: row.usedAt }
    return { ...(row.payload as AdapterPayload), ...used }
  }

  async consume(id: string): Promise<void> {
    await this.#db
      .updateTable('oidc_records')
      .set({ used_at: databaseNow })
      .where('kind', '=', this.#kind)
      .where('id_hash', '=', tokenHash(id))
      .where('used_at', 'is', null)
      .execute()
  }

  async destroy(id: string): Promise<void> {
    if (this.#kind === 'Grant') return this.#endGrant(id)
    await this.#db
      .deleteFrom('oidc_records')
      .where('kind', '=', this.#kind)
      .where('id_hash', '=', tokenHash(id))
      .execute()
  }

  /** By its client, by the end of the browser's sign-in, or because a code or a refresh token came twice. */
  revokeByGrantId(grantId: string): Promise<void> {
    return this.#endGrant(grantId)
  }

  /** Ends the session, which ends all of its tokens here, and says so, which ends them at the gateway. */
  async #endGrant(grantId: string): Promise<void> {
    const reason = tokenRequest.getStore() === undefined ? 'revoked' : 'token-reused'
    await inTransaction(this.#context, async (tx) => {
      const family = await tx
        .selectFrom('token_families')
        .select('user_id')
        .where('id', '=', grantId)
        .executeTakeFirst()
      if (family) await endSessions(this.#context, tx, family.user_id, { reason, sessionId: grantId })
    })
  }
}

/** Takes out what is over, and what made an answer again when the grace for that is over. */
export const purgeOpenId = async (context: UsersContext): Promise<void> => {
  const { query } = context.database
  await query
    .updateTable('oidc_records')
    .set({ successor: null })
    .where('successor', 'is not', null)
    .where('used_at', '<=', after(databaseNow, -context.settings.current().refreshGraceSeconds))
    .execute()
  await query.deleteFrom('oidc_records').where('expires_at', '<=', databaseNow).execute()
}
