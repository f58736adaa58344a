/** The Sagas page on the running system: an order that waits for a service that is away, what remains, and its end. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import type { System } from '../../system/src/testing.ts'
import { assertAccessible } from './accessible.ts'
import { assertFits } from './fits.ts'

export const sagaScenarios = (world: () => { context: BrowserContext; system: System }): void => {
  describe('sagas', () => {
    let page: Page
    let orderId = ''
    const row = () => page.locator(`tr[data-saga="${orderId}"]`)
    const at = (path: string) => `${world().system.url('console')}${path}`

    before(async () => {
      page = await world().context.newPage()
      await page.setViewportSize({ width: 1440, height: 900 })
      await world().system.stop('payments')
      await page.goto(at('/orders'))
      await page.locator('.person-ada button.main:enabled').click()
      await page.waitForURL(/\/orders\/[\w-]+$/)
      orderId = page.url().split('/').at(-1) ?? ''
    })
    after(async () => {
      await world().system.start('payments')
      await page.close()
    })

    test('a running saga says for whom it waits, that they are away, and what remains', async () => {
      await page.goto(at('/sagas'))
      await row().locator('.waits', { hasText: 'payments is away' }).waitFor()
      assert.match(
        await row().innerText(),
        /processing[\s\S]*payments to charge the payment[\s\S]*then delivery to ship/,
      )
      assert.match(await row().locator('.last').innerText(), /charge queued/)
      await assertAccessible(page)
      await assertFits(page)
    })

    test('by status and age, by the keyboard; the address keeps what was asked for', async () => {
      await page.locator('[data-selection=paid]').focus()
      await page.keyboard.press('Enter')
      await page.waitForURL(/status=paid/)
      await row().waitFor({ state: 'detached' })
      await page.goto(at('/sagas?status=processing&sort=oldest'))
      await row().waitFor()
      await page.getByLabel('Placed').selectOption('3600')
      await page.getByText('No saga is like that.').waitFor()
      await page.waitForURL(/age=3600/)
      await page.getByLabel('Placed').selectOption('')
      await row().waitFor()
    })

    test('it goes on by itself when the service is back, and leads to its story and its trace', async () => {
      await world().system.start('payments')
      await row().waitFor({ state: 'detached' })
      await page.locator('[data-selection=completed]').click()
      await row().waitFor()
      assert.match(await row().locator('.last').innerText(), /delivered/)
      await row()
        .getByRole('link', { name: /^Trace of order/ })
        .click()
      await page.waitForURL(/\/traces\/[0-9a-f]{32}$/)
      await page.goBack()
      await row().locator('th a').click()
      await page.locator(`.story[data-order="${orderId}"]`).waitFor()
    })
  })
}
