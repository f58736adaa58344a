/** Tokens against a real database: rotation, theft, expiry, blocking, and logins that are throttled. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Failure } from '@svyaz/kit'
import { openDatabase } from '../../../platform/kit/src/database.ts'
import { testCore } from '../../../platform/kit/test/core-fixture.ts'
import { startTestPostgres } from '../../../platform/kit/test/engines.ts'
import { register, setStatus, type UsersContext } from '../src/accounts.ts'
import { type Settings, settings } from '../src/config.ts'
import { migrations } from '../src/migrations.ts'
import { createPasswords, type Passwords } from '../src/passwords.ts'
import type { UsersSchema } from '../src/storage.ts'
import { introspect, login, refresh } from '../src/tokens.ts'

const password = 'correct horse'
const address = '192.0.2.1'
const never = new AbortController().signal
let context: UsersContext
let closing: AsyncDisposableStack
/** Wall time that a test may move. */
let now = Date.parse('2026-01-02T03:04:05.000Z')

before(async () => {
  closing = new AsyncDisposableStack()
  const postgres = closing.use(await startTestPostgres())
  const core = testCore({ service: 'users' })
  const database = await openDatabase<UsersSchema>(core, { url: await postgres.database('users'), migrations })
  closing.defer(() => database.close())
  const current = settings.parse({ loginFailuresPerAccountMax: 3 }) satisfies Settings
  context = {
    ...core,
    environment: {},
    clock: { ...core.clock, now: () => now, iso: () => new Date(now).toISOString() },
    database,
    passwords: createPasswords(core),
    settings: { current: () => current, onChange: () => undefined },
    // What is published is the business of the tests of messaging.
    outbox: { add: async () => undefined, wake: () => undefined },
  } as Partial<UsersContext> as UsersContext
})
after(() => closing.disposeAsync())

const refused = (code: string) => (error: unknown) => error instanceof Failure && error.code === code
let count = 0
const newUser = () => register(context, { email: `user${++count}@example.com`, password, name: 'Ada' }, never)

test('an access token is active for its user until it expires', async () => {
  const user = await newUser()
  const { accessToken, refreshToken, expiresIn } = await login(
    context,
    { email: user.email.toUpperCase(), password, address },
    never,
  )
  const answer = await introspect(context, accessToken)
  assert.equal(answer.active, true)
  assert.equal(answer.userId, user.id)
  assert.deepEqual(await introspect(context, refreshToken), { active: false }, 'a refresh token opens nothing')
  now += expiresIn * 1_000
  assert.deepEqual(await introspect(context, accessToken), { active: false })
})

test('no token is in the database as it is', async () => {
  const user = await newUser()
  const { accessToken, refreshToken } = await login(context, { email: user.email, password, address }, never)
  const rows = JSON.stringify(await context.database.query.selectFrom('tokens').selectAll().execute())
  for (const token of [accessToken, refreshToken]) assert.ok(!rows.includes(token))
})

test('a refresh token is good once; used twice, its whole family is revoked', async () => {
  const user = await newUser()
  const first = await login(context, { email: user.email, password, address }, never)
  const other = await login(context, { email: user.email, password, address }, never)
  const second = await refresh(context, first.refreshToken)
  assert.equal((await introspect(context, second.accessToken)).active, true)
  await assert.rejects(refresh(context, first.refreshToken), refused('invalid_credentials'))
  assert.deepEqual(await introspect(context, second.accessToken), { active: false })
  await assert.rejects(refresh(context, second.refreshToken), refused('invalid_credentials'))
  assert.equal((await introspect(context, other.accessToken)).active, true, 'another login is another family')
})

test('of two refreshes at once one wins, and the thief’s doubt costs both the family', async () => {
  const user = await newUser()
  const { refreshToken } = await login(context, { email: user.email, password, address }, never)
  const results = await Promise.allSettled([refresh(context, refreshToken), refresh(context, refreshToken)])
  assert.deepEqual(results.map((result) => result.status).sort(), ['fulfilled', 'rejected'])
})

test('blocking ends every token and login; unblocking lets log in again', async () => {
  const user = await newUser()
  const { accessToken, refreshToken } = await login(context, { email: user.email, password, address }, never)
  await setStatus(context, user.id, 'blocked', 'fraud')
  assert.deepEqual(await introspect(context, accessToken), { active: false })
  await assert.rejects(refresh(context, refreshToken), refused('invalid_credentials'))
  await assert.rejects(login(context, { email: user.email, password, address }, never), refused('user_blocked'))
  await setStatus(context, user.id, 'active')
  assert.deepEqual(await introspect(context, accessToken), { active: false }, 'what was revoked stays revoked')
  assert.ok((await login(context, { email: user.email, password, address }, never)).accessToken)
})

test('failed logins are throttled per account, known or not, and the window ends', async () => {
  const user = await newUser()
  for (const email of [user.email, 'nobody@example.com']) {
    for (let attempt = 0; attempt < 3; attempt++) {
      await assert.rejects(login(context, { email, password: 'wrong', address }, never), refused('invalid_credentials'))
    }
    await assert.rejects(login(context, { email, password, address }, never), (error: unknown) => {
      assert.ok(refused('too_many_requests')(error))
      return ((error as Failure).retryAfterSeconds ?? 0) > 0
    })
  }
  now += context.settings.current().loginWindowSeconds * 1_000
  assert.ok((await login(context, { email: user.email, password, address }, never)).accessToken)
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
