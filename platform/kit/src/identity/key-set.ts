/**
 * The public keys of all services, out of the JWKS file. Read again on the monotonic clock, so that a key that was taken
 * out is not trusted for long, and when an unknown key id comes, so that a new one is known at once. Decisions 0022, 0042.
 */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Core } from '../core.ts'
import { serviceOfKey } from './token-claims.ts'

export const keySetLimits = {
  /** No key is used that was read longer ago. */
  keysAgeMsMax: 30_000,
  /** An unknown key id, or a file that can't be read, makes the disk be asked at most this often. */
  readEveryMs: 1_000,
  fileBytesMax: 1024 * 1024,
} as const

/** One key. While its JWK stays the same it is the same object, however often the file is read. */
export interface PublicKey {
  readonly key: KeyObject
  /** The only service that it speaks for. */
  readonly service: string
}

export interface KeySet {
  /** The key of this id by a file read at most {@link keySetLimits.keysAgeMsMax} ago. */
  find(keyId: string): Promise<PublicKey | undefined>
  /** The same without waiting, by the file as it was read last. */
  known(keyId: string): PublicKey | undefined
  /** Undefined while the keys are fresh; else resolves when they were read again, or could not be. */
  freshened(): Promise<void> | undefined
}

type Jwk = JsonWebKey & { kid?: string }

/** The public keys of all services, from the JWKS file, read again as it ages or an unknown key id comes. */
export const createKeySet = (core: Pick<Core, 'clock' | 'log' | 'environment'>): KeySet => {
  const { jwksFile } = core.environment
  let keys = new Map<string, PublicKey & { text: string }>()
  let readAt = Number.NEGATIVE_INFINITY
  let triedAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined
  let failing = false

  const read = async (startedAt: number) => {
    try {
      const text = await readFile(jwksFile, 'utf8')
      if (text.length > keySetLimits.fileBytesMax) throw new Error('the JWKS is over the limit')
      const set = JSON.parse(text) as { keys: Jwk[] }
      const fresh: typeof keys = new Map()
      for (const jwk of set.keys) {
        if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519' || jwk.kid === undefined) continue
        const { d: _private, ...publicPart } = jwk
        const text = JSON.stringify(publicPart)
        const same = keys.get(jwk.kid)
        if (same?.text === text) fresh.set(jwk.kid, same)
        else
          fresh.set(jwk.kid, {
            key: createPublicKey({ key: publicPart, format: 'jwk' }),
            service: serviceOfKey({ ...publicPart, kid: jwk.kid }),
            text,
          })
      }
      keys = fresh
      // The moment before the file was opened: what changed meanwhile counts from there.
      readAt = startedAt
      failing = false
    } catch (error) {
      // Keys that were read before go on: a file that is being written must not stop the system.
      if (!failing) core.log.error({ err: error, file: jwksFile }, 'cannot read the JWKS: the keys known before go on')
      failing = true
    }
  }

  const readAgain = (): Promise<void> | undefined => {
    if (reading !== undefined) return reading
    const now = core.clock.monotonic()
    if (now - triedAt < keySetLimits.readEveryMs) return undefined
    triedAt = now
    reading = read(now).finally(() => {
      reading = undefined
    })
    return reading
  }

  const freshened = () => (core.clock.monotonic() - readAt < keySetLimits.keysAgeMsMax ? undefined : readAgain())

  return {
    freshened,
    known: (keyId) => keys.get(keyId),
    async find(keyId) {
      await freshened()
      if (!keys.has(keyId)) await readAgain()
      return keys.get(keyId)
    },
  }
}
