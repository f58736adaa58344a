/** The Protocol lab on the running system: a race of all protocols, with their bytes and their processor time. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import type { System } from '../../system/src/testing.ts'
import { assertAccessible } from './accessible.ts'
import { assertFits } from './fits.ts'

export const protocolsScenarios = (
  world: () => {
    context: BrowserContext
    system: Pick<System, 'url'>
  },
): void => {
  describe('the Protocol lab', () => {
    let page: Page
    const at = (path: string) => `${world().system.url('console')}${path}`
    const bar = (lane: string) => page.locator(`.race-bars [data-lane="${lane}"]`)

    before(async () => {
      page = await world().context.newPage()
      await page.setViewportSize({ width: 1440, height: 900 })
    })
    after(() => page.close())

    test('a product is asked for by every protocol, by the keyboard; what isn’t asked says why', async () => {
      await page.goto(at('/protocols?question=product&runs=5'))
      await page.getByRole('button', { name: 'Start the race' }).focus()
      await page.keyboard.press('Enter')
      for (const lane of ['rest-1', 'rest-1-tls', 'rest-2', 'grpc-web', 'grpc', 'graphql', 'socket'])
        await page.locator(`tr[data-lane="${lane}"][data-runs="5"]`).waitFor()
      await bar('rest-3').getByText('Node has no client for it').waitFor()
      const [rest = '', socket = ''] = await Promise.all(
        ['rest-1', 'socket'].map((lane) => page.locator(`tr[data-lane="${lane}"]`).innerText()),
      )
      assert.doesNotMatch(rest + socket, /failed/)
      await page.getByRole('button', { name: 'Start the race' }).waitFor()
      await page.getByText('How it is measured').click()
      await assertAccessible(page)
      await assertFits(page)
    })

    test('the question and the number of calls are in the address', async () => {
      await page.goto(at('/protocols'))
      await page.getByRole('radio', { name: 'A product' }).check({ force: true })
      await page.getByRole('radio', { name: '50', exact: true }).check({ force: true })
      await page.waitForURL(/question=product&runs=50/)
      await page.reload()
      assert.ok(await page.getByRole('radio', { name: 'A product' }).isChecked())
    })
  })
}
