/** Guesses at passwords against a real database: many at once, from many addresses, and the user among them. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { refused, startUsers, type TestUsers } from './users-fixture.ts'

const windowMs = 900_000
const perPlace = 6
const perAccount = 12
const perAddress = 20
let users: TestUsers
before(async () => {
  users = await startUsers({
    loginFailuresPerAccountAndAddressMax: perPlace,
    loginFailuresPerAccountMax: perAccount,
    loginFailuresPerAddressMax: perAddress,
    loginWindowSeconds: windowMs / 1_000,
  })
})
after(() => users[Symbol.asyncDispose]())

let addresses = 0
const newAddress = () => `198.51.${100 + Math.floor(++addresses / 250)}.${addresses % 250}`
const guess = (email: string, address: string) => users.login(email, { password: 'wrong', address })

/** How many of this many guesses at once were looked at; every other one was refused with 429 and a time to come back. */
const lookedAt = async (guesses: Promise<unknown>[]): Promise<number> => {
  const reasons = (await Promise.allSettled(guesses)).map((outcome) => {
    assert.equal(outcome.status, 'rejected')
    return outcome.reason
  })
  for (const reason of reasons.filter((reason) => !refused('invalid_credentials')(reason))) {
    assert.ok(refused('too_many_requests')(reason), String(reason))
    assert.ok(reason.retryAfterSeconds > 0)
  }
  return reasons.filter(refused('invalid_credentials')).length
}

test('failed logins are throttled per account and address, however many come at once, known account or not', async () => {
  const user = await users.newUser()
  for (const email of [user.email, 'nobody@example.com']) {
    const address = newAddress()
    let made = 0
    // Each round as soon as another guess may be made; the last ones come to nothing.
    for (const waitMs of [0, 1_000, 2_000, 4_000, 8_000, 16_000]) {
      await users.pass(waitMs)
      made += await lookedAt(Array.from({ length: 64 }, () => guess(email, address)))
    }
    assert.equal(made, perPlace, email)
    await assert.rejects(users.login(email, { address }), refused('too_many_requests'), 'not even the right one')
  }
  await users.pass(windowMs)
  assert.ok((await users.login(user.email)).accessToken)
})

for (const [name, jump] of [
  ['forward and back', 3_600_000],
  ['back and forward', -3_600_000],
] as const)
  test(`a clock of users that goes an hour ${name} neither forgives guesses nor keeps anybody out for longer`, async () => {
    const user = await users.newUser()
    const address = newAddress()
    let made = 0
    for (const [round, waitMs] of [0, 1_000, 2_000, 4_000, 8_000, 16_000].entries()) {
      users.jump(round % 2 === 0 ? jump : -jump)
      await users.pass(waitMs)
      made += await lookedAt(Array.from({ length: 16 }, () => guess(user.email, address)))
    }
    assert.equal(made, perPlace)
    for (const back of [jump, -jump]) {
      users.jump(back)
      await assert.rejects(users.login(user.email, { address }), refused('too_many_requests'))
    }
    await users.pass(windowMs)
    assert.ok((await users.login(user.email, { address })).accessToken)
  })

test('an IPv6 client has one count for its whole /64', async () => {
  const user = await users.newUser()
  const hosts = Array.from({ length: 30 }, (_, host) => guess(user.email, `2001:db8:7:7::${host + 1}`))
  assert.equal(await lookedAt(hosts), 4)
})

test('one address may guess at a limited number of accounts', async () => {
  const address = newAddress()
  const emails = Array.from({ length: perAddress + 10 }, (_, index) => `victim${index}@example.com`)
  assert.equal(await lookedAt(emails.map((email) => guess(email, address))), perAddress)
})

test('guesses from everywhere end for strangers; the user comes in from a place they know', async () => {
  const user = await users.newUser()
  const home = newAddress()
  await users.login(user.email, { address: home })
  const everywhere = Array.from({ length: 40 }, () => guess(user.email, newAddress()))
  assert.equal(await lookedAt(everywhere), perAccount)
  await assert.rejects(users.login(user.email, { address: newAddress() }), refused('too_many_requests'))
  assert.ok((await users.login(user.email, { address: home })).accessToken)
  await users.pass(windowMs)
  assert.ok((await users.login(user.email, { address: newAddress() })).accessToken)
})

test('guesses from one address leave a user alone who comes from another, new one', async () => {
  const user = await users.newUser()
  const [theirs, own] = [newAddress(), newAddress()]
  await lookedAt(Array.from({ length: 64 }, () => guess(user.email, theirs)))
  assert.ok((await users.login(user.email, { address: own })).accessToken)
})

test('who remembers the password begins again at nothing, and costs others at the address nothing', async () => {
  const user = await users.newUser()
  const address = newAddress()
  for (let round = 0; round < 2 * perAddress; round++) {
    if (round % 3 < 2 && round < 18) await assert.rejects(guess(user.email, address), refused('invalid_credentials'))
    else await users.login(user.email, { address })
  }
})

test('a login that was never looked at is not a guess', async () => {
  const user = await users.newUser()
  const address = newAddress()
  const gone = new AbortController()
  gone.abort(new Error('the caller went away'))
  for (let round = 0; round < 2 * perPlace; round++) {
    await assert.rejects(users.login(user.email, { password: 'wrong', address, signal: gone.signal }), /went away/)
  }
  assert.equal(await lookedAt([guess(user.email, address)]), 1)
})

test('of the places that an account signed in from the newest are remembered', async () => {
  const user = await users.newUser()
  for (let index = 0; index < 25; index++) {
    await users.pass(1)
    await users.login(user.email, { address: newAddress() })
  }
  const { query } = users.context.database
  const places = () => query.selectFrom('known_places').selectAll().where('user_id', '=', user.id).execute()
  assert.equal((await places()).length, 20)
})

test('neither logs nor counters hold an address, of a person or of a machine', async () => {
  const user = await users.newUser()
  await lookedAt(Array.from({ length: 10 }, () => guess(user.email, '203.0.113.77')))
  const { query } = users.context.database
  const counters = await query.selectFrom('login_failures').selectAll().execute()
  const kept = JSON.stringify([users.core.logs, counters])
  assert.ok(users.core.logs.some(({ message }) => message === 'login throttled'))
  assert.doesNotMatch(kept, /203\.0\.113|198\.51|2001:db8|@example/)
})
