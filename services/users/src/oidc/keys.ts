/**
 * The keys that sign ID tokens (RS256, which every client knows). All instances share them in the database, where they
 * are sealed with a key made of the service's own: a copy of the database signs nothing. A new key is shown to clients
 * before it signs, and an old one after it signed last, so that no request notices a rotation. Decision 0069.
 */
import { createCipheriv, createDecipheriv, generateKeyPair, hkdfSync, type JsonWebKey, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { limits } from '../config.ts'
import type { UsersContext } from '../context.ts'
import { databaseNow } from '../times.ts'

/** What is derived of the service's own key: each for one purpose. */
export interface Secrets {
  /** Seals what is stored: AES-256-GCM. */
  readonly sealing: Buffer
  /** Signs the cookies of browsers. */
  readonly cookies: string
}

/** By HKDF (RFC 5869) of the private key in `SVYAZ_KEY_FILE`. Throws what reading it throws. */
export const readSecrets = async ({ environment }: Pick<UsersContext, 'environment'>): Promise<Secrets> => {
  const { d } = JSON.parse(await readFile(String(environment.SVYAZ_KEY_FILE), 'utf8')) as JsonWebKey
  if (d === undefined) throw new Error('SVYAZ_KEY_FILE holds no private key')
  const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', d, '', `svyaz users ${purpose}`, 32))
  return { sealing: derive('sealing'), cookies: derive('cookies').toString('base64url') }
}

/** Encrypted and authenticated: nonce, tag, ciphertext. */
export const seal = (key: Buffer, text: string): Buffer => {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed])
}

/** The text that was sealed, or undefined when this key did not seal it. */
export const unseal = (key: Buffer, sealed: Buffer): string | undefined => {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 })
    decipher.setAuthTag(sealed.subarray(12, 28))
    return decipher.update(sealed.subarray(28), undefined, 'utf8') + decipher.final('utf8')
  } catch {
    return undefined
  }
}

/** A key by its age; times in ms. */
export interface AgedKey {
  id: string
  createdAt: number
}

/**
 * Which keys clients are shown `now`, the one that signs first, and whether another is due.
 *
 * @param keys that are good, in any order
 */
export const judgeKeys = (
  keys: readonly AgedKey[],
  now: number,
  { signsForMs, shownFirstMs, shownAfterMs }: { signsForMs: number; shownFirstMs: number; shownAfterMs: number },
): { shown: string[]; isDue: boolean } => {
  const newestFirst = [...keys].sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1))
  // The first key of all has nobody to wait for.
  const signing = newestFirst.find(({ createdAt }) => now - createdAt >= shownFirstMs) ?? newestFirst.at(-1)
  const shown = newestFirst.filter((_, at) => {
    const next = newestFirst[at - 1]
    return next === undefined || now < next.createdAt + shownFirstMs + shownAfterMs
  })
  const [newest] = newestFirst
  return {
    shown: shown.map(({ id }) => id).sort((a, b) => Number(b === signing?.id) - Number(a === signing?.id)),
    isDue: newest === undefined || now - newest.createdAt >= signsForMs,
  }
}

const newPair = promisify(generateKeyPair)

const makeJwk = async (id: string): Promise<string> => {
  const { privateKey } = await newPair('rsa', { modulusLength: 2048 })
  return JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: id, use: 'sig', alg: 'RS256' })
}

/** The private keys that clients are shown, the one that signs first. Makes one where one is due. */
export const currentKeys = async (context: UsersContext, secrets: Secrets): Promise<JsonWebKey[]> => {
  const bounds = {
    signsForMs: context.settings.current().signingKeyDays * 86_400_000,
    shownFirstMs: limits.oidc.keyShownFirstMs,
    shownAfterMs: limits.oidc.keyShownAfterMs,
  }
  for (;;) {
    const rows = await context.database.query
      .selectFrom('oidc_keys')
      .select(['id', 'sealed'])
      .select(sql<number>`(extract(epoch FROM created_at) * 1000)::float8`.as('createdAt'))
      .select(sql<number>`(extract(epoch FROM now()) * 1000)::float8`.as('now'))
      .where('withdrawn', '=', false)
      .orderBy('created_at', 'desc')
      .limit(limits.oidc.signingKeysMax)
      .execute()
    const jwks = new Map<string, JsonWebKey>()
    for (const { id, sealed } of rows) {
      const jwk = unseal(secrets.sealing, sealed)
      // Sealed with a key of before: the service's own key was replaced.
      if (jwk !== undefined) jwks.set(id, JSON.parse(jwk) as JsonWebKey)
    }
    const good = rows.filter(({ id }) => jwks.has(id))
    const { shown, isDue } = judgeKeys(good, rows[0]?.now ?? 0, bounds)
    if (!isDue) return shown.map((id) => jwks.get(id)!)
    await addKey(context, secrets, good[0]?.id)
  }
}

/** Puts a key after `newest`, unless somebody else has done so: instances that find one due at once make one. */
const addKey = async (context: UsersContext, secrets: Secrets, newest: string | undefined): Promise<void> => {
  const id = context.ids.uuid()
  const sealed = seal(secrets.sealing, await makeJwk(id))
  await context.database.transaction(async (tx) => {
    await sql`SELECT pg_advisory_xact_lock(hashtext('svyaz users: signing keys'))`.execute(tx)
    const last = await tx
      .selectFrom('oidc_keys')
      .select(['id', 'sealed'])
      .where('withdrawn', '=', false)
      .orderBy('created_at', 'desc')
      .executeTakeFirst()
    const isOurs = last !== undefined && unseal(secrets.sealing, last.sealed) !== undefined
    if (isOurs && last.id !== newest) return
    await tx.insertInto('oidc_keys').values({ id, sealed, created_at: databaseNow, withdrawn: false }).execute()
    const oldest = tx
      .selectFrom('oidc_keys')
      .select('id')
      .orderBy('created_at', 'desc')
      .offset(limits.oidc.signingKeysMax)
    await tx.deleteFrom('oidc_keys').where('id', 'in', oldest).execute()
  })
  context.log.info({ keyId: id }, 'a new key for ID tokens')
}

/** No key that has signed so far is trusted any more; each instance knows within {@link limits.oidc.keysKnownMs}. */
export const withdrawKeys = async (context: UsersContext): Promise<void> => {
  await context.database.query
    .updateTable('oidc_keys')
    .set({ withdrawn: true })
    .where('withdrawn', '=', false)
    .execute()
  context.log.warn({}, 'the keys for ID tokens were withdrawn')
}
