/** The Assignment page on the running system: a row is opened, proven, read while it is, and remembered; one at a time, whichever console began it. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import { until } from '../../lab/observe/until.ts'
import type { System } from '../../system/src/testing.ts'
import { assertAccessible } from './accessible.ts'
import { assertFits } from './fits.ts'

/** A proof is a program of its own, on a busy machine. */
const patienceMs = 120_000

export const assignmentScenarios = (
  world: () => {
    context: BrowserContext
    system: Pick<System, 'url' | 'kill' | 'waitReady' | 'instances'>
  },
): void => {
  describe('the assignment', () => {
    let page: Page
    const at = (path: string) => `${world().system.url('console')}/assignment${path}`
    const row = (id: string) => page.locator(`.assignment-row[data-row="${id}"]`)

    before(async () => {
      page = await world().context.newPage()
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(at(''))
    })
    after(() => page.close())

    test('every row is there; one that needs an engine says which, and the command', async () => {
      await row('R1.1').waitFor()
      assert.ok((await page.locator('.assignment-row').count()) > 50)
      await row('R1.9').locator('summary').focus()
      await page.keyboard.press('Enter')
      await page.waitForURL(/row=R1\.9/)
      const body = await row('R1.9').locator('.row-body').innerText()
      assert.match(body, /RabbitMQ, Apache Kafka/)
      assert.match(body, /npx svyaz verify R1\.9 --profile engines/)
      assert.match(body, /What can’t be proven here/)
      await assertAccessible(page)
      await assertFits(page)
    })

    test('a row is proven by the keyboard: its steps are read as they are done, its verdict is kept', async () => {
      await page.goto(at('?row=R7.5'))
      await page.getByRole('button', { name: 'Prove R7.5' }).focus()
      await page.keyboard.press('Enter')
      await page.locator('.proof-output[data-running]').waitFor()
      assert.ok(await row('R7.5').getByRole('button', { name: 'Prove R7.5' }).isDisabled(), 'one at a time')
      await page.locator('[data-line=step]').first().waitFor({ timeout: patienceMs })
      await page.locator('[data-line=finding]', { hasText: 'PASS R7.5' }).waitFor({ timeout: patienceMs })
      await page.locator('.proof-output', { hasText: 'R7.5: passed' }).waitFor({ timeout: patienceMs })
      await page.locator('.assignment-row[data-row="R7.5"][data-verdict=PASS]').waitFor()
      await assertAccessible(page)
      await assertFits(page)
      await page.reload()
      await page.locator('.assignment-row[data-row="R7.5"][data-verdict=PASS]').waitFor()
      await page.locator('[data-line=finding]', { hasText: 'PASS R7.5' }).waitFor()
    })

    test('a proof that stops something is asked for twice; the activity log has what was proven', async () => {
      await page.goto(at('?row=R4.3'))
      await page.getByRole('button', { name: 'Prove R4.3' }).click()
      await page.getByRole('button', { name: 'Really: it stops parts and brings them back' }).waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'Prove R4.3' }).waitFor()
      assert.equal(await page.locator('.proof-output[data-running]').count(), 0)
      await page.getByRole('button', { name: 'What was done' }).click()
      await page.locator('.activity-list li', { hasText: 'R7.5 put to the proof' }).first().waitFor()
      await page.keyboard.press('Escape')
    })

    test('a proof outlives its console: the next one shows it, refuses a second and an experiment, and ends it', async () => {
      const { system } = world()
      await page.goto(at(''))
      await page.getByRole('button', { name: 'Prove all of R4' }).click()
      await page.getByRole('button', { name: 'Really: it stops parts and brings them back' }).click()
      await page
        .locator('[data-line=step]', { hasText: 'npx svyaz stop payments' })
        .first()
        .waitFor({ timeout: patienceMs })
      // A page that loses its console complains, whichever it is.
      for (const open of world().context.pages()) await open.goto('about:blank')
      await system.kill('console-1')
      await until('the console to be back', () =>
        system.instances().some(({ name, status }) => name === 'console-1' && status === 'ready'),
      )
      await page.goto(at('?row=R7.5'))
      const notice = page.locator('.under-way[data-examination=proof]', { hasText: 'R4' })
      await notice.waitFor()
      assert.ok(await row('R7.5').getByRole('button', { name: 'Prove R7.5' }).isDisabled(), 'one at a time')
      await assertAccessible(page)
      await assertFits(page)
      await page.goto(`${system.url('console')}/faults`)
      await notice.waitFor()
      assert.ok(await page.getByRole('button', { name: 'Begin the experiment' }).isDisabled(), 'not beside a proof')
      await page.getByRole('button', { name: 'End it' }).click()
      await notice.waitFor({ state: 'detached', timeout: patienceMs })
      await system.waitReady()
      assert.deepEqual(
        system.instances().filter(({ status }) => status !== 'ready'),
        [],
        'what it had stopped is back',
      )
    })
  })
}
