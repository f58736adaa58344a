/** The programs that may sign users in here: the console, and those that an administrator has registered. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { ClientView, NewClient } from '@svyaz/contracts/http/clients.ts'
import { consoleClient } from '@svyaz/contracts/http/oidc.ts'
import { Failure } from '@svyaz/kit'
import { sql } from 'kysely'
import type { AdapterPayload, ClientMetadata } from 'oidc-provider'
import { changeStatus } from '../accounts.ts'
import { limits } from '../config.ts'
import { issuer, type UsersContext } from '../context.ts'
import { endSessions } from '../sessions.ts'
import type { UsersSchema, UsersTx } from '../storage.ts'
import { databaseNow } from '../times.ts'
import { queryOf } from './transaction.ts'

type ClientRow = UsersSchema['oidc_clients']

/** The metadata by which the provider knows that nobody has to consent: the client is a part of this system. */
export const firstParty = 'first_party'

const secretHash = (secret: string): Buffer => createHash('sha256').update(secret).digest()

/** Whether this is the secret whose hash the client's metadata carry in place of it. */
export const isSecretOf = (stored: string | undefined, secret: string): boolean =>
  stored !== undefined && timingSafeEqual(secretHash(secret), Buffer.from(stored, 'hex'))

const consoleMetadata = (consoleUrl: string): ClientMetadata => ({
  client_id: consoleClient.id,
  client_name: 'Svyaz',
  [firstParty]: true,
  token_endpoint_auth_method: 'none',
  redirect_uris: [`${consoleUrl}${consoleClient.callbackPath}`],
  post_logout_redirect_uris: [`${consoleUrl}/`],
  backchannel_logout_uri: `${consoleUrl}${consoleClient.logoutPath}`,
  // So that its ID tokens name the session that a logout ends.
  backchannel_logout_session_required: true,
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
})

const metadataOf = (row: ClientRow): ClientMetadata => {
  const signsIn = row.redirect_uris.length > 0
  return {
    client_id: row.id,
    client_name: row.name,
    ...(row.secret_hash === null
      ? { token_endpoint_auth_method: 'none' as const }
      : { token_endpoint_auth_method: 'client_secret_basic' as const, client_secret: row.secret_hash.toString('hex') }),
    redirect_uris: row.redirect_uris,
    post_logout_redirect_uris: row.signed_out_uris,
    grant_types: [
      ...(signsIn ? ['authorization_code', 'refresh_token'] : []),
      // Without a secret, anybody who knows its id would be the client.
      ...(row.user_id === null || row.secret_hash === null ? [] : ['client_credentials']),
    ],
    response_types: signsIn ? ['code'] : [],
  }
}

/** The client of that id as oidc-provider describes one (RFC 7591), or undefined. */
export const clientById = async (context: UsersContext, id: string): Promise<AdapterPayload | undefined> => {
  if (id === consoleClient.id) return consoleMetadata(String(context.environment.SVYAZ_CONSOLE_URL)) as AdapterPayload
  if (id.length > limits.oidc.clientIdCharsMax) return undefined
  const row = await queryOf(context).selectFrom('oidc_clients').selectAll().where('id', '=', id).executeTakeFirst()
  return row && (metadataOf(row) as AdapterPayload)
}

const viewOf = (row: ClientRow): ClientView => ({
  id: row.id,
  name: row.name,
  confidential: row.secret_hash !== null,
  redirectUris: row.redirect_uris,
  signedOutUris: row.signed_out_uris,
  ...(row.user_id === null ? {} : { userId: row.user_id }),
  createdAt: new Date(row.created_at).toISOString(),
})

/** All clients that were registered, the oldest first. */
export const listClients = async (context: UsersContext): Promise<ClientView[]> => {
  const rows = await context.database.query.selectFrom('oidc_clients').selectAll().orderBy('created_at').execute()
  return rows.map(viewOf)
}

/**
 * Registers a client. Its secret, if it has one, is in the answer and nowhere else: the table has its hash.
 *
 * @throws Failure conflict when there are as many as there may be; invalid_request for an account of one without a secret
 */
export const registerClient = async (
  context: UsersContext,
  client: NewClient,
): Promise<ClientView & { secret?: string }> => {
  if (client.ownAccount && !client.confidential) throw noOwnAccount()
  return context.database.transaction(async (tx) => {
    // One after the other: two that count at once would both find the last place free.
    await sql`SELECT pg_advisory_xact_lock(hashtext('svyaz users: clients'))`.execute(tx)
    const { count } = await tx
      .selectFrom('oidc_clients')
      .select(({ fn }) => fn.countAll<string>().as('count'))
      .executeTakeFirstOrThrow()
    if (Number(count) >= limits.oidc.clientsMax)
      throw new Failure('conflict', `there may be ${limits.oidc.clientsMax} clients; remove one first`)
    const id = `client-${context.ids.uuid()}`
    const secret = client.confidential ? randomBytes(32).toString('base64url') : undefined
    const row = await tx
      .insertInto('oidc_clients')
      .values({
        id,
        name: client.name,
        secret_hash: secret === undefined ? null : secretHash(secret),
        redirect_uris: client.redirectUris,
        signed_out_uris: client.signedOutUris,
        user_id: client.ownAccount ? await accountOf(context, tx, id, client.name) : null,
        created_at: databaseNow,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    return { ...viewOf(row), ...(secret === undefined ? {} : { secret }) }
  })
}

const noOwnAccount = () =>
  new Failure('invalid_request', 'the body is not valid', {
    faults: [
      { in: 'body', pointer: '/ownAccount', detail: 'only a confidential client can have an account of its own' },
    ],
  })

/** The user that a client's own tokens speak for: nobody signs in as it, for no password has this hash. */
const accountOf = async (context: UsersContext, tx: UsersTx, clientId: string, name: string): Promise<string> => {
  const { id } = await tx
    .insertInto('users')
    .values({
      id: context.ids.uuid(),
      email: `${clientId}@clients.svyaz.local`,
      name,
      password_hash: 'none',
      roles: ['user'],
      status: 'active',
      version: 1,
      created_at: context.clock.iso(),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await tx.insertInto('identities').values({ issuer, subject: id, user_id: id }).execute()
  return id
}

/** Removes a client, ends the sessions that it has, and blocks its own account. @throws Failure not_found */
export const removeClient = async (context: UsersContext, clientId: string): Promise<void> => {
  await context.database.transaction(async (tx) => {
    const gone = await tx.deleteFrom('oidc_clients').where('id', '=', clientId).returning('user_id').executeTakeFirst()
    if (!gone) throw new Failure('not_found', 'there is no such client')
    const grants = await tx
      .deleteFrom('oidc_records')
      .where('kind', 'in', ['Grant', 'ClientCredentials'])
      .where(sql<boolean>`payload->>'clientId' = ${clientId}`)
      .returning(['grant_id', 'account_id'])
      .execute()
    for (const { grant_id: sessionId, account_id: userId } of grants)
      if (sessionId !== null && userId !== null)
        await endSessions(context, tx, userId, { reason: 'revoked', sessionId })
    if (gone.user_id !== null) await changeStatus(context, tx, gone.user_id, 'blocked', 'the client was removed')
  })
}
