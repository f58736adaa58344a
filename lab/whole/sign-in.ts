/** Coming in and going out: sessions that end, passwords that change, and floods of passwords that leave others alone. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { consoleClient } from '@svyaz/contracts/http/oidc.ts'
import { Browser } from '@svyaz/observe/browser.ts'
import { ask } from '@svyaz/observe/http.ts'
import { until } from '@svyaz/observe/until.ts'
import { assertProblem } from './problems.ts'
import type { World } from './world.ts'

/** Signs in, refreshes, changes the password and signs out, alone and under a flood. */
export const signInScenarios = (world: () => World): void => {
  describe('signing in and out', { concurrency: 1 }, () => {
    it('who logs out is out at once, with open sockets; another session goes on', async () => {
      const w = world()
      const laptop = await w.register('Lena Leaves')
      const phone = await w.login(laptop.email, laptop.password)
      const [feed, other] = [await laptop.openFeed(), await phone.openFeed()]
      const closed = feed.closed()
      assert.equal((await laptop.ask('GET', '/users/me')).status, 200)
      const { refreshToken } = laptop
      assert.equal((await ask('POST', `${w.gateway}/auth/logout`, { body: { refreshToken } })).status, 204)
      // Kept for 30 s otherwise: the gateway hears of it and drops what it knew of the token.
      await until('the token to be refused', async () => (await laptop.ask('GET', '/users/me')).status === 401, {
        timeoutMs: 5_000,
      })
      assert.equal(await closed, 4401)
      assert.equal((await phone.ask('GET', '/users/me')).status, 200)
      await other.close()
      // The aftermath opens every feed of the run again, by its cursor.
      laptop.token = (await w.login(laptop.email, laptop.password)).token
    })

    it('a new password ends every session, and is the only one that opens', async () => {
      const w = world()
      const user = await w.register('Petra Password')
      const second = await w.login(user.email, user.password)
      const newPassword = 'Petra has another password'
      const wrong = await user.ask('POST', '/users/me/password', {
        body: { currentPassword: 'not this one', newPassword },
      })
      assertProblem(wrong, 'wrong_password')
      const body = { currentPassword: user.password, newPassword }
      assert.equal((await user.ask('POST', '/users/me/password', { body })).status, 204)
      for (const session of [user, second])
        await until('the token to be refused', async () => (await session.ask('GET', '/users/me')).status === 401, {
          timeoutMs: 5_000,
        })
      const old = await ask('POST', `${w.gateway}/auth/login`, { body: { email: user.email, password: user.password } })
      assertProblem(old, 'invalid_credentials')
      user.token = (await w.login(user.email, newPassword)).token
    })

    it('a browser signs in to the console at the provider, which knows who it is until it signs out', async () => {
      const w = world()
      const user = await w.register('Oscar Openid')
      const [browser, page] = [new Browser(), w.system.url('console')]
      const back = `${page}${consoleClient.callbackPath}`
      const asked = await browser.follow(await browser.ask(`${page}/api/sign-in?to=/logs`), back)
      const filled = await browser.submit(asked, { email: user.email, password: user.password, action: 'sign-in' })
      const { url: callback } = await browser.follow(filled, back)
      const entered = await browser.ask(callback)
      assert.deepEqual([entered.status, entered.headers.get('location')], [303, '/logs'], entered.text)
      const session = async () => JSON.parse((await browser.ask(`${page}/api/session`)).text)
      assert.equal((await session()).operator.email, user.email)
      // Only what this page was given opens it again.
      assert.equal((await browser.ask(callback)).status, 400)
    })

    it('a flood of registrations is answered or turned away with a time to come back; others don’t feel it', async () => {
      const w = world()
      const user = await w.register('Nina Normal')
      assert.equal((await user.ask('GET', '/users/me')).status, 200)
      const register = (email: string) =>
        ask('POST', `${w.gateway}/users`, { body: { email, password: 'a flood has a long password', name: 'Flood' } })
      const flood = Array.from({ length: 50 }, (_, index) =>
        register(index % 2 ? user.email : `flood.${randomUUID()}@example.org`),
      )
      const others = Array.from({ length: 20 }, () => user.ask('GET', '/users/me'))
      for (const answer of await Promise.all(others)) assert.equal(answer.status, 200, JSON.stringify(answer.body))
      const answers = await Promise.all(flood)
      for (const answer of answers) assert.ok([201, 409, 503].includes(answer.status), `${answer.status}`)
      const full = answers.filter((answer) => answer.status === 503)
      for (const answer of full) assert.ok(Number(answer.headers['retry-after']) >= 1, JSON.stringify(answer.headers))
      assert.equal(answers.filter((answer) => answer.status === 409).length, 25, 'taken ones cost no hash')
      assert.ok((await w.login(user.email, user.password)).token)
    })
  })
}
