/** A service that hangs, on the map: the breaker of those that call it opens on its edge, and closes when it is back. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import type { System } from '../../system/src/testing.ts'
import { assertAccessible } from './accessible.ts'

/** More than a breaker judges before it opens (callPolicy of the kit). */
const orders = 16
/** Each of them waits until its call is given up. */
const patienceMs = 60_000

export const breakerScenarios = (world: () => { context: BrowserContext; system: System }): void => {
  describe('breakers on the map', () => {
    let page: Page
    let token = ''
    const gateway = (path: string, body: object) =>
      fetch(`${world().system.url('gateway')}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token !== '' && { authorization: `Bearer ${token}` }) },
        body: JSON.stringify(body),
      })
    const order = async () =>
      (await gateway('/orders', { items: [{ productId: 'P-1001', quantity: 1 }] })).body?.cancel()
    const panel = () => page.locator('.map-panel')

    before(async () => {
      const account = { email: `bea.${randomUUID()}@example.org`, password: 'correct horse' }
      assert.equal((await gateway('/users', { ...account, name: 'Bea' })).status, 201)
      token = ((await (await gateway('/auth/login', account)).json()) as { accessToken: string }).accessToken
      page = await world().context.newPage()
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(`${world().system.url('console')}/?node=service:inventory`)
    })
    after(async () => {
      await world().system.resume('inventory')
      await page.close()
    })

    test('inventory is paused from the map: the breaker of orders opens, on its edge and in the table', async () => {
      // What passed during the last minute has a row in the table.
      await order()
      await panel().getByRole('button', { name: 'More about inventory-1' }).click()
      await panel().getByRole('button', { name: 'Pause inventory-1' }).click()
      await panel().locator('[data-process=inventory-1][data-status=paused]').waitFor()
      await Promise.all(Array.from({ length: orders }, order))
      await page.locator('.edges .breaker').first().waitFor({ state: 'attached', timeout: patienceMs })
      await assertAccessible(page)
      await page.getByRole('radio', { name: 'Table' }).check({ force: true })
      await page
        .locator('.edges-table tr', { hasText: /orders[\s\S]*inventory[\s\S]*breaker: / })
        .first()
        .waitFor()
      await page.getByRole('radio', { name: 'Picture' }).check({ force: true })
    })

    test('it goes on, orders are taken, and the breaker closes', async () => {
      await panel().getByRole('button', { name: 'Resume inventory-1' }).click()
      await panel().locator('[data-process=inventory-1][data-status=ready]').waitFor()
      const marks = page.locator('.edges .breaker')
      // Each of them is one probe at most; two must succeed, and the page reads the breakers every few seconds.
      for (let round = 0; round < 40 && (await marks.count()) > 0; round += 1) {
        await order()
        await page.waitForResponse((response) => response.url().includes('/api/telemetry'))
      }
      assert.equal(await marks.count(), 0)
    })
  })
}
