/** Signing in and out of the console, over the pages of the identity provider, by the keyboard alone. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import type { System } from '../../system/src/testing.ts'
import { assertAccessible } from './accessible.ts'

const patienceMs = 30_000

export const signInScenarios = (world: () => { context: BrowserContext; system: System }): void => {
  describe('signing in and out', () => {
    /** Of its own: others are signed out, and stay so. */
    let own: BrowserContext
    let page: Page
    const email = `olga.${randomUUID()}@example.org`
    const password = 'correct horse'
    const at = (path: string) => `${world().system.url('console')}${path}`
    const who = () => page.locator('.who')

    before(async () => {
      const answer = await fetch(`${world().system.url('gateway')}/users`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email, password, name: 'Olga' }),
      })
      assert.equal(answer.status, 201)
      own = await world().context.browser()!.newContext({ locale: 'en-GB', colorScheme: 'light' })
      own.setDefaultTimeout(patienceMs)
      page = await own.newPage()
      await page.goto(at('/sagas'))
    })
    after(() => own.close())

    test('the provider asks for e-mail and password, says when they are wrong, and leads back to the same page', async () => {
      await who().getByRole('link', { name: 'Sign in' }).focus()
      await page.keyboard.press('Enter')
      await page.waitForURL(/\/oidc\/interaction\//)
      assert.ok(!page.url().startsWith(at('/')), 'the password is typed where the console doesn’t see it')
      await page.getByLabel('E-mail').fill(email)
      await page.getByLabel('Password').fill('a wrong one')
      await page.keyboard.press('Enter')
      await page.getByRole('alert').waitFor()
      await assertAccessible(page)
      await page.getByLabel('Password').fill(password)
      await page.keyboard.press('Enter')
      await page.waitForURL(at('/sagas'))
      await who().getByRole('button', { name: 'Olga: Sign out' }).waitFor()
    })

    test('the session is one that no script can read, and a reload keeps it', async () => {
      assert.equal(await page.evaluate(() => document.cookie), '')
      await page.reload()
      await who().getByRole('button', { name: 'Olga: Sign out' }).waitFor()
    })

    test('what an operator does is in the activity log under her name', async () => {
      await page.goto(at('/orders'))
      await page.getByRole('button', { name: 'Restart mail-sink-1' }).click()
      await page.getByRole('button', { name: 'What was done' }).click()
      await page
        .locator('.activity-list li', { hasText: /mail-sink-1 restarted[\s\S]*Olga/ })
        .first()
        .waitFor()
      await page.keyboard.press('Escape')
      await page.locator('[data-process=mail-sink-1][data-status=ready]').waitFor()
    })

    test('signing out ends it here and at the provider', async () => {
      await who().getByRole('button', { name: 'Olga: Sign out' }).click()
      await page.getByRole('heading', { name: 'Sign out?' }).waitFor()
      await page.getByRole('button', { name: 'Sign out', exact: true }).click()
      await page.waitForURL(at('/'))
      await who().getByRole('link', { name: 'Sign in' }).click()
      await page.getByLabel('Password').waitFor()
    })
  })
}
