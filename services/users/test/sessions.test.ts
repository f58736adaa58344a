/** How sessions end, against a real database: at their time, by their user, with their password. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setStatus } from '../src/accounts.ts'
import { changePassword } from '../src/login.ts'
import { logOut } from '../src/sessions.ts'
import { introspect, refresh } from '../src/tokens.ts'
import { never, password, refused, startUsers, type TestUsers } from './users-fixture.ts'

const day = 86_400
const sessionDays = 3
const newPassword = 'battery staple'
const address = '192.0.2.1'
let users: TestUsers
before(async () => {
  users = await startUsers({ refreshTokenSeconds: 2 * day, sessionSecondsMax: sessionDays * day })
})
after(() => users[Symbol.asyncDispose]())

const isActive = async (accessToken: string) => (await introspect(users.context, accessToken)).active
const change = (userId: string, currentPassword = password) =>
  changePassword(users.context, { userId, currentPassword, newPassword, address }, never)
const saidOf = (userId: string) =>
  users.said.filter((event) => event.key === userId && event.type === 'user.signed-out')

test('a session ends its days after the login, however often it is refreshed', async () => {
  const user = await users.newUser()
  let tokens = await users.login(user.email)
  const lifetimes: number[] = []
  for (let half = 1; half < 2 * sessionDays; half++) {
    await users.pass((day / 2) * 1_000)
    tokens = await refresh(users.context, tokens.refreshToken)
    lifetimes.push(tokens.expiresIn)
  }
  assert.ok(lifetimes.every((seconds) => seconds === 3_600))
  await users.pass((day / 2) * 1_000 - 60_000)
  tokens = await refresh(users.context, tokens.refreshToken)
  assert.equal(tokens.expiresIn, 60, 'the last tokens end with the session')
  assert.equal((await introspect(users.context, tokens.accessToken)).active, true)
  await users.pass(60_000)
  assert.equal(await isActive(tokens.accessToken), false)
  await assert.rejects(refresh(users.context, tokens.refreshToken), refused('invalid_credentials'))
  assert.ok((await users.login(user.email)).accessToken)
})

test('a shorter lifetime holds for sessions that began before it was set', async () => {
  const user = await users.newUser()
  const { accessToken, refreshToken } = await users.login(user.email)
  await users.pass(1_800_000)
  const shorter = { ...users.context.settings.current(), sessionSecondsMax: 1_800 }
  const context = { ...users.context, settings: { ...users.context.settings, current: () => shorter } }
  assert.deepEqual(await introspect(context, accessToken), { active: false })
  await assert.rejects(refresh(context, refreshToken), refused('invalid_credentials'))
})

test('logging out ends one session and says which, or all of them', async () => {
  const user = await users.newUser()
  const [first, second, third] = [
    await users.login(user.email),
    await users.login(user.email),
    await users.login(user.email),
  ]
  const { sid } = await introspect(users.context, first.accessToken)
  await logOut(users.context, first)
  assert.deepEqual([await isActive(first.accessToken), await isActive(second.accessToken)], [false, true])
  assert.equal(saidOf(user.id).at(-1)?.data.sessionId, sid)
  await assert.rejects(refresh(users.context, first.refreshToken), refused('invalid_credentials'))
  await logOut(users.context, { refreshToken: second.refreshToken, everywhere: true })
  assert.equal(await isActive(third.accessToken), false)
  assert.equal(saidOf(user.id).at(-1)?.data.sessionId, undefined)
  assert.deepEqual(
    saidOf(user.id).map(({ data }) => [data.version, data.reason]),
    [
      [2, 'logged-out'],
      [3, 'logged-out'],
    ],
  )
})

test('a token that is no good logs nobody out, and is told nothing', async () => {
  const user = await users.newUser()
  const { accessToken, refreshToken } = await users.login(user.email)
  for (const token of ['nonsense', accessToken]) await logOut(users.context, { refreshToken: token, everywhere: true })
  assert.equal(await isActive(accessToken), true)
  await logOut(users.context, { refreshToken })
  await logOut(users.context, { refreshToken })
  assert.equal(saidOf(user.id).length, 1)
})

test('a refresh token that was used already ends its own session only', async () => {
  const user = await users.newUser()
  const stolen = await users.login(user.email)
  const other = await users.login(user.email)
  const fresh = await refresh(users.context, stolen.refreshToken)
  await logOut(users.context, { refreshToken: stolen.refreshToken, everywhere: true })
  assert.deepEqual([await isActive(fresh.accessToken), await isActive(other.accessToken)], [false, true])
})

test('a refresh token used twice says that its session ended, so that the gateway forgets it', async () => {
  const user = await users.newUser()
  const { refreshToken, accessToken } = await users.login(user.email)
  const { sid } = await introspect(users.context, accessToken)
  const successor = await refresh(users.context, refreshToken)
  await refresh(users.context, successor.refreshToken)
  await assert.rejects(refresh(users.context, refreshToken), refused('invalid_credentials'))
  assert.deepEqual(
    saidOf(user.id).map(({ data }) => [data.reason, data.sessionId]),
    [['token-reused', sid]],
  )
})

test('a new password takes the place of the old one and ends every session', async () => {
  const user = await users.newUser()
  const sessions = [await users.login(user.email), await users.login(user.email)]
  await change(user.id)
  for (const { accessToken, refreshToken } of sessions) {
    assert.equal(await isActive(accessToken), false)
    await assert.rejects(refresh(users.context, refreshToken), refused('invalid_credentials'))
  }
  assert.deepEqual(
    saidOf(user.id).map(({ data }) => [data.reason, data.sessionId]),
    [['password-changed', undefined]],
  )
  await assert.rejects(users.login(user.email), refused('invalid_credentials'))
  assert.ok((await users.login(user.email, { password: newPassword })).accessToken)
})

test('a weak new password changes nothing', async () => {
  const user = await users.newUser()
  const { accessToken } = await users.login(user.email)
  const weak = { userId: user.id, currentPassword: password, newPassword: 'password123', address }
  await assert.rejects(changePassword(users.context, weak, never), refused('weak_password'))
  assert.equal(await isActive(accessToken), true)
})

test('no guess at the current password is free: they count as those of a login', async () => {
  const user = await users.newUser()
  const { accessToken } = await users.login(user.email)
  const guesses = await Promise.allSettled(Array.from({ length: 64 }, () => change(user.id, 'wrong')))
  const looked = guesses.filter((guess) => guess.status === 'rejected' && refused('wrong_password')(guess.reason))
  assert.equal(looked.length, 4)
  await assert.rejects(users.login(user.email), refused('too_many_requests'))
  assert.equal(await isActive(accessToken), true)
})

test('of logins and a change of password at once no session of the old password is left', async () => {
  const user = await users.newUser()
  const racing = [users.login(user.email), users.login(user.email), change(user.id), users.login(user.email)]
  const outcomes = await Promise.allSettled(racing)
  assert.equal(outcomes[2]?.status, 'fulfilled')
  for (const outcome of outcomes) {
    const accessToken = outcome.status === 'fulfilled' ? outcome.value?.accessToken : undefined
    assert.equal(accessToken !== undefined && (await isActive(accessToken)), false)
  }
})

test('a blocked user changes nothing', async () => {
  const user = await users.newUser()
  await setStatus(users.context, user.id, 'blocked')
  await assert.rejects(change(user.id), refused('user_blocked'))
  await setStatus(users.context, user.id, 'active')
  assert.ok((await users.login(user.email)).accessToken)
})
