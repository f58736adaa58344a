/** Tokens between services: everything that must be refused, made with real keys. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { decodeJwt, importJWK, type JWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { Failure } from '../src/failure.ts'
import { createSigner, createVerifier, identityLimits, type Verifier } from '../src/identity/identity.ts'
import { keySetLimits } from '../src/identity/key-set.ts'
import { testCore, until } from './core-fixture.ts'
import { createKeys, type Keys } from './key-fixture.ts'

const user = { userId: '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4e', roles: ['user', 'admin'] as const }

describe('service identity', () => {
  let keys: Keys
  let verifier: Verifier
  let now = Date.parse('2026-01-01T00:00:00Z')
  let monotonic = 0
  const coreOf = (service: string) => {
    const core = testCore({ service, keyFile: keys.keyFile(service), jwksFile: keys.jwksFile })
    return { ...core, clock: { ...core.clock, now: () => now, monotonic: () => monotonic } }
  }
  before(async () => {
    keys = await createKeys('orders', 'users', 'gateway')
    verifier = await createVerifier(coreOf('orders'))
  })
  after(() => keys?.[Symbol.asyncDispose]())

  const refused = async (token: string | undefined) =>
    assert.rejects(
      verifier.verify(token === undefined ? undefined : `Bearer ${token}`),
      (error) => error instanceof Failure && error.code === 'unauthenticated',
    )

  it('says who is calling, and for whom', async () => {
    const users = await createSigner(coreOf('users'))
    assert.deepEqual(await verifier.verify(`Bearer ${await users.serviceToken('orders')}`), {
      kind: 'service',
      service: 'users',
    })
    assert.deepEqual(await verifier.verify(`Bearer ${await users.serviceToken('orders', user)}`), {
      kind: 'service',
      service: 'users',
      onBehalfOf: user,
    })
    const gateway = await createSigner(coreOf('gateway'))
    const exchanged = await gateway.userToken('orders', user)
    assert.deepEqual(await verifier.verify(`bearer ${exchanged}`), { kind: 'user', ...user })
    const claims = decodeJwt(exchanged)
    assert.deepEqual(
      [claims.sub, claims.iss, claims.aud, claims.act],
      [user.userId, 'gateway', 'orders', { sub: 'gateway' }],
    )
    assert.equal((claims.exp ?? 0) - (claims.iat ?? 0), 60)
  })

  it('lets only the gateway speak for users', async () => {
    const users = await createSigner(coreOf('users'))
    await assert.rejects(users.userToken('orders', user), /only the gateway/)
  })

  /** A token made by hand with the real key of `service`, changed as the case says. */
  const forge = async (
    service: string,
    change: { claims?: JWTPayload; header?: Record<string, unknown>; without?: string },
  ): Promise<string> => {
    const jwk = JSON.parse(await readFile(keys.keyFile(service), 'utf8')) as JWK
    const seconds = Math.floor(now / 1000)
    const claims: JWTPayload = {
      iss: service,
      sub: service,
      aud: 'orders',
      iat: seconds,
      exp: seconds + 60,
      jti: crypto.randomUUID(),
      ...change.claims,
    }
    if (change.without !== undefined) delete claims[change.without]
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: jwk.kid ?? '', ...change.header })
      .sign(await importJWK(jwk, 'EdDSA'))
  }

  it('accepts what the forger makes when nothing is changed', async () => {
    assert.equal((await verifier.verify(`Bearer ${await forge('users', {})}`)).kind, 'service')
  })

  const forgeries: [string, Parameters<typeof forge>][] = [
    ['another audience', ['users', { claims: { aud: 'payments' } }]],
    ['no audience', ['users', { without: 'aud' }]],
    ['an issuer that the key does not belong to', ['users', { claims: { iss: 'gateway', sub: 'gateway' } }]],
    ['another service as its subject', ['users', { claims: { sub: 'gateway' } }]],
    [
      'a user as the subject of a service',
      ['users', { claims: { sub: user.userId, roles: ['admin'], act: { sub: 'gateway' } } }],
    ],
    ['a user without the exchange', ['gateway', { claims: { sub: user.userId, roles: ['admin'] } }]],
    [
      'a role that does not exist',
      ['gateway', { claims: { sub: user.userId, roles: ['root'], act: { sub: 'gateway' } } }],
    ],
    ['an expiry in the past', ['users', { claims: { exp: Math.floor(now / 1000) - 6 } }]],
    ['no expiry', ['users', { without: 'exp' }]],
    [
      'a birth in the future and a long life',
      ['users', { claims: { iat: Math.floor(now / 1000) + 30, exp: Math.floor(now / 1000) + 900 } }],
    ],
    [
      'a birth long ago and a long life',
      ['users', { claims: { iat: Math.floor(now / 1000) - 120, exp: Math.floor(now / 1000) + 3600 } }],
    ],
    ['no id', ['users', { without: 'jti' }]],
    ['the type of an ID token', ['users', { header: { typ: 'JWT' } }]],
    ['no type', ['users', { header: { typ: undefined } }]],
    ['the key id of another service', ['users', { header: { kid: 'gateway-1' } }]],
    ['an unknown key id', ['users', { header: { kid: 'users-9' } }]],
  ]
  for (const [what, [service, change]] of forgeries)
    it(`refuses ${what}`, async () => refused(await forge(service, change)))

  it('refuses other algorithms: none, and a MAC under the public key', async () => {
    const seconds = Math.floor(now / 1000)
    const claims = { iss: 'users', sub: 'users', aud: 'orders', iat: seconds, exp: seconds + 60, jti: 'x' }
    await refused(new UnsecuredJWT(claims).encode())
    const jwks = JSON.parse(await readFile(keys.jwksFile, 'utf8')) as { keys: JWK[] }
    const publicPart = jwks.keys.find((jwk) => jwk.kid === 'users-1')?.x ?? ''
    const mac = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'users-1' })
      .sign(Buffer.from(publicPart, 'base64url'))
    await refused(mac)
    const stranger: KeyObject = generateKeyPairSync('ed25519').privateKey
    const own = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'users-1' })
      .sign(stranger)
    await refused(own)
  })

  it('refuses nothing, other schemes, and what is not a token', async () => {
    await refused(undefined)
    for (const value of ['Basic dTpw', 'Bearer', 'Bearer a b', 'Bearer ...'])
      await assert.rejects(verifier.verify(value), Failure)
    await refused('x'.repeat(identityLimits.tokenCharsMax + 1))
  })

  it('stops accepting a token that it accepted before when it ends', async () => {
    const users = await createSigner(coreOf('users'))
    const token = await users.serviceToken('orders')
    await verifier.verify(`Bearer ${token}`)
    now += 66_000
    monotonic += 66_000
    await refused(token)
  })

  it('refuses a token that lives longer than a minute, from its first second on', async () => {
    const day = await forge('users', { claims: { exp: Math.floor(now / 1000) + 86_400 } })
    await refused(day)
    now += 72_000
    monotonic += 72_000
    await refused(day)
  })

  it('refuses a token that it knows when that is over by the monotonic clock, wherever the wall clock stands', async () => {
    const token = await (await createSigner(coreOf('users'))).serviceToken('orders')
    await verifier.verify(`Bearer ${token}`)
    now += 30_000
    monotonic += 64_000
    await verifier.verify(`Bearer ${token}`)
    monotonic += 2_000
    await refused(token)
  })

  it('reuses a token until ten seconds before its end', async () => {
    const users = await createSigner(coreOf('users'))
    const first = await users.serviceToken('orders')
    assert.equal(await users.serviceToken('orders'), first)
    assert.notEqual(await users.serviceToken('payments'), first)
    assert.notEqual(await users.serviceToken('orders', user), first)
    now += 49_000
    assert.equal(await users.serviceToken('orders'), first)
    now += 1_000
    assert.notEqual(await users.serviceToken('orders'), first)
  })

  it('learns a rotated key without a restart, and asks the disk at most once a second for unknown ones', async () => {
    await keys.rotate('users', 2)
    monotonic += 1_000
    const token = await (await createSigner(coreOf('users'))).serviceToken('orders')
    assert.equal((await verifier.verify(`Bearer ${token}`)).kind, 'service')
    await keys.rotate('users', 3)
    const next = await (await createSigner(coreOf('users'))).serviceToken('orders')
    await refused(next)
    monotonic += 1_000
    assert.equal((await verifier.verify(`Bearer ${next}`)).kind, 'service')
  })

  it('refuses a key that was taken out, for tokens seen before and for new ones, within 30 s', async () => {
    await keys.rotate('users', 4)
    monotonic += keySetLimits.readEveryMs
    const signer = await createSigner(coreOf('users'))
    const [seen, unseen] = [await signer.serviceToken('orders'), await signer.serviceToken('orders', user)]
    await verifier.verify(`Bearer ${seen}`)
    await keys.withdraw('users', 4)
    monotonic += keySetLimits.keysAgeMsMax
    await refused(seen)
    await refused(unseen)
    await keys.rotate('users', 5)
  })

  it('goes on with the keys it has while the file is half written, and says so once', async () => {
    const core = coreOf('orders')
    const own = await createVerifier(core)
    const signer = await createSigner(coreOf('users'))
    monotonic += keySetLimits.keysAgeMsMax
    await own.verify(`Bearer ${await signer.serviceToken('orders')}`)
    const whole = await readFile(keys.jwksFile, 'utf8')
    await writeFile(keys.jwksFile, whole.slice(0, 100))
    for (let second = 0; second < 3; second++) {
      monotonic += keySetLimits.keysAgeMsMax
      now += 1_000
      await own.verify(`Bearer ${await signer.serviceToken('orders')}`)
    }
    await writeFile(keys.jwksFile, whole)
    assert.equal(core.logs.filter(({ message }) => message.includes('cannot read the JWKS')).length, 1)
  })

  it('lets no request fail while keys are rotated', async () => {
    let rotating = true
    let answered = 0
    let signer = await createSigner(coreOf('users'))
    const ask = async () => {
      while (rotating) {
        const caller = await verifier.verify(`Bearer ${await signer.serviceToken('orders')}`)
        assert.equal(caller.kind, 'service')
        answered++
        await new Promise(setImmediate)
      }
    }
    const asking = Array.from({ length: 8 }, ask)
    for (let number = 10; number < 16; number++) {
      await keys.rotate('users', number)
      // The service is started again with its new key; tokens of the old one are on their way for a minute more.
      monotonic += keySetLimits.readEveryMs
      signer = await createSigner(coreOf('users'))
      const before = answered
      await until('requests go on', () => answered > before + 50)
      await keys.withdraw('users', number - 1)
      monotonic += keySetLimits.keysAgeMsMax
      now += 1_000
      await until('requests go on', () => answered > before + 100)
    }
    rotating = false
    await Promise.all(asking)
  })

  describe('when a clock jumps', () => {
    const hour = 3_600_000
    const apart = (detail: RegExp) => (error: unknown) =>
      error instanceof Failure && error.code === 'unavailable' && detail.test(error.detail)

    for (const jump of [hour, -hour])
      it(`signs afresh after ${jump > 0 ? 'forward and back' : 'back and forward'} again`, async () => {
        const start = now
        const signer = await createSigner(coreOf('users'))
        await verifier.verify(`Bearer ${await signer.serviceToken('orders')}`)
        now = start + jump
        const there = await signer.serviceToken('orders')
        assert.equal(decodeJwt(there).iat, Math.floor(now / 1000))
        now = start
        const back = await signer.serviceToken('orders')
        assert.ok(Math.abs((decodeJwt(back).iat ?? 0) - now / 1000) <= 60)
        assert.equal((await verifier.verify(`Bearer ${back}`)).kind, 'service')
      })

    for (const [jump, said] of [
      [hour, /3600 s behind the clock of orders/],
      [-hour, /3600 s ahead of the clock of orders/],
    ] as const)
      it(`names the clock while the verifier's own is ${said.source}, and goes on when it is back`, async () => {
        const start = now
        const core = coreOf('orders')
        const own = await createVerifier(core)
        const signer = await createSigner(coreOf('users'))
        const token = await signer.serviceToken('orders')
        const fresh = await signer.serviceToken('orders', user)
        await own.verify(`Bearer ${token}`)
        now = start + jump
        for (const refusedToken of [token, fresh, token])
          await assert.rejects(own.verify(`Bearer ${refusedToken}`), apart(said))
        assert.equal(core.logs.filter(({ message }) => message.includes('compare the clocks')).length, 1)
        assert.equal(core.counted('identity_clock_refusals_total', { caller: 'users' }), 3)
        now = start
        for (const good of [token, fresh]) assert.equal((await own.verify(`Bearer ${good}`)).kind, 'service')
      })
  })
})
