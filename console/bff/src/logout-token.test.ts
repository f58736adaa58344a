import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { test } from 'node:test'
import { BadLogoutToken, keyIdOf, readLogoutToken } from './logout-token.ts'

const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
const ours = pair()
const key = ours.publicKey.export({ format: 'jwk' })
const nowSeconds = 1_700_000_000
const expected = { issuer: 'https://id.example', clientId: 'console', nowSeconds }
const good = {
  iss: 'https://id.example',
  aud: 'console',
  iat: nowSeconds - 1,
  exp: nowSeconds + 120,
  jti: 'one',
  sub: 'ada',
  sid: 'browser',
  events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const token = (
  claims: object,
  header: object = { alg: 'RS256', typ: 'logout+jwt', kid: 'a' },
  by: KeyObject = ours.privateKey,
) => {
  const signed = `${encoded(header)}.${encoded(claims)}`
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), by).toString('base64url')}`
}
const read = (text: string) => {
  keyIdOf(text)
  return readLogoutToken(text, key, expected)
}

test('says whom a provider has signed out, by session, by user, or both', () => {
  assert.deepEqual(read(token(good)), { subject: 'ada', sid: 'browser', id: 'one' })
  assert.deepEqual(read(token({ ...good, sid: undefined, aud: ['x', 'console'] })).sid, undefined)
  assert.deepEqual(read(token({ ...good, sub: undefined, exp: undefined })).subject, undefined)
  assert.equal(keyIdOf(token(good)), 'a')
  assert.equal(keyIdOf(token(good, { alg: 'RS256' })), undefined, 'without a name and a type of its own')
})

const { jti: _jti, ...nameless } = good
const wrong: Readonly<Record<string, string>> = {
  'another key': token(good, undefined, pair().privateKey),
  'no signature': `${token(good, { alg: 'none' }).split('.').slice(0, 2).join('.')}.`,
  'alg none': token(good, { alg: 'none' }),
  HS256: token(good, { alg: 'HS256' }),
  'an access token': token(good, { alg: 'RS256', typ: 'at+jwt' }),
  'changed claims': token(good).replace(/\.[^.]+\./, `.${encoded({ ...good, sub: 'eve' })}.`),
  'another provider': token({ ...good, iss: 'https://evil.example' }),
  'another client': token({ ...good, aud: ['shop'] }),
  'of yesterday': token({ ...good, iat: nowSeconds - 86_400, exp: nowSeconds + 120 }),
  'of tomorrow': token({ ...good, iat: nowSeconds + 86_400 }),
  over: token({ ...good, exp: nowSeconds - 61 }),
  'without an id': token(nameless),
  'an ID token, which has a nonce': token({ ...good, nonce: 'n' }),
  'without the event': token({ ...good, events: {} }),
  'with the event as a word': token({ ...good, events: 'http://schemas.openid.net/event/backchannel-logout' }),
  'of nobody': token({ ...good, sub: undefined, sid: undefined }),
  'of an empty name': token({ ...good, sub: '', sid: undefined }),
  nonsense: 'a.b.c',
  nothing: '',
}
for (const [what, text] of Object.entries(wrong))
  test(`takes nothing else for it: ${what}`, () => {
    assert.throws(() => read(text), BadLogoutToken)
  })
