/** The tables of users, and the row a user is. */
import { createHash } from 'node:crypto'
import { type User, userStatus } from '@svyaz/contracts/http/users.ts'
import { isId } from '@svyaz/contracts/primitives.ts'
import type { Role } from '@svyaz/contracts/vocabulary.ts'
import type { Database, Tx } from '@svyaz/kit'
import { sql } from 'kysely'

export interface UsersSchema {
  users: {
    id: string
    email: string
    name: string
    password_hash: string
    roles: string[]
    status: string
    version: number
    created_at: Date | string
  }
  identities: { issuer: string; subject: string; user_id: string }
  token_families: { id: string; user_id: string; created_at: Date | string; revoked_at: Date | string | null }
  tokens: {
    hash: Buffer
    kind: 'access' | 'refresh'
    family_id: string
    issued_at: Date | string
    expires_at: Date | string
    used_at: Date | string | null
    successor_salt: Buffer | null
  }
  login_failures: { subject: string; failures: number; last_at: Date | string; window_ends_at: Date | string }
  known_places: { user_id: string; place: Buffer; last_login_at: Date | string }
  oidc_records: {
    kind: string
    id_hash: Buffer
    session_uid: string | null
    grant_id: string | null
    account_id: string | null
    /** JSON; written as text. */
    payload: unknown
    used_at: Date | string | null
    successor: Buffer | null
    expires_at: Date | string
  }
  oidc_clients: {
    id: string
    name: string
    secret_hash: Buffer | null
    redirect_uris: string[]
    signed_out_uris: string[]
    user_id: string | null
    created_at: Date | string
  }
  oidc_keys: { id: string; sealed: Buffer; created_at: Date | string; withdrawn: boolean }
}
export type UsersDatabase = Database<UsersSchema>
export type UsersTx = Tx<UsersSchema>
export type UserRow = UsersSchema['users']

/** A row as clients see it. */
export const viewOf = (row: UserRow): User => ({
  id: row.id,
  email: row.email,
  name: row.name,
  roles: row.roles as Role[],
  status: userStatus.parse(row.status),
  createdAt: new Date(row.created_at).toISOString(),
})

/** The user of that id, if there is one. @param database or a transaction as its `query` */
export const userById = async (database: Pick<UsersDatabase, 'query'>, id: string): Promise<UserRow | undefined> =>
  !isId(id) ? undefined : database.query.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()

/** One text for lists of every length: each text is prepared by itself. */
const anyOf = (ids: readonly string[]) => sql<string>`any(${ids.filter(isId)}::uuid[])`

/** Those of them that are there, in one statement. */
export const usersByIds = (database: UsersDatabase, ids: readonly string[]): Promise<UserRow[]> =>
  database.query.selectFrom('users').selectAll().where('id', '=', anyOf(ids)).execute()

/** The user of that e-mail, whatever its case. */
export const userByEmail = (database: UsersDatabase, email: string): Promise<UserRow | undefined> =>
  database.query.selectFrom('users').selectAll().where('email', '=', email.toLowerCase()).executeTakeFirst()

/** What is stored of a token: its SHA-256. */
export const tokenHash = (token: string): Buffer => createHash('sha256').update(token).digest()
