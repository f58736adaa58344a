/** Signing in to the console at the real provider, and answers that it must not believe. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { consoleClient } from '@svyaz/contracts/http/oidc.ts'
import { Browser } from '@svyaz/observe/browser.ts'
import { until } from '@svyaz/observe/until.ts'
import { BackChannel } from '../../console/bff/src/back-channel.ts'
import { backChannelRoutes } from '../../console/bff/src/back-channel-routes.ts'
import { isSignInRequired, Operators } from '../../console/bff/src/operators.ts'
import type { Parts } from '../../console/bff/src/route.ts'
import { createSessions } from '../../console/bff/src/sessions.ts'
import { isOwnPath, SignIn } from '../../console/bff/src/sign-in.ts'
import { setRoles, setStatus } from '../../services/users/src/accounts.ts'
import { changePassword } from '../../services/users/src/login.ts'
import { userById } from '../../services/users/src/storage.ts'
import { introspect } from '../../services/users/src/tokens.ts'
import { startOpenId, type TestOpenId } from '../../services/users/test/oidc-fixture.ts'
import { never, password } from '../../services/users/test/users-fixture.ts'

const publicUrl = 'http://127.0.0.1:8090'
let openId: TestOpenId
/** What the gateway answers to `GET /users/me`. */
let gateway: AsyncDisposable & { url: string }
before(async () => {
  openId = await startOpenId()
  gateway = await startGateway()
})
after(async () => {
  await gateway[Symbol.asyncDispose]()
  await openId[Symbol.asyncDispose]()
})

const startGateway = async () => {
  const server = createServer(async (request, response) => {
    const token = request.headers.authorization?.replace('Bearer ', '') ?? ''
    const { userId } = await introspect(openId.context, token)
    const user = userId === undefined ? undefined : await userById(openId.context.database, userId)
    response.writeHead(user === undefined ? 401 : 200).end(JSON.stringify(user ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

const newSignIn = (now?: () => number) =>
  new SignIn({ gateway: gateway.url, publicUrl: () => publicUrl, secure: false, issuer: openId.issuer }, now)
const cookieIn = (line: string) => line.split(';')[0]

/** The browser at the provider, until it is sent back with a code. */
const comeBack = async (location: string, email: string, browser = new Browser()) => {
  const page = await browser.follow(await browser.ask(location), publicUrl)
  const back = await browser.follow(await browser.submit(page, { email, password, action: 'sign-in' }), publicUrl)
  return back.url.searchParams
}

test('who signs in is known by name and role; a taken role, a block and a logout hold at the next action', async () => {
  const user = await openId.users.newUser()
  const admin = '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4e'
  await setRoles(openId.context, user.id, ['user', 'admin'], admin)
  const signIn = newSignIn()
  const operators = new Operators(signIn, { required: true })
  const session = createSessions(() => 0).open('here')
  const refused = (code: string) => (error: unknown) => (error as { code?: string }).code === code
  await assert.rejects(operators.admit(session), refused('sign_in_needed'))

  const { location, cookie } = await signIn.begin('/orders/1', 'ru')
  assert.match(cookie, /; Path=\/api\/signed-in; Max-Age=600; HttpOnly; SameSite=Lax$/)
  assert.match(location, /code_challenge_method=S256.*ui_locales=ru/)
  const { tokens, to } = await signIn.finish(await comeBack(location, user.email), cookieIn(cookie))
  assert.equal(to, '/orders/1')
  assert.equal((await operators.enter(session, tokens)).email, user.email)
  assert.equal(await operators.admit(session), user.id)

  await setRoles(openId.context, user.id, ['user'], admin)
  await assert.rejects(operators.admit(session), refused('role_needed'))
  await setRoles(openId.context, user.id, ['admin'], admin)
  assert.equal(await operators.admit(session), user.id)

  await openId.users.pass(3_600_000)
  const both = await Promise.all([operators.admit(session), operators.admit(session)])
  assert.deepEqual(both, [user.id, user.id], 'tokens that ended were refreshed, once')
  await setStatus(openId.context, user.id, 'blocked')
  await assert.rejects(operators.admit(session), refused('sign_in_needed'))
  assert.equal(operators.known(session), undefined)
})

test('signing out ends the session at the provider, and says where the browser does the same', async () => {
  const user = await openId.users.newUser()
  const signIn = newSignIn()
  const operators = new Operators(signIn, { required: false })
  const session = createSessions(() => 0).open('here')
  const { location, cookie } = await signIn.begin('/', undefined)
  const { tokens } = await signIn.finish(await comeBack(location, user.email), cookieIn(cookie))
  await operators.enter(session, tokens)
  const there = new URL((await operators.leave(session)) ?? '')
  assert.equal(there.searchParams.get('post_logout_redirect_uri'), `${publicUrl}/`)
  assert.equal((await introspect(openId.context, tokens.accessToken)).active, false)
  assert.equal(await operators.admit(session), 'whoever is at this machine')
})

/** The console's routes for a provider's word, where the provider knows it to be. */
const listenForLogouts = async (
  backChannel: BackChannel,
  operators: Operators,
  sessions: ReturnType<typeof createSessions>,
) => {
  const [route] = backChannelRoutes({ backChannel, operators, sessions, log: () => {} } as unknown as Parts)
  const answers: number[] = []
  const server = createServer(async (request, response) => {
    assert.equal(request.url, consoleClient.logoutPath)
    await route!.handle({ request, response, params: [], query: new URLSearchParams() })
    answers.push(response.statusCode)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const before = openId.context.environment.SVYAZ_CONSOLE_URL
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  Object.assign(openId.context.environment, { SVYAZ_CONSOLE_URL: url })
  return {
    url,
    answers,
    async [Symbol.asyncDispose]() {
      Object.assign(openId.context.environment, { SVYAZ_CONSOLE_URL: before })
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('whoever signs out elsewhere is signed out here: of that browser, or everywhere', async () => {
  const sessions = createSessions(() => 0)
  // Its address is known when it listens, and the sign-in needs it.
  let publicUrlHere = ''
  const signIn = new SignIn({
    gateway: gateway.url,
    publicUrl: () => publicUrlHere,
    secure: false,
    issuer: openId.issuer,
  })
  const operators = new Operators(signIn, { required: true })
  await using place = await listenForLogouts(new BackChannel(signIn), operators, sessions)
  publicUrlHere = place.url
  const enter = async (email: string) => {
    const browser = new Browser()
    const { location, cookie } = await signIn.begin('/', undefined)
    const page = await browser.follow(await browser.ask(location), place.url)
    const back = await browser.follow(await browser.submit(page, { email, password, action: 'sign-in' }), place.url)
    const { tokens } = await signIn.finish(back.url.searchParams, cookieIn(cookie))
    const session = sessions.open(email)
    await operators.enter(session, tokens)
    return { browser, session, tokens }
  }
  const [one, other] = [await openId.users.newUser(), await openId.users.newUser()]
  const [first, second, stranger] = [await enter(one.email), await enter(one.email), await enter(other.email)]
  const known = () => [first, second, stranger].map(({ session }) => operators.known(session)?.email)

  const leave = new URL(`${openId.issuer}/session/end`)
  leave.searchParams.set('id_token_hint', first.tokens.idToken ?? '')
  const sure = await first.browser.ask(leave)
  await first.browser.submit(sure, { logout: 'yes' })
  assert.deepEqual(known(), [undefined, one.email, other.email], 'the browser that signed out')

  const change = { userId: one.id, currentPassword: password, newPassword: 'another rather long one', address: '' }
  await changePassword(openId.context, change, never)
  await until('the console to be told', () => known()[1] === undefined)
  assert.deepEqual([known()[2], place.answers], [other.email, [200, 200]])
})

test('an answer of another browser, state or issuer, a second time or too late, signs nobody in', async () => {
  const user = await openId.users.newUser()
  let now = 0
  const signIn = newSignIn(() => now)
  const failing = async (change: (query: URLSearchParams) => void, wrongCookie?: string) => {
    const { location, cookie } = await signIn.begin('/', undefined)
    const query = await comeBack(location, user.email)
    change(query)
    const code = await signIn.finish(query, wrongCookie ?? cookieIn(cookie)).then(
      () => 'signed in',
      (error: { code?: string }) => error.code,
    )
    return { code, query, cookie }
  }
  assert.equal((await failing(() => undefined, 'svyaz_console_sign_in=another')).code, 'sign_in_over')
  assert.equal((await failing((query) => query.set('state', 'another'))).code, 'sign_in_failed')
  assert.equal((await failing((query) => query.set('iss', 'http://127.0.0.1:1/oidc'))).code, 'sign_in_failed')
  assert.equal((await failing((query) => query.delete('iss'))).code, 'sign_in_failed')
  assert.equal((await failing((query) => query.set('code', 'made-up'))).code, 'sign_in_failed')
  const good = await failing(() => undefined)
  assert.equal(good.code, 'signed in')
  await assert.rejects(signIn.finish(good.query, cookieIn(good.cookie)), /took too long/)
  assert.equal((await failing(() => (now += 600_001))).code, 'sign_in_over')
})

test('a sign-in leads back to a path of the page alone', () => {
  for (const path of ['/', '/orders/1?x=y', '/a//b']) assert.equal(isOwnPath(path), true, path)
  for (const path of ['//evil.example', '/\\evil.example', 'https://evil.example', '', 'orders', '/a b', '/a\nb', '/é'])
    assert.equal(isOwnPath(path), false, path)
})

test('beyond loopback an action needs somebody with the role, unless it is said otherwise', () => {
  assert.deepEqual(
    ['127.0.0.1', '::1', '0.0.0.0', '192.0.2.1'].map((host) => isSignInRequired('', host)),
    [false, false, true, true],
  )
  assert.equal(isSignInRequired('required', '127.0.0.1'), true)
  assert.equal(isSignInRequired('offered', '0.0.0.0'), false)
  assert.throws(() => isSignInRequired('maybe', '127.0.0.1'))
})
