/**
 * Keys and passwords of this installation, made at the first start: an Ed25519 key per service to sign its tokens
 * (reliability, rule 9; RFC 8037 for the JWK), a password per database role. Private parts have mode 0600.
 */
import { createHash, generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { databaseOf, type Topology } from '../../topology.ts'
import { readJson, writeJson } from './state-files.ts'

export interface Credentials {
  /** Private JWK of a service, with `kid`. */
  keyFile(service: string): string
  /** All public keys as a JWK set (RFC 7517). */
  readonly jwksFile: string
  /** Password of a database's role. */
  password(database: string): string
}

type ServiceKey = JsonWebKey & { kid: string; alg: 'EdDSA'; use: 'sig' }

/** Keys, JWKS and passwords of an installation; what is there stays, what is missing is made. */
export function ensureCredentials(directory: string, topology: Topology): Credentials {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const keyFile = (service: string) => join(directory, `${service}.json`)
  const jwksFile = join(directory, 'jwks.json')
  const keys = topology.processes
    .filter((process) => process.keys)
    .map(
      (process) => readJson<ServiceKey>(keyFile(process.name)) ?? create(keyFile(process.name), newKey(process.name)),
    )
  const published = { keys: keys.map(publicPart) }
  if (JSON.stringify(readJson(jwksFile)) !== JSON.stringify(published)) writeJson(jwksFile, published, 0o644)

  const passwordFile = join(directory, 'database-passwords.json')
  const passwords = readJson<Record<string, string>>(passwordFile) ?? {}
  const missing = topology.processes.flatMap((process) => databaseOf(process) ?? []).filter((name) => !passwords[name])
  for (const name of missing) passwords[name] = randomBytes(24).toString('base64url')
  if (missing.length > 0) writeJson(passwordFile, passwords)
  return {
    keyFile,
    jwksFile,
    password: (database) => {
      const password = passwords[database]
      if (!password) throw new Error(`there is no database ${database}`)
      return password
    },
  }
}

/** `kid` starts with the service's name, so that a token says whose key it wants; the rest, after its last dash, is the JWK thumbprint (RFC 7638) in hex. */
function newKey(service: string): ServiceKey {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const { crv, kty, x } = jwk
  const thumbprint = createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('hex')
  return { ...jwk, kid: `${service}-${thumbprint.slice(0, 16)}`, alg: 'EdDSA', use: 'sig' }
}

function publicPart(key: ServiceKey): ServiceKey {
  const { d: _private, ...rest } = key
  return rest
}

function create<T>(path: string, value: T): T {
  writeJson(path, value)
  return value
}
