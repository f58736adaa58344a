/** The Topics pages on the running system: records as they come and from any place, and dead letters on their way back. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import { Topics } from '../../lab/observe/topics.ts'
import type { System } from '../../system/src/testing.ts'
import { assertAccessible } from './accessible.ts'
import { assertFits } from './fits.ts'

export const topicsScenarios = (world: () => { context: BrowserContext; system: System }): void => {
  describe('topics', () => {
    let page: Page
    let topics: Topics
    const at = (path: string) => `${world().system.url('console')}${path}`
    /** Something that no consumer of the topic can read. */
    const poison = () =>
      topics.write({
        topic: 'orders.events',
        type: 'order.created',
        source: 'test',
        key: 'poison',
        data: { no: 'order' },
      })

    before(async () => {
      page = await world().context.newPage()
      await page.setViewportSize({ width: 1440, height: 900 })
      topics = new Topics([new URL(world().system.url('broker', 'kafka')).host], 'console-test')
    })
    after(() => page.close())

    test('every topic is listed with who reads it; one leads to its records, and new ones come in by themselves', async () => {
      await page.goto(at('/topics'))
      const row = page.locator('tr[data-topic="orders.events"]')
      assert.match(await row.innerText(), /events[\s\S]*delivery[\s\S]*inventory[\s\S]*payments/)
      await assertAccessible(page)
      await assertFits(page)
      await row.getByRole('link').focus()
      await page.keyboard.press('Enter')
      await page.waitForURL(/\/topics\/orders\.events$/)
      await page.locator('tr[data-group=payments]', { hasText: 'payments-1' }).waitFor()
      await page.locator('.records').waitFor()
      await poison()
      await page.locator('.records li', { hasText: 'poison' }).first().waitFor()
    })

    test('a record opens to its headers and its value, by the keyboard', async () => {
      const summary = page.locator('.records li', { hasText: 'poison' }).first().locator('summary')
      await summary.focus()
      await page.keyboard.press('Enter')
      await page.locator('details[open] .record dt', { hasText: 'ce_source' }).waitFor()
      assert.match(await page.locator('details[open] .record pre').innerText(), /"no": "order"/)
      await assertAccessible(page)
      await assertFits(page)
    })

    test('records are found by key and header, from an offset and from a time', async () => {
      const rows = page.locator('.records li')
      const onlyPoison = () =>
        page.waitForFunction(() => {
          const all = [...document.querySelectorAll('.records li')]
          return all.length > 0 && all.every((row) => /poison/.test(row.textContent ?? ''))
        })
      await page.goto(at('/topics/orders.events?key=poison'))
      await onlyPoison()
      await page.goto(at('/topics/orders.events?header=ce_source%3Dtest'))
      await onlyPoison()
      await page.getByLabel('Header').fill('ce_source=nobody')
      await page.getByText('No record is like that.').waitFor()
      await page.goto(at('/topics/orders.events?path=no%3Dorder'))
      await onlyPoison()
      await page.getByLabel('Value', { exact: true }).fill('no=body')
      await page.getByText('No record is like that.').waitFor()
      await page.goto(at('/topics/orders.events?key=poison'))
      await rows.first().waitFor()
      const place = await rows.first().locator('.offset').innerText()
      const [partition = '', offset = ''] = place.split('/')
      await page.goto(at(`/topics/orders.events?from=offset&partition=${partition}&offset=${offset}`))
      await page.locator('.records .offset', { hasText: place }).waitFor()
      assert.equal(await rows.last().locator('.offset').innerText(), place, 'nothing from before it')
      await page.goto(at('/topics/orders.events?from=time&time=2100-01-01T00:00:00'))
      await page.getByText('No record is like that.').waitFor()
    })

    test('a record is written: one that breaks the contract is refused, one that keeps it is confirmed, shown and logged', async () => {
      await page.goto(at('/topics/users.events'))
      await page.getByText('Write a record').click()
      await page.getByLabel('Type').selectOption('user.unblocked')
      const [key, at1] = ['01a21afc-6fce-7a12-8a17-aa4fda13a69b', '2026-11-27T12:00:00.000Z']
      await page.getByLabel('Key: user id').fill(key)
      const write = async (value: object) => {
        await page.getByLabel('Value, as JSON').fill(JSON.stringify(value))
        await page.getByRole('button', { name: 'Write it' }).click()
        await page.getByRole('button', { name: 'Really write to users.events' }).click()
      }
      await write({ userId: key })
      await page.locator('.write-form .error', { hasText: 'version' }).waitFor()
      await assertAccessible(page)
      await assertFits(page)
      await write({ userId: key, version: 1, at: at1 })
      await page.locator('.write-form', { hasText: 'Written: ' }).waitFor()
      await page.locator('.records li', { hasText: key }).first().waitFor()
      const written = (await topics.read('users.events')).filter((record) => record.key === key)
      assert.deepEqual(
        written.map(({ type, headers, data }) => [type, headers.ce_source, data.version]),
        [['user.unblocked', '/operator', 1]],
      )
      await page.getByRole('button', { name: 'What was done' }).click()
      await page.locator('.activity-list li', { hasText: 'users.events written to' }).first().waitFor()
      await page.keyboard.press('Escape')
    })

    test('dead letters are one cause, a dry run sends nothing, a replay is confirmed, told and logged', async () => {
      await page.goto(at('/topics?view=dead'))
      const cause = page.locator('.cause[data-consumer=inventory]')
      await cause.waitFor()
      await assertAccessible(page)
      await assertFits(page)
      const length = async () => (await topics.read('orders.events')).length
      const before = await length()
      await cause.getByRole('button', { name: 'Dry run' }).click()
      await cause.locator('[data-outcome="would be sent"]').first().waitFor()
      assert.equal(await length(), before)
      await cause.getByRole('button', { name: /^Send \d+ back$/ }).click()
      await cause.getByRole('button', { name: /^Really send/ }).click()
      await cause.locator('[data-outcome="failed again"], [data-outcome=waiting]').first().waitFor()
      assert.ok((await length()) > before, 'it went back into its topic')
      await page.getByRole('button', { name: 'What was done' }).click()
      await page.locator('.activity-list li', { hasText: 'orders.events replayed' }).first().waitFor()
      await page.keyboard.press('Escape')
    })
  })
}
