/** The private key of this service: signs its tokens (identity.ts) and its registrations (signed-registration.ts). */
import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Core } from '../core.ts'

export interface OwnKey {
  readonly keyId: string
  readonly key: KeyObject
}

/** Reads an Ed25519 JWK (RFC 8037) with a `kid` from the file that the environment names. Throws what is wrong with it. */
export const readOwnKey = async ({ environment }: Pick<Core, 'environment'>): Promise<OwnKey> => {
  const jwk = JSON.parse(await readFile(environment.keyFile, 'utf8')) as JsonWebKey & { kid?: string }
  if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519' || jwk.d === undefined || jwk.kid === undefined)
    throw new Error(`${environment.keyFile} must hold a private Ed25519 JWK with a kid`)
  return { keyId: jwk.kid, key: createPrivateKey({ key: jwk, format: 'jwk' }) }
}
