/** OpenID Connect as a certified client (openid-client) sees it, on a real database. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import * as client from 'openid-client'
import { Browser } from '../../../lab/observe/browser.ts'
import { setStatus } from '../src/accounts.ts'
import { changePassword } from '../src/login.ts'
import { introspect } from '../src/tokens.ts'
import { back, redeem, startOpenId, type TestOpenId } from './oidc-fixture.ts'
import { never, password } from './users-fixture.ts'

let openId: TestOpenId
before(async () => {
  openId = await startOpenId()
})
after(() => openId[Symbol.asyncDispose]())

const answered = (error: string) => (thrown: unknown) =>
  (thrown as { error?: string }).error === error ||
  assert.fail(JSON.stringify((thrown as Error).cause ?? String(thrown)))
const isActive = async (token: string) => (await introspect(openId.context, token)).active
const signedOut = (userId: string) =>
  openId.users.said.filter(({ key, type }) => key === userId && type === 'user.signed-out').map(({ data }) => data)

const newcomer = async (options: { confidential?: boolean } = {}) => {
  const user = await openId.users.newUser()
  const { id, secret } = await openId.newClient(options)
  return { user, configuration: await openId.configure(id, options.confidential === false ? undefined : secret) }
}

test('a user signs in by code and PKCE, agrees, and the client gets what it asked for', async () => {
  const { user, configuration } = await newcomer()
  const flow = await openId.signIn(configuration, user.email)
  assert.equal(flow.callback.searchParams.get('iss'), openId.issuer)
  const tokens = await redeem(flow)
  assert.equal(tokens.claims()?.sub, user.id)
  const answer = await introspect(openId.context, tokens.access_token)
  assert.deepEqual(
    { active: answer.active, userId: answer.userId, roles: answer.roles, left: answer.expires_in },
    { active: true, userId: user.id, roles: ['user'], left: 3_600 },
  )
  const claims = await client.fetchUserInfo(configuration, tokens.access_token, user.id)
  assert.deepEqual([claims.email, claims.name, claims.roles], [user.email, 'Ada', ['user']])
  const { sid } = answer
  await client.tokenRevocation(configuration, tokens.access_token)
  assert.equal(await isActive(tokens.access_token), false)
  assert.deepEqual(
    signedOut(user.id).map(({ sessionId, reason }) => [sessionId, reason]),
    [[sid, 'revoked']],
  )
  await assert.rejects(client.refreshTokenGrant(configuration, tokens.refresh_token!), answered('invalid_grant'))
})

test('who is signed in is asked for neither password nor consent again, until a session ends', async () => {
  const { user, configuration } = await newcomer()
  const { browser } = await openId.signIn(configuration, user.email)
  const again = await openId.signIn(configuration, 'nobody@example.com', { browser, parameters: { prompt: 'none' } })
  assert.equal((await redeem(again)).claims()?.sub, user.id)
  await changePassword(
    openId.context,
    { userId: user.id, currentPassword: password, newPassword: 'battery staple', address: '192.0.2.1' },
    never,
  )
  const refused = await openId.signIn(configuration, user.email, { browser, parameters: { prompt: 'none' } })
  assert.equal(refused.callback.searchParams.get('error'), 'login_required')
})

test('a refresh gives new tokens; the same token again at once, or many at once, give the same answer', async () => {
  const { user, configuration } = await newcomer({ confidential: false })
  const { refresh_token: first } = await redeem(await openId.signIn(configuration, user.email))
  const answers = await Promise.all(Array.from({ length: 8 }, () => client.refreshTokenGrant(configuration, first!)))
  const [one] = answers
  assert.equal(new Set(answers.map(({ refresh_token }) => refresh_token)).size, 1)
  assert.equal(new Set(answers.map(({ access_token }) => access_token)).size, 1)
  assert.notEqual(one?.refresh_token, first)
  await openId.users.pass(9_000)
  assert.equal((await client.refreshTokenGrant(configuration, first!)).access_token, one?.access_token)
  assert.equal(await isActive(one!.access_token), true)
  assert.deepEqual(signedOut(user.id), [])
})

test('a refresh token that comes again after the grace, or after its successor was used, ends the session', async () => {
  for (const late of [true, false]) {
    const { user, configuration } = await newcomer()
    const { refresh_token: first } = await redeem(await openId.signIn(configuration, user.email))
    const second = await client.refreshTokenGrant(configuration, first!)
    const last = late ? second : await client.refreshTokenGrant(configuration, second.refresh_token!)
    if (late) await openId.users.pass(11_000)
    await assert.rejects(client.refreshTokenGrant(configuration, first!), answered('invalid_grant'))
    assert.equal(await isActive(last.access_token), false)
    await assert.rejects(client.refreshTokenGrant(configuration, last.refresh_token!), answered('invalid_grant'))
    assert.deepEqual(
      signedOut(user.id).map(({ reason }) => reason),
      ['token-reused'],
    )
  }
})

test('a code that comes twice ends the session that it began, also when both come at once', async () => {
  const { user, configuration } = await newcomer()
  const flow = await openId.signIn(configuration, user.email)
  const outcomes = await Promise.allSettled([redeem(flow), redeem(flow), redeem(flow)])
  const good = outcomes.filter((outcome) => outcome.status === 'fulfilled')
  assert.equal(good.length, 1)
  assert.equal(await isActive(good[0]!.value.access_token), false)
  assert.deepEqual(
    signedOut(user.id).map(({ reason }) => reason),
    ['token-reused'],
  )
})

/** The database calls the next `times` of these writes deadlocked. A sequence counts them: it is not taken back. */
const deadlock = async (write: string, times: number) => {
  const { query } = openId.context.database
  await sql`DROP SEQUENCE IF EXISTS writes CASCADE`.execute(query)
  await sql`CREATE SEQUENCE writes`.execute(query)
  await sql`CREATE OR REPLACE FUNCTION deadlock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('writes') <= ${sql.lit(times)} THEN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF;
    RETURN NEW; END $$`.execute(query)
  await sql`CREATE OR REPLACE TRIGGER deadlock BEFORE ${sql.raw(write)} EXECUTE FUNCTION deadlock()`.execute(query)
  return {
    async [Symbol.asyncDispose]() {
      await sql`DROP TRIGGER deadlock ON oidc_records`.execute(query)
    },
  }
}
const inTheProvider = `INSERT ON oidc_records FOR EACH ROW WHEN (NEW.kind = 'AccessToken')`
const afterIt = 'UPDATE OF successor ON oidc_records FOR EACH ROW'

for (const [where, write] of Object.entries({ 'in the provider': inTheProvider, 'after it': afterIt }))
  test(`a token request that meets a deadlock ${where} is done again, and nobody notices`, async () => {
    const { user, configuration } = await newcomer()
    const tokens = await redeem(await openId.signIn(configuration, user.email))
    await using _deadlock = await deadlock(write, 2)
    const renewed = await client.refreshTokenGrant(configuration, tokens.refresh_token!)
    assert.equal(await isActive(renewed.access_token), true)
    const next = await client.refreshTokenGrant(configuration, renewed.refresh_token!)
    assert.equal(await isActive(next.access_token), true, 'each refresh token was used once')
    assert.deepEqual(signedOut(user.id), [])
  })

test('a token request that meets nothing but deadlocks is to be tried later, and has used nothing up', async () => {
  const { user, configuration } = await newcomer()
  const tokens = await redeem(await openId.signIn(configuration, user.email))
  {
    await using _deadlock = await deadlock(inTheProvider, 4)
    await assert.rejects(client.refreshTokenGrant(configuration, tokens.refresh_token!), ({ cause }) => {
      assert.deepEqual([cause.status, cause.headers.get('retry-after')], [503, '1'])
      return true
    })
  }
  const renewed = await client.refreshTokenGrant(configuration, tokens.refresh_token!)
  assert.equal(await isActive(renewed.access_token), true)
})

test('a blocked user has no sessions and gets none; a block ends what a refresh could begin again', async () => {
  const { user, configuration } = await newcomer()
  const flow = await openId.signIn(configuration, user.email)
  const tokens = await redeem(flow)
  await setStatus(openId.context, user.id, 'blocked')
  assert.equal(await isActive(tokens.access_token), false)
  await assert.rejects(client.refreshTokenGrant(configuration, tokens.refresh_token!), answered('invalid_grant'))
  const page = await flow.browser.follow(
    await flow.browser.ask(
      client.buildAuthorizationUrl(configuration, {
        redirect_uri: back,
        scope: 'openid',
        code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
        code_challenge_method: 'S256',
      }),
    ),
    back,
  )
  const answer = await flow.browser.submit(page, { email: user.email, password, action: 'sign-in' })
  assert.equal(answer.status, 403)
  assert.match(answer.text, /This user is blocked/)
})

test('tokens of an OpenID session end with it, however late they were refreshed', async () => {
  const { user, configuration } = await newcomer()
  let tokens: client.TokenEndpointResponse = await redeem(await openId.signIn(configuration, user.email))
  await openId.users.pass(29 * 86_400_000)
  tokens = await client.refreshTokenGrant(configuration, tokens.refresh_token!)
  assert.equal(await isActive(tokens.access_token), true)
  await openId.users.pass(86_400_000)
  assert.equal(await isActive(tokens.access_token), false)
  await assert.rejects(client.refreshTokenGrant(configuration, tokens.refresh_token!), answered('invalid_grant'))
})

test('signing out ends the browser’s sign-in and the sessions that came of it', async () => {
  const { user, configuration } = await newcomer()
  const flow = await openId.signIn(configuration, user.email)
  const tokens = await redeem(flow)
  const url = client.buildEndSessionUrl(configuration, {
    post_logout_redirect_uri: back,
    id_token_hint: tokens.id_token!,
    state: 'where I was',
  })
  const asked = await flow.browser.ask(url)
  assert.match(asked.text, /Sign out\?/)
  const done = await flow.browser.follow(await flow.browser.submit(asked, { logout: 'yes' }), back)
  assert.equal(done.url.searchParams.get('state'), 'where I was')
  assert.equal(await isActive(tokens.access_token), false)
  const refused = await openId.signIn(configuration, user.email, {
    browser: flow.browser,
    parameters: { prompt: 'none' },
  })
  assert.equal(refused.callback.searchParams.get('error'), 'login_required')
})

test('a client’s own tokens speak for its own user, until it is removed', async () => {
  const { removeClient } = await import('../src/oidc/clients.ts')
  const { id, secret } = await openId.newClient({ ownAccount: true })
  const configuration = await openId.configure(id, secret)
  const { access_token: token } = await client.clientCredentialsGrant(configuration)
  const answer = await introspect(openId.context, token)
  assert.deepEqual([answer.active, answer.client_id, answer.roles], [true, id, ['user']])
  const other = await openId.newClient()
  await assert.rejects(
    client.clientCredentialsGrant(await openId.configure(other.id, other.secret)),
    answered('invalid_request'),
  )
  await removeClient(openId.context, id)
  assert.equal(await isActive(token), false)
  await assert.rejects(client.clientCredentialsGrant(configuration), answered('invalid_client'))
})

test('a client learns of its own tokens alone', async () => {
  const { user, configuration } = await newcomer()
  const stranger = await newcomer()
  const tokens = await redeem(await openId.signIn(configuration, user.email))
  assert.equal((await client.tokenIntrospection(configuration, tokens.access_token)).active, true)
  for (const token of [tokens.access_token, tokens.refresh_token!])
    assert.equal((await client.tokenIntrospection(stranger.configuration, token)).active, false)
  await client.tokenRevocation(stranger.configuration, tokens.access_token).catch(() => undefined)
  assert.equal(await isActive(tokens.access_token), true)
})

test('the pages speak the browser’s language, hold no script, and say to programs where a form may lead', async () => {
  const { configuration } = await newcomer()
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: back,
    scope: 'openid',
    code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
    code_challenge_method: 'S256',
  })
  for (const [language, title, wrong] of [
    ['ru-RU,ru;q=0.9,en;q=0.8', 'Вход', 'Неверный адрес или пароль'],
    ['de,en', 'Sign in', 'The e-mail or the password is wrong'],
  ] as const) {
    const browser = new Browser(language)
    const page = await browser.follow(await browser.ask(url), back)
    assert.match(page.text, new RegExp(`<h1>${title}</h1>`))
    assert.match(page.text, /A program &#60;of&#62; somebody/)
    assert.doesNotMatch(page.text, /<script|https?:\/\//)
    const answer = await browser.submit(page, { email: 'nobody@example.com', password: 'wrong', action: 'sign-in' })
    assert.equal(answer.status, 401)
    assert.match(answer.text, new RegExp(wrong))
    for (const { headers } of [page, answer]) {
      const policy = headers.get('content-security-policy') ?? ''
      assert.match(policy, /default-src 'none'/)
      assert.match(policy, /form-action 'self' http:\/\/127\.0\.0\.1:8999;/)
    }
    const said = await browser.follow(await browser.submit(page, { action: 'cancel' }), back)
    assert.equal(said.url.searchParams.get('error'), 'access_denied')
  }
})

test('a copy of the tables opens nothing: no token, code or private key is in them as it is', async () => {
  const { user, configuration } = await newcomer()
  const flow = await openId.signIn(configuration, user.email)
  const tokens = await redeem(flow)
  await client.refreshTokenGrant(configuration, tokens.refresh_token!)
  const { query } = openId.context.database
  const everything = JSON.stringify([
    await query.selectFrom('oidc_records').selectAll().execute(),
    await query.selectFrom('oidc_keys').selectAll().execute(),
    await query.selectFrom('oidc_clients').selectAll().execute(),
  ])
  const secrets = [tokens.access_token, tokens.refresh_token!, flow.callback.searchParams.get('code')!, '"kty"']
  for (const secret of secrets) assert.ok(!everything.includes(secret), secret)
})
