/** Signs users' tokens as the gateway does, in a system that runs without one. */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Role } from '@svyaz/contracts/vocabulary.ts'
import { importJWK, SignJWT } from 'jose'

/** Calls a service as a user; rejects with the answer's text when it is not JSON. */
export interface Gateway {
  call(
    url: string,
    options: { as: { userId: string; roles: readonly Role[] }; method?: string; body?: object },
  ): Promise<{ status: number; body: unknown }>
}

/** Puts a key of its own beside those of the running services: an unknown key id makes them read the set again. */
export async function openGateway(home: string): Promise<Gateway> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const { d, ...open } = { ...privateKey.export({ format: 'jwk' }), kid: 'gateway-test', alg: 'EdDSA', use: 'sig' }
  const file = join(home, 'keys', 'jwks.json')
  const set = JSON.parse(await readFile(file, 'utf8')) as { keys: object[] }
  await writeFile(file, JSON.stringify({ keys: [...set.keys, open] }))
  const key = await importJWK({ ...open, d: d! }, 'EdDSA')
  const tokenFor = ({ userId, roles }: { userId: string; roles: readonly Role[] }, audience: string) =>
    new SignJWT({ roles: [...roles], act: { sub: 'gateway' } })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: open.kid })
      .setIssuer('gateway')
      .setSubject(userId)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime('60s')
      .setJti(randomUUID())
      .sign(key)
  return {
    async call(url, { as, method = 'GET', body }) {
      const audience = new URL(url).pathname.startsWith('/admin/') ? 'config' : 'reviews'
      const answer = await fetch(url, {
        method,
        headers: { authorization: `Bearer ${await tokenFor(as, audience)}`, 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      return { status: answer.status, body: await answer.json() }
    },
  }
}
