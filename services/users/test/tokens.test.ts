/** Tokens against a real database: rotation, theft, expiry, blocking, addresses that are taken. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { register, setStatus } from '../src/accounts.ts'
import { settings } from '../src/config.ts'
import type { UsersContext } from '../src/context.ts'
import type { Passwords } from '../src/passwords.ts'
import { introspect, purgeExpired, refresh } from '../src/tokens.ts'
import { never, password, refused, startUsers, type TestUsers } from './users-fixture.ts'

const graceMs = settings.parse({}).refreshGraceSeconds * 1_000

let users: TestUsers
let context: UsersContext
before(async () => {
  users = await startUsers()
  context = users.context
})
after(() => users[Symbol.asyncDispose]())
const newUser = () => users.newUser()
const login = (email: string) => users.login(email)

test('an access token is active for its user until it expires', async () => {
  const user = await newUser()
  const { accessToken, refreshToken, expiresIn } = await login(user.email.toUpperCase())
  const answer = await introspect(context, accessToken)
  assert.equal(answer.active, true)
  assert.equal(answer.userId, user.id)
  assert.deepEqual(await introspect(context, refreshToken), { active: false }, 'a refresh token opens nothing')
  await users.pass(expiresIn * 1_000)
  assert.deepEqual(await introspect(context, accessToken), { active: false })
})

test('no token is in the database as it is', async () => {
  const user = await newUser()
  const { accessToken, refreshToken } = await login(user.email)
  const rows = JSON.stringify(await context.database.query.selectFrom('tokens').selectAll().execute())
  for (const token of [accessToken, refreshToken]) assert.ok(!rows.includes(token))
})

test('a refresh token is good once; used again after the grace, its whole family is revoked', async () => {
  const user = await newUser()
  const first = await login(user.email)
  const other = await login(user.email)
  const second = await refresh(context, first.refreshToken)
  assert.equal((await introspect(context, second.accessToken)).active, true)
  await users.pass(graceMs)
  await assert.rejects(refresh(context, first.refreshToken), refused('invalid_credentials'))
  assert.deepEqual(await introspect(context, second.accessToken), { active: false })
  await assert.rejects(refresh(context, second.refreshToken), refused('invalid_credentials'))
  assert.equal((await introspect(context, other.accessToken)).active, true, 'another login is another family')
})

test('an answer that was lost is given again within the grace: the same tokens, good as the first ones', async () => {
  const user = await newUser()
  const { refreshToken } = await login(user.email)
  const lost = await refresh(context, refreshToken)
  await users.pass(graceMs - 1_000)
  const found = await refresh(context, refreshToken)
  assert.deepEqual(found, { ...lost, expiresIn: found.expiresIn })
  assert.ok(found.expiresIn < lost.expiresIn, 'time went by')
  assert.equal((await introspect(context, found.accessToken)).active, true)
  const next = await refresh(context, found.refreshToken)
  assert.equal((await introspect(context, next.accessToken)).active, true)
})

test('whose successor was used already comes from elsewhere: its family is revoked, grace or not', async () => {
  const user = await newUser()
  const { refreshToken } = await login(user.email)
  const second = await refresh(context, refreshToken)
  const third = await refresh(context, second.refreshToken)
  await assert.rejects(refresh(context, refreshToken), refused('invalid_credentials'))
  assert.deepEqual(await introspect(context, third.accessToken), { active: false })
  await assert.rejects(refresh(context, third.refreshToken), refused('invalid_credentials'))
})

test('twenty refreshes of one token at once get the same successor, and nobody is signed out', async () => {
  for (let round = 0; round < 5; round++) {
    const user = await newUser()
    const { refreshToken } = await login(user.email)
    const saidBefore = users.said.length
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(context, refreshToken)))
    const pairs = new Set(answers.map((answer) => `${answer.accessToken} ${answer.refreshToken}`))
    assert.equal(pairs.size, 1)
    assert.equal((await introspect(context, answers[0]!.accessToken)).active, true)
    assert.equal(users.said.length, saidBefore)
    assert.ok(await refresh(context, answers[0]!.refreshToken))
  }
})

test('a successor used in the middle of repeats: one line of tokens at most, or none, never two', async () => {
  for (let round = 0; round < 5; round++) {
    const user = await newUser()
    const { refreshToken } = await login(user.email)
    const second = await refresh(context, refreshToken)
    const tokens = [second.refreshToken, ...Array.from({ length: 6 }, () => refreshToken)]
    const [next, ...repeats] = await Promise.allSettled(tokens.map((token) => refresh(context, token)))
    for (const repeat of repeats)
      if (repeat.status === 'fulfilled') assert.equal(repeat.value.refreshToken, second.refreshToken)
      else assert.ok(refused('invalid_credentials')(repeat.reason), String(repeat.reason))
    if (next?.status === 'rejected') assert.ok(refused('invalid_credentials')(next.reason), String(next.reason))
    // Whoever holds the old token after its successor was used ends the family; so it is in whatever order.
    await assert.rejects(refresh(context, refreshToken), refused('invalid_credentials'))
    assert.deepEqual(await introspect(context, second.accessToken), { active: false })
  }
})

test('without a grace a refresh token is good once, and two at once end the family', async () => {
  await using strict = await startUsers({ refreshGraceSeconds: 0 })
  const user = await strict.newUser()
  const { refreshToken } = await strict.login(user.email)
  const results = await Promise.allSettled([1, 2].map(() => refresh(strict.context, refreshToken)))
  assert.deepEqual(results.map((result) => result.status).sort(), ['fulfilled', 'rejected'])
})

test('what makes a successor is nothing without the token, and is gone when the grace is over', async () => {
  const user = await newUser()
  const { refreshToken } = await login(user.email)
  const { accessToken, refreshToken: successor } = await refresh(context, refreshToken)
  const salted = () =>
    context.database.query.selectFrom('tokens').selectAll().where('successor_salt', 'is not', null).execute()
  await purgeExpired(context)
  const rows = await salted()
  assert.ok(rows.length > 0, 'kept within the grace')
  for (const token of [refreshToken, accessToken, successor]) {
    const bytes = Buffer.from(token.slice(token.indexOf('_') + 1), 'base64url')
    for (const row of rows) assert.ok(!row.successor_salt!.equals(bytes) && !row.hash.equals(bytes))
  }
  await users.pass(graceMs)
  await purgeExpired(context)
  assert.deepEqual(await salted(), [])
})

test('blocking ends every token and login; unblocking lets log in again', async () => {
  const user = await newUser()
  const { accessToken, refreshToken } = await login(user.email)
  await setStatus(context, user.id, 'blocked', 'fraud')
  assert.deepEqual(await introspect(context, accessToken), { active: false })
  await assert.rejects(refresh(context, refreshToken), refused('invalid_credentials'))
  await assert.rejects(login(user.email), refused('user_blocked'))
  await setStatus(context, user.id, 'active')
  assert.deepEqual(await introspect(context, accessToken), { active: false }, 'what was revoked stays revoked')
  assert.ok((await login(user.email)).accessToken)
})

test('an e-mail is one user’s, whatever its case', async () => {
  const user = await newUser()
  await assert.rejects(
    register(context, { email: user.email.toUpperCase(), password, name: 'Eve' }, never),
    refused('email_taken'),
  )
})

test('a taken address is refused before anything is hashed, so a flood of them costs no login its turn', async () => {
  const user = await newUser()
  let hashed = 0
  const counting = {
    ...context,
    passwords: {
      ...context.passwords,
      hash: (...input: Parameters<Passwords['hash']>) => {
        hashed++
        return context.passwords.hash(...input)
      },
    },
  }
  const again = { email: user.email, password, name: 'Eve' }
  const answers = await Promise.allSettled(Array.from({ length: 100 }, () => register(counting, again, never)))
  assert.ok(answers.every((answer) => answer.status === 'rejected' && refused('email_taken')(answer.reason)))
  assert.equal(hashed, 0)
})

test('of two registrations of one address at once, one wins and the other is told', async () => {
  const twice = { email: 'twins@example.com', password, name: 'Ada' }
  const answers = await Promise.allSettled([register(context, twice, never), register(context, twice, never)])
  assert.deepEqual(answers.map((answer) => answer.status).sort(), ['fulfilled', 'rejected'])
  const lost = answers.find((answer) => answer.status === 'rejected')
  assert.ok(refused('email_taken')(lost?.reason))
})

for (const [name, jump] of [
  ['forward and back', 3_600_000],
  ['back and forward', -3_600_000],
] as const)
  test(`a clock of users that goes an hour ${name} ends no token, and makes none last longer`, async () => {
    const user = await newUser()
    const before = await login(user.email)
    users.jump(jump)
    const during = await login(user.email)
    assert.equal(during.expiresIn, before.expiresIn)
    for (const { accessToken } of [before, during]) {
      const { active, expires_in } = await introspect(context, accessToken)
      assert.deepEqual([active, expires_in], [true, before.expiresIn])
    }
    const renewed = await refresh(context, before.refreshToken)
    users.jump(-jump)
    const tokens = [before, during, renewed]
    for (const { accessToken } of tokens) assert.equal((await introspect(context, accessToken)).active, true)
    await users.pass(before.expiresIn * 1_000)
    for (const { accessToken } of tokens) assert.equal((await introspect(context, accessToken)).active, false)
  })

test('what ended is taken out by the clock of the database, wherever that of the process is', async () => {
  const kept = async () => {
    const tables = ['tokens', 'token_families', 'known_places'] as const
    const counts = await Promise.all(
      tables.map((table) => context.database.query.selectFrom(table).selectAll().execute()),
    )
    return counts.map((rows) => rows.length)
  }
  await login((await newUser()).email)
  const before = await kept()
  const century = 100 * 365 * 86_400_000
  for (const jump of [century, -century]) {
    users.jump(jump)
    await purgeExpired(context)
    assert.deepEqual(await kept(), before)
    users.jump(-jump)
  }
  await users.pass(century)
  await purgeExpired(context)
  assert.deepEqual(await kept(), [0, 0, 0])
  await users.pass(-century)
})
