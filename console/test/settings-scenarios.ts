/** The Configuration page on the running system: a change with its difference, a refusal, and the history. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import type { System } from '../../system/src/testing.ts'
import { assertAccessible } from './accessible.ts'
import { assertFits } from './fits.ts'

export const settingsScenarios = (world: () => { context: BrowserContext; system: System }): void => {
  describe('settings', () => {
    let page: Page
    const field = () => page.getByLabel('New value of changeWindowMs')
    before(async () => {
      page = await world().context.newPage()
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(`${world().system.url('console')}/settings/orders`)
    })
    after(() => page.close())

    test('a property is changed: its difference is shown, it is confirmed, and in the history and the activity log', async () => {
      await field().fill('7')
      assert.match(await page.locator('.difference li').innerText(), /changeWindowMs\s+0\s+7/)
      await assertAccessible(page)
      await assertFits(page)
      await page.getByLabel('Why', { exact: true }).fill('a test')
      await page.getByRole('button', { name: 'Change it' }).click()
      await page.getByRole('button', { name: 'Really change it' }).click()
      await page.locator('tr[data-setting=changeWindowMs][data-from=profile]').waitFor()
      assert.equal(await field().inputValue(), '7')
      await page.locator('.history tr', { hasText: 'a test' }).waitFor()
      const answer = await fetch(`${world().system.url('config')}/orders/embedded`)
      const { propertySources } = (await answer.json()) as { propertySources: { source: Record<string, unknown> }[] }
      assert.equal(propertySources[0]?.source.changeWindowMs, 7)
      await page.getByRole('button', { name: 'What was done' }).click()
      await page.locator('.activity-list li', { hasText: 'orders/embedded changed' }).first().waitFor()
      await page.keyboard.press('Escape')
    })

    test('what breaks the schema is refused and nothing changes; what is shipped comes back', async () => {
      await field().fill('"soon"')
      await page.getByRole('button', { name: 'Change it' }).click()
      await page.getByRole('button', { name: 'Really change it' }).click()
      await page.locator('.notice.bad', { hasText: 'Not changed' }).waitFor()
      await page.getByRole('button', { name: 'Discard' }).click()
      assert.equal(await field().inputValue(), '7')
      await page.getByRole('button', { name: 'changeWindowMs back to what is shipped' }).click()
      await page.getByRole('button', { name: 'Change it' }).click()
      await page.getByRole('button', { name: 'Really change it' }).click()
      await page.locator('tr[data-setting=changeWindowMs][data-from=schema]').waitFor()
    })
  })
}
