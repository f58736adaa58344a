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

type KnownKey = PublicKey & { readonly text: string }
export interface KeySetParts {
  readonly clock: Pick<Core['clock'], 'monotonic'>
  readonly log: { error(fields: object, text: string): void }
  readonly environment: Pick<Core['environment'], 'jwksFile'>
}

/** The public keys of all services, from the JWKS file, read again as it ages or an unknown key id comes. */
export const createKeySet = (core: KeySetParts): KeySet => new FileKeySet(core)

class FileKeySet implements KeySet {
  readonly #core: KeySetParts
  #keys: ReadonlyMap<string, KnownKey> = new Map()
  #readAt = Number.NEGATIVE_INFINITY
  #triedAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined
  #failing = false

  constructor(core: KeySetParts) {
    this.#core = core
  }

  known(keyId: string): PublicKey | undefined {
    return this.#keys.get(keyId)
  }

  async find(keyId: string): Promise<PublicKey | undefined> {
    await this.freshened()
    if (!this.#keys.has(keyId)) await this.#readAgain()
    return this.#keys.get(keyId)
  }

  freshened(): Promise<void> | undefined {
    const isFresh = this.#core.clock.monotonic() - this.#readAt < keySetLimits.keysAgeMsMax
    return isFresh ? undefined : this.#readAgain()
  }

  #readAgain(): Promise<void> | undefined {
    if (this.#reading !== undefined) return this.#reading
    const now = this.#core.clock.monotonic()
    if (now - this.#triedAt < keySetLimits.readEveryMs) return undefined
    this.#triedAt = now
    this.#reading = this.#read(now).finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(startedAt: number): Promise<void> {
    const { environment, log } = this.#core
    const file = environment.jwksFile
    try {
      const text = await readFile(file, 'utf8')
      if (text.length > keySetLimits.fileBytesMax) throw new Error('the JWKS is over the limit')
      this.#keys = keysOf(JSON.parse(text) as { keys: Jwk[] }, this.#keys)
      // The moment before the file was opened: what changed meanwhile counts from there.
      this.#readAt = startedAt
      this.#failing = false
    } catch (error) {
      // Keys that were read before go on: a file that is being written must not stop the system.
      if (!this.#failing) log.error({ err: error, file }, 'cannot read the JWKS: the keys known before go on')
      this.#failing = true
    }
  }
}

/** The keys of a set that can be used here; those that were known are kept. @throws Error for a key that isn't one */
function keysOf({ keys }: { keys: Jwk[] }, known: ReadonlyMap<string, KnownKey>): ReadonlyMap<string, KnownKey> {
  const fresh = new Map<string, KnownKey>()
  for (const { d: _private, kid, ...jwk } of keys) {
    if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519' || kid === undefined) continue
    const text = JSON.stringify(jwk)
    const same = known.get(kid)
    if (same?.text === text) fresh.set(kid, same)
    else {
      const key = createPublicKey({ key: jwk, format: 'jwk' })
      fresh.set(kid, { key, service: serviceOfKey({ ...jwk, kid }), text })
    }
  }
  return fresh
}
