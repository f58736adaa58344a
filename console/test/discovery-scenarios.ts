/** The Discovery page on the running system: who is there, heard of when, and whose registration is believed. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import type { System } from '../../system/src/testing.ts'
import { assertAccessible } from './accessible.ts'
import { assertFits } from './fits.ts'

export const discoveryScenarios = (world: () => { context: BrowserContext; system: System }): void => {
  describe('discovery', () => {
    let page: Page
    const at = (path: string) => `${world().system.url('console')}${path}`
    const agent = async (path: string, body?: object) => {
      const response = await fetch(`${world().system.url('discovery')}/v1/agent${path}`, {
        method: 'PUT',
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      assert.equal(response.status, 200, path)
    }

    before(async () => {
      page = await world().context.newPage()
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(at('/discovery'))
    })
    after(async () => {
      await agent('/service/deregister/stranger-1')
      await page.close()
    })

    test('each instance has its ports, a heartbeat some seconds old, and a registration that its service signed', async () => {
      const row = page.locator('tr[data-instance=orders-1]')
      await row.waitFor()
      assert.equal(await row.getAttribute('data-status'), 'passing')
      assert.equal(await row.getAttribute('data-signature'), 'signed')
      assert.match(await row.innerText(), /http \d+[\s\S]*signed by its service/)
      await row.locator('time', { hasText: /^\d+ m?s ago$/ }).waitFor()
      assert.equal(await page.locator('tr[data-instance] td.bad').count(), 0, 'nobody is distrusted')
      await assertAccessible(page)
      await assertFits(page)
    })

    test('what a stranger registers appears by itself, and is not believed; its state is followed', async () => {
      await agent('/service/register', {
        Name: 'orders',
        ID: 'stranger-1',
        Address: '127.0.0.1',
        Port: 9,
        Tags: ['odd'],
        Check: { CheckID: 'stranger', TTL: '60s', Status: 'passing' },
      })
      const row = page.locator('tr[data-instance=stranger-1]')
      await row.locator('.bad', { hasText: 'not signed' }).waitFor()
      await agent('/check/fail/stranger?note=out%20of%20order')
      await page.locator('tr[data-instance=stranger-1][data-status=critical]', { hasText: 'out of order' }).waitFor()
      await page.getByRole('radio', { name: 'Not passing' }).check({ force: true })
      await page.waitForURL(/state=bad/)
      await page.locator('[role=status]', { hasText: '1 instance of 1 service' }).waitFor()
      await assertAccessible(page)
      await page.getByRole('radio', { name: 'All' }).check({ force: true })
    })

    test('found by its port, by the keyboard alone; what is looked for is in the address', async () => {
      const port = new URL(world().system.url('payments')).port
      await page.getByLabel('Find').focus()
      await page.keyboard.type(port)
      await page.waitForURL(new RegExp(`q=${port}`))
      await page.locator('tr[data-instance=orders-1]').waitFor({ state: 'detached' })
      await page.locator('tr[data-instance^=payments-]').first().waitFor()
      await page.reload()
      await page.locator('tr[data-instance^=payments-]').first().waitFor()
    })
  })
}
