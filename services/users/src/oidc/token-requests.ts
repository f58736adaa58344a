/**
 * A request for tokens is one transaction that holds the lock of the code or refresh token it brings: however many bring
 * the same one at once, one is first, and the others see what it did. A refresh token that comes again within the grace
 * gets the same answer again, as those of `POST /auth/refresh` do (decision 0048); later, or after its successor was
 * used, the provider ends its session.
 */
import { createHash } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { UsersContext } from '../context.ts'
import { tokenHash, type UsersTx } from '../storage.ts'
import { after, databaseNow } from '../times.ts'
import { seal, unseal } from './keys.ts'
import { type TokenRequest, tokenRequest } from './transaction.ts'

/** What a client sent, one value a name. */
export type Form = Readonly<Record<string, string | undefined>>

/** What seals the answer to a refresh token: only who brings it again can open that. */
const keyOf = (refreshToken: string): Buffer =>
  createHash('sha256').update(`svyaz successor of ${refreshToken}`).digest()

interface Answer {
  refresh_token?: string
  expires_in?: number
  [field: string]: unknown
}

/** Thrown to take back what answering again has done, which was only to see whether the client may ask. */
class Undo extends Error {}

/**
 * Runs the provider's own work on a token request inside of the transaction. A deadlock undoes all of it, and it is done
 * again from the start; a broken try leaves nothing behind, neither in the database nor in the answer.
 *
 * @param attempt does the provider's work, each time on a fresh context, which it returns with the answer
 * @throws Failure unavailable when the database refuses again and again; whatever else the database throws
 */
export const inOneTransaction = async (
  context: UsersContext,
  koa: KoaContextWithOIDC,
  form: Form,
  attempt: () => Promise<KoaContextWithOIDC>,
): Promise<void> => {
  let answered: KoaContextWithOIDC | undefined
  let again: Answer | undefined
  try {
    await context.database.transaction(async (tx) => {
      const brought = await lock(tx, context, form)
      again = brought?.again
      const request: TokenRequest = { tx, repeated: again && brought?.hash }
      answered = await tokenRequest.run(request, attempt)
      if (request.broke !== undefined) throw request.broke
      if (answered.status !== 200) again = undefined
      else if (again !== undefined) throw new Undo()
      else if (form.grant_type === 'refresh_token')
        await keepAnswer(tx, form.refresh_token ?? '', answered.body as Answer)
    })
  } catch (error) {
    if (!(error instanceof Undo)) throw error
  }
  koa.status = answered?.status ?? 500
  koa.body = again ?? answered?.body
}

/** Locks the row of what the request brings; and the answer that it had, when it is to have that again. */
const lock = async (
  tx: UsersTx,
  context: UsersContext,
  form: Form,
): Promise<{ hash: Buffer; again: Answer | undefined } | undefined> => {
  const isRefresh = form.grant_type === 'refresh_token'
  const secret = isRefresh ? form.refresh_token : form.code
  if (secret === undefined) return undefined
  const hash = tokenHash(secret)
  const { refreshGraceSeconds } = context.settings.current()
  const ago: RawBuilder<number> = sql`extract(epoch FROM now() - used_at)::float8`
  const row = await tx
    .selectFrom('oidc_records')
    .select(['successor', ago.as('usedSecondsAgo')])
    .select(sql<boolean>`coalesce(used_at > ${after(databaseNow, -refreshGraceSeconds)}, false)`.as('justUsed'))
    .where('kind', '=', isRefresh ? 'RefreshToken' : 'AuthorizationCode')
    .where('id_hash', '=', hash)
    .forUpdate()
    .executeTakeFirst()
  if (!row?.justUsed || row.successor === null) return { hash, again: undefined }
  const text = unseal(keyOf(secret), row.successor)
  const answer = text === undefined ? undefined : (JSON.parse(text) as Answer)
  if (answer === undefined || !(await isUnused(tx, answer.refresh_token ?? ''))) return { hash, again: undefined }
  const expiresIn = Math.floor((answer.expires_in ?? 0) - row.usedSecondsAgo)
  return { hash, again: expiresIn > 0 ? { ...answer, expires_in: expiresIn } : undefined }
}

const isUnused = async (tx: UsersTx, refreshToken: string): Promise<boolean> => {
  const row = await tx
    .selectFrom('oidc_records')
    .select('used_at')
    .where('kind', '=', 'RefreshToken')
    .where('id_hash', '=', tokenHash(refreshToken))
    .executeTakeFirst()
  return row?.used_at === null
}

const keepAnswer = async (tx: UsersTx, refreshToken: string, answer: Answer): Promise<void> => {
  await tx
    .updateTable('oidc_records')
    .set({ successor: seal(keyOf(refreshToken), JSON.stringify(answer)) })
    .where('kind', '=', 'RefreshToken')
    .where('id_hash', '=', tokenHash(refreshToken))
    .execute()
}
