/** Pages that show what the telemetry knows, on the running system: each is opened, searched, and looked at by axe. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import type { System } from '../../system/src/testing.ts'
import { assertAccessible } from './accessible.ts'
import { assertFits } from './fits.ts'

export const pagesScenarios = (world: () => { context: BrowserContext; system: System }): void => {
  describe('pages of what the telemetry knows', () => {
    let page: Page
    const at = (path: string) => `${world().system.url('console')}${path}`
    before(async () => {
      page = await world().context.newPage()
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(at('/'))
      await page.locator('button.place:enabled').click()
      await page.getByRole('link', { name: 'Story of the last one' }).waitFor()
    })
    after(() => page.close())

    test('an order’s trace is found by its operation; its waterfall leads to a span and to its lines', async () => {
      await page.goto(at(`/traces?${new URLSearchParams({ service: 'gateway', operation: 'POST /orders' })}`))
      await page.locator('.trace-list a').first().waitFor()
      await assertAccessible(page)
      await assertFits(page)
      await page.locator('.trace-list a').first().click()
      await page.locator('.rows button', { hasText: 'payments' }).first().waitFor()
      const rows = page.locator('.rows button')
      await rows.nth(2).focus()
      await page.keyboard.press('Enter')
      await page.locator('.span-details').waitFor()
      await page.waitForURL(/span=/)
      await assertAccessible(page)
      await assertFits(page)
      await page.keyboard.press('Escape')
      await page.locator('.span-details').waitFor({ state: 'detached' })
      await page.locator('.trace-head').getByRole('link', { name: 'Lines of this trace' }).click()
      await page.locator('.log.all .line').first().waitFor()
      const traces = await page
        .locator('.log.all .to-trace')
        .evaluateAll((links) => [...new Set(links.map((link) => link.getAttribute('href')))])
      assert.equal(traces.length, 1, 'all lines are of the one trace')
    })

    test('lines of all processes are followed, and filtered by level and text', async () => {
      await page.goto(at('/logs'))
      await page.locator('.log.all .line').first().waitFor()
      await fetch(`${world().system.url('gateway')}/products`)
      await page.getByLabel('Text').fill('request answered')
      await page.waitForURL(/q=request/)
      await page.locator('.log.all .line', { hasText: 'request answered' }).first().waitFor()
      await page.waitForFunction(() =>
        [...document.querySelectorAll('.log.all .line')].every((line) =>
          /request answered/.test(line.textContent ?? ''),
        ),
      )
      await assertAccessible(page)
      await assertFits(page)
    })

    test('service levels are judged, metrics are drawn', async () => {
      await page.goto(at('/levels'))
      await page.locator('.level[data-verdict]').first().waitFor()
      await assertAccessible(page)
      await assertFits(page)
      await page.goto(at('/charts'))
      await page.locator('.panel path').first().waitFor({ state: 'attached' })
      assert.ok((await page.locator('.panel').count()) >= 8)
      await assertAccessible(page)
      await assertFits(page)
    })
  })
}
