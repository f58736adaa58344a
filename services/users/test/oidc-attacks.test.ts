/** What must not work, tried with the clients that the certification suites use (openid-client, oauth4webapi). */
import assert from 'node:assert/strict'
import { createHmac, createPublicKey, type JsonWebKey } from 'node:crypto'
import { after, before, test } from 'node:test'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { introspect } from '../src/tokens.ts'
import { back, redeem, startOpenId, type TestOpenId, throughGateway } from './oidc-fixture.ts'

let openId: TestOpenId
before(async () => {
  openId = await startOpenId()
})
after(() => openId[Symbol.asyncDispose]())

const newcomer = async () => {
  const user = await openId.users.newUser()
  const { id, secret } = await openId.newClient()
  return { user, id, secret, configuration: await openId.configure(id, secret) }
}
const errorOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
  } catch (thrown) {
    return (thrown as { error?: string; code?: string }).error ?? (thrown as { code?: string }).code ?? String(thrown)
  }
  return 'none'
}
const sessionsOf = async (userId: string): Promise<number> => {
  const rows = await openId.context.database.query
    .selectFrom('token_families')
    .select('id')
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .execute()
  return rows.length
}

test('a code is worth nothing with another verifier, redirect or client, or when it was used', async () => {
  const { user, configuration } = await newcomer()
  const verifier = client.randomPKCECodeVerifier()
  assert.equal(
    await errorOf(redeem({ ...(await openId.signIn(configuration, user.email)), verifier })),
    'invalid_grant',
  )

  const moved = await openId.signIn(configuration, user.email)
  const elsewhere = new URL(moved.callback.href.replace('/back', '/elsewhere'))
  assert.equal(await errorOf(redeem({ ...moved, callback: elsewhere })), 'invalid_grant')

  const stolen = await openId.signIn(configuration, user.email)
  const thief = await newcomer()
  assert.equal(await errorOf(redeem({ ...stolen, configuration: thief.configuration })), 'invalid_grant')

  const replayed = await openId.signIn(configuration, user.email)
  const { access_token: token } = await redeem(replayed)
  assert.equal(await errorOf(redeem(replayed)), 'invalid_grant')
  assert.deepEqual(await introspect(openId.context, token), { active: false })
})

test('nobody is sent to an address that isn’t registered letter by letter, and no code is made for one', async () => {
  const { user, configuration } = await newcomer()
  for (const redirectUri of [
    `${back}/`,
    `${back}?x=1`,
    'http://127.0.0.1:8999/Back',
    'http://127.0.0.1:8998/back',
    'http://127.0.0.1.example.com:8999/back',
    'http://127.0.0.1:8999/back/../evil',
    'http://user@127.0.0.1:8999/back',
    'https://127.0.0.1:8999/back',
    'javascript:alert(1)',
  ]) {
    const { callback } = await openId.signIn(configuration, user.email, { redirectUri })
    assert.ok(callback.href.startsWith(`${openId.issuer}/auth?`), callback.href)
  }
})

test('without PKCE, or with a plain challenge, there is no code; neither are there other response types', async () => {
  const { user, configuration } = await newcomer()
  const refused = async (parameters: Record<string, string>) => {
    const { callback } = await openId.signIn(configuration, user.email, { parameters })
    return callback.searchParams.get('error') ?? new URLSearchParams(callback.hash.slice(1)).get('error')
  }
  assert.equal(await refused({ code_challenge_method: 'plain' }), 'invalid_request')
  assert.equal(await refused({ code_challenge: '' }), 'invalid_request')
  assert.equal(await refused({ response_type: 'token' }), 'unsupported_response_type')
  assert.equal(await refused({ response_type: 'code id_token' }), 'unsupported_response_type')
})

test('a client notices an answer of another issuer, another state, or none', async () => {
  const { user, id } = await newcomer()
  const flow = await openId.signIn(await openId.configure(id), user.email)
  const discovered = await oauth.discoveryRequest(new URL(openId.issuer), { [oauth.allowInsecureRequests]: true })
  const server = await oauth.processDiscoveryResponse(new URL(openId.issuer), discovered)
  const mixedUp = new URL(flow.callback)
  mixedUp.searchParams.set('iss', 'http://127.0.0.1:1/oidc')
  const nameless = new URL(flow.callback)
  nameless.searchParams.delete('iss')
  for (const answer of [mixedUp, nameless])
    assert.throws(() => oauth.validateAuthResponse(server, { client_id: id }, answer, flow.state), /iss/)
  assert.throws(() => oauth.validateAuthResponse(server, { client_id: id }, flow.callback, 'another'), /state/)
  assert.ok(oauth.validateAuthResponse(server, { client_id: id }, flow.callback, flow.state).get('code'))
})

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** ID tokens as somebody without the key would make them; each is good but for one thing. */
const forgeries = async (good: string) => {
  const [head = '', body = '', signature = ''] = good.split('.')
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string }
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>
  const { keys } = (await (await fetch(`${openId.issuer}/jwks`)).json()) as { keys: JsonWebKey[] }
  const publicKey = createPublicKey({ key: keys[0]!, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
  const withHmac = (alg: string, key: string | Buffer) => {
    const text = `${part({ ...header, alg })}.${body}`
    return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
  }
  return {
    'alg none': `${part({ ...header, alg: 'none' })}.${body}.`,
    'alg None': `${part({ ...header, alg: 'None' })}.${body}.`,
    'HS256 with the public key': withHmac('HS256', publicKey),
    'kid with a path': `${part({ ...header, kid: '../../../../dev/null' })}.${body}.${signature}`,
    'kid with SQL': `${part({ ...header, kid: "' OR 1=1 --" })}.${body}.${signature}`,
    'a key of its own': `${part({ ...header, jwk: keys[0], jku: 'http://127.0.0.1:1/jwks' })}.${body}.${signature}`,
    'wrong audience': `${head}.${part({ ...claims, aud: 'another' })}.${signature}`,
    'another user': `${head}.${part({ ...claims, sub: '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4e' })}.${signature}`,
    'another time': `${head}.${part({ ...claims, exp: Number(claims.exp) + 1 })}.${signature}`,
    'no signature': `${head}.${body}.`,
  }
}

test('an ID token that the provider did not sign signs nobody out, and opens nothing', async () => {
  const { user, configuration } = await newcomer()
  const flow = await openId.signIn(configuration, user.email)
  const tokens = await redeem(flow)
  const before = await sessionsOf(user.id)
  for (const [name, forged] of Object.entries(await forgeries(tokens.id_token!))) {
    const url = client.buildEndSessionUrl(configuration, { id_token_hint: forged, post_logout_redirect_uri: back })
    const page = await flow.browser.ask(url)
    assert.equal(page.status, 400, name)
    assert.deepEqual(await introspect(openId.context, forged), { active: false }, name)
  }
  assert.equal(await sessionsOf(user.id), before)
  assert.deepEqual(
    await introspect(openId.context, tokens.id_token!),
    { active: false },
    'an ID token does not work as an access token',
  )
})

test('a client takes none of them, nor one that ended a second ago', async () => {
  const { user, id, secret, configuration } = await newcomer()
  const flow = await openId.signIn(configuration, user.email)
  const [discovered, code] = [await oauth.discoveryRequest(new URL(openId.issuer), insecure), flow.callback]
  const server = await oauth.processDiscoveryResponse(new URL(openId.issuer), discovered)
  const me: oauth.Client = { client_id: id, id_token_signed_response_alg: 'RS256' }
  const parameters = oauth.validateAuthResponse(server, me, code, flow.state)
  const answer = await oauth.authorizationCodeGrantRequest(
    server,
    me,
    oauth.ClientSecretPost(secret),
    parameters,
    back,
    flow.verifier,
    insecure,
  )
  const tokens = (await answer.json()) as { id_token: string }
  const taken = async (idToken: string, who: oauth.Client = me) => {
    const response = Response.json({ ...tokens, id_token: idToken })
    await oauth.processAuthorizationCodeResponse(server, who, response, { expectedNonce: flow.nonce })
    await oauth.validateApplicationLevelSignature(server, response, insecure)
  }
  await taken(tokens.id_token)
  for (const [name, forged] of Object.entries(await forgeries(tokens.id_token)))
    await assert.rejects(taken(forged), /./, name)
  const { exp = 0, iat = 0 } = JSON.parse(Buffer.from(tokens.id_token.split('.')[1]!, 'base64url').toString()) as {
    exp?: number
    iat?: number
  }
  const lateBy = (seconds: number) => ({
    ...me,
    [oauth.clockTolerance]: 0,
    [oauth.clockSkew]: exp - Math.floor(Date.now() / 1_000) + seconds,
  })
  await taken(tokens.id_token, lateBy(-5))
  await assert.rejects(taken(tokens.id_token, lateBy(1)), /exp/)
  assert.equal(exp - iat, 3_600)
})

const insecure = { [oauth.allowInsecureRequests]: true, [oauth.customFetch]: throughGateway as never }

test('a wrong secret, none, another way to bring it, or two at once: no client is taken for another', async () => {
  const { id, secret } = await openId.newClient({ ownAccount: true })
  const ask = (fields: Record<string, string>, basic?: string) =>
    throughGateway(`${openId.issuer}/token`, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(basic === undefined ? {} : { authorization: `Basic ${Buffer.from(basic).toString('base64')}` }),
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...fields }) as never,
    } as never).then(({ status }) => status)
  assert.equal(await ask({}, `${id}:${secret}`), 200)
  assert.equal(await ask({ client_id: id, client_secret: secret }), 200)
  const stored = await openId.context.database.query
    .selectFrom('oidc_clients')
    .select('secret_hash')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  const wrong = ['', 'wrong', `${secret}x`, secret.toLowerCase(), stored.secret_hash!.toString('hex')]
  for (const other of wrong) assert.ok([400, 401].includes(await ask({ client_id: id, client_secret: other })), other)
  assert.equal(await ask({ client_id: id }), 401)
  assert.equal(await ask({ client_id: id, client_secret: secret }, `${id}:${secret}`), 400)
  assert.equal(await ask({ client_id: 'console' }), 400)
  assert.equal(await ask({ client_id: 'nobody', client_secret: secret }), 401)
})

test('what begins a sign-in in one browser is of no use in another', async () => {
  const { user, configuration } = await newcomer()
  const { Browser } = await import('../../../lab/observe/browser.ts')
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: back,
    scope: 'openid',
    code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
    code_challenge_method: 'S256',
  })
  const [own, others] = [new Browser(), new Browser()]
  const page = await own.follow(await own.ask(url), back)
  const { password } = await import('./users-fixture.ts')
  for (const answer of [
    await others.ask(page.url),
    await others.ask(page.url, { email: user.email, password, action: 'sign-in' }),
  ]) {
    assert.equal(answer.status, 400)
    assert.doesNotMatch(answer.text, /name="password"/)
  }
  await others.follow(await others.ask(url), back)
  assert.equal((await others.ask(page.url)).status, 400, 'with a sign-in of its own')
})

test('a form that is too large, doubled, or none is refused before it is looked at', async () => {
  const post = async (body: string, type = 'application/x-www-form-urlencoded') =>
    (await fetch(`${openId.issuer}/token`, { method: 'POST', body, headers: { 'content-type': type } })).status
  assert.equal(await post(`grant_type=client_credentials&x=${'a'.repeat(20_000)}`), 413)
  for (const bytes of [600_000, 6_000_000])
    assert.equal(await post(`grant_type=client_credentials&x=${'a'.repeat(bytes)}`), 413, `${bytes} bytes`)
  assert.equal(await post('grant_type=client_credentials&grant_type=refresh_token'), 400)
  assert.equal(await post('{}', 'application/json'), 415)
  assert.equal(await post(''), 400)
})
