/** The fault lab on the running system: faults are injected from the page, and it comes to a scorecard. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import type { System } from '../../system/src/testing.ts'
import { assertAccessible } from './accessible.ts'
import { assertFits } from './fits.ts'

/** Preparing, five seconds of faults, healing, coming to rest, judging: on a busy machine. */
const patienceMs = 240_000

export const faultScenarios = (world: () => { context: BrowserContext; system: System }): void => {
  describe('the fault lab', () => {
    let page: Page
    before(async () => {
      page = await world().context.newPage()
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(`${world().system.url('console')}/faults?seed=7`)
    })
    after(() => page.close())

    test('an experiment is asked for by the keyboard, confirmed, and under way; a second one is not begun', async () => {
      for (const kind of ['pause', 'error']) await page.locator(`.choices input[value=${kind}]`).uncheck()
      await page.locator('.choices input[value=poison]').check()
      for (const target of ['inventory', 'payments', 'delivery', 'notifications', 'broker'])
        await page.locator(`.choices input[value=${target}]`).uncheck()
      await page.getByLabel('Seconds').fill('5')
      await page.getByLabel('Faults', { exact: true }).fill('3')
      await assertAccessible(page)
      await assertFits(page)
      await page.getByRole('button', { name: 'Begin the experiment' }).focus()
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: 'Really break this system' }).waitFor()
      await page.keyboard.press('Enter')
      await page.locator('.course[data-running]').waitFor()
      assert.ok(await page.getByRole('button', { name: 'Begin the experiment' }).isDisabled())
      await page.locator('tr[data-fault]').nth(2).waitFor()
      assert.equal(await page.locator('tr[data-fault]').count(), 3)
    })

    test('its faults happen, its scorecard says that nothing was lost and nothing done twice, by each invariant', async () => {
      await page.locator('.scorecard').waitFor({ timeout: patienceMs })
      const figure = (name: string) => page.locator(`.scorecard [data-figure=${name}] dd`).innerText()
      assert.ok(Number(await figure('accepted')) > 0)
      const found = await page.locator('.scorecard .found').allInnerTexts()
      assert.deepEqual(
        [await figure('lost'), await figure('doubled'), await figure('wrong'), found],
        ['0', '0', '0', []],
      )
      assert.ok((await page.locator('tr[data-state=over]').count()) > 0)
      assert.ok((await page.locator('[data-judgement]').count()) >= 10)
      await assertAccessible(page)
      await assertFits(page)
    })

    test('the activity log says what was begun', async () => {
      await page.getByRole('button', { name: 'What was done' }).click()
      await page.locator('.activity-list li', { hasText: 'experiment-7 begun in the fault lab' }).first().waitFor()
      await page.keyboard.press('Escape')
    })
  })
}
