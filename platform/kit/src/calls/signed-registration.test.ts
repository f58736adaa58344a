import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { SignJWT } from 'jose'
import type { PublicKey } from '../identity/key-set.ts'
import type { OwnKey } from '../identity/own-key.ts'
import {
  isRenewalDue,
  isSignedBy,
  mismatchOf,
  readRegistration,
  registrationLimits,
  signRegistration,
} from './signed-registration.ts'

const keysOf = (service: string): { own: OwnKey; open: PublicKey } => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return { own: { keyId: `${service}-1`, key: privateKey }, open: { key: publicKey, service } }
}
const users = keysOf('users')
const orders = keysOf('orders')
const now = 1_800_000_000
const instance = { id: 'users-1', host: '127.0.0.1', ports: { http: 4001, grpc: 4002, management: 4003 } }
const registration = { service: 'users', ...instance, issuedAt: now }

const read = (text: string) => {
  const claimed = readRegistration(text)
  assert.ok(claimed)
  return claimed
}

describe('a signed registration', () => {
  const text = signRegistration(users.own, registration)

  it('is good for what it says, and only under the key of its service', () => {
    const claimed = read(text)
    assert.deepEqual(claimed.registration, registration)
    assert.equal(mismatchOf(claimed, 'users', instance, now), undefined)
    assert.equal(isSignedBy(claimed, users.open), true)
    assert.equal(isSignedBy(claimed, orders.open), false)
    assert.equal(isSignedBy(read(signRegistration(orders.own, registration)), orders.open), false)
  })

  it('says nothing of another service, id, address, port, or of fewer or more ports', () => {
    const claimed = read(text)
    assert.equal(mismatchOf(claimed, 'orders', instance, now), 'another-service')
    for (const change of [
      { id: 'users-2' },
      { host: '127.0.0.2' },
      { ports: { ...instance.ports, http: 4009 } },
      { ports: { http: 4001, grpc: 4002 } },
      { ports: { http: 4001, grpc: 4002, other: 4003 } },
    ])
      assert.equal(mismatchOf(claimed, 'users', { ...instance, ...change }, now), 'altered')
  })

  it('is broken by a change of any part', () => {
    const [header = '', payload = '', signature = ''] = text.split('.')
    const other = Buffer.from(JSON.stringify({ sub: 'users', ...instance, ports: { http: 1 }, iat: now }))
    for (const changed of [
      `${header}.${other.toString('base64url')}.${signature}`,
      `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
      `${header}.${payload}.`,
    ])
      assert.equal(isSignedBy(read(changed), users.open), false, changed)
  })

  it('holds for a day before and after its moment: a clock that is hours off makes no service vanish', () => {
    const claimed = read(text)
    const day = registrationLimits.ageSecondsMax
    for (const apart of [3_600, -3_600, 14 * 3_600, day, -day])
      assert.equal(mismatchOf(claimed, 'users', instance, now + apart), undefined)
    for (const apart of [day + 1, -day - 1])
      assert.equal(mismatchOf(claimed, 'users', instance, now + apart), 'out-of-date')
  })

  it('is not an access token, and an access token is not one', async () => {
    const header = JSON.parse(Buffer.from(text.split('.')[0] ?? '', 'base64url').toString())
    assert.equal(header.typ, 'registration+jwt')
    const token = await new SignJWT({ ...registration, sub: 'users' })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'users-1' })
      .setIssuedAt(now)
      .sign(users.own.key)
    assert.equal(readRegistration(token), undefined)
  })

  it('is read from nothing else: no other algorithm, kind or length', () => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const header = { alg: 'EdDSA', typ: 'registration+jwt', kid: 'users-1' }
    const payload = { sub: 'users', ...instance, iat: now }
    assert.ok(readRegistration(`${part(header)}.${part(payload)}.AA`))
    for (const [changedHeader, changedPayload] of [
      [{ ...header, alg: 'none' }, payload],
      [{ ...header, alg: 'HS256' }, payload],
      [{ ...header, kid: 7 }, payload],
      [header, { ...payload, iat: 'now' }],
      [header, { ...payload, iat: Number.NaN }],
      [header, { ...payload, ports: null }],
      [header, { ...payload, id: undefined }],
      [null, payload],
      [header, []],
    ])
      assert.equal(readRegistration(`${part(changedHeader)}.${part(changedPayload)}.AA`), undefined)
    for (const nonsense of [
      '',
      '.',
      '..',
      'a.b.c',
      'a.b.c.d',
      `${text}x`.padEnd(registrationLimits.textCharsMax + 1, 'x'),
    ])
      assert.equal(readRegistration(nonsense), undefined)
  })

  it('fits where Consul keeps it, with the longest of our names, and says so when an address does not', () => {
    const longest = {
      service: 'notifications',
      id: 'notifications-100',
      host: 'notifications-100.svyaz.internal',
      ports: { http: 65_535, grpc: 65_535, management: 65_535 },
      issuedAt: 9_999_999_999,
    }
    const { own } = keysOf('notifications-0123456789abcdef')
    assert.ok(signRegistration(own, longest).length <= registrationLimits.textCharsMax)
    assert.throws(() => signRegistration(own, { ...longest, host: 'h'.repeat(253) }), /shorten the advertised host/)
  })
})

describe('signing afresh', () => {
  const hour = registrationLimits.renewAfterMs
  const signedAt = { wallMs: now * 1000, monotonicMs: 5_000 }
  const due = (wall: number, monotonic: number) =>
    isRenewalDue(signedAt, { wallMs: signedAt.wallMs + wall, monotonicMs: signedAt.monotonicMs + monotonic })

  it('is due an hour later by either clock, and when the wall clock was set back', () => {
    assert.equal(due(1_000, 1_000), false)
    assert.equal(due(hour - 1, hour - 1), false)
    assert.equal(due(hour, 1_000), true)
    assert.equal(due(1_000, hour), true)
    assert.equal(due(-1, 1_000), true)
  })

  it('comes long before a caller could refuse what was signed', () => {
    assert.ok(registrationLimits.renewAfterMs * 10 < registrationLimits.ageSecondsMax * 1000)
  })
})
