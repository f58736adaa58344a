/** The API page on the running system: each kind is asked by its form, and watched as it comes. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import type { System } from '../../system/src/testing.ts'
import { assertAccessible } from './accessible.ts'
import { assertFits } from './fits.ts'

export const explorerScenarios = (
  world: () => {
    context: BrowserContext
    system: Pick<System, 'url'>
  },
): void => {
  describe('the API page', () => {
    let page: Page
    const at = (path: string) => `${world().system.url('console')}/explorer${path}`
    const answer = () => page.locator('.explorer-answer')
    const send = () => page.getByRole('button', { name: 'Send', exact: true }).click()

    before(async () => {
      page = await world().context.newPage()
      await page.setViewportSize({ width: 1440, height: 900 })
    })
    after(() => page.close())

    test('an operation is asked by its form, as nobody, and leads to its trace and to curl', async () => {
      await page.goto(at('/rest/listProducts?as=nobody'))
      await page.getByLabel('limit').fill('1')
      await page.waitForURL(/query\.limit=1/)
      await send()
      await answer().getByText('200', { exact: true }).waitFor()
      assert.match(await answer().locator('pre').innerText(), /"id": "P-\d+"/)
      assert.match(
        (await answer().getByRole('link', { name: 'Trace' }).getAttribute('href')) ?? '',
        /^\/traces\/\w{32}$/,
      )
      await page.getByText('As curl').click()
      assert.match(await page.locator('.command pre').innerText(), /^curl -s 'http:\S+\/products\?limit=1'$/)
      await assertAccessible(page)
      await assertFits(page)
    })

    test('an order is placed by two touches, by the keyboard, and is kept in the activity log', async () => {
      await page.goto(at('/rest/createOrder?as=ada'))
      await page.getByText('This changes something on the running system').waitFor()
      const button = page.getByRole('button', { name: /^Send POST \/orders/ })
      await page.locator('[data-field=items] textarea', { hasText: 'P-' }).waitFor()
      await button.focus()
      await page.keyboard.press('Enter')
      assert.equal(await answer().count(), 0, 'one touch sends nothing')
      await page.keyboard.press('Enter')
      await answer().getByText('201', { exact: true }).waitFor()
      await page.getByRole('button', { name: 'What was done' }).click()
      await page.locator('.activity-list li', { hasText: 'POST /orders asked for' }).first().waitFor()
      await page.keyboard.press('Escape')
    })

    test('a form says what doesn’t fit, and a refusal is an answer', async () => {
      await page.goto(at('/rest/getOrder?as=nobody&path.id=nonsense'))
      await send()
      await answer().getByText('401', { exact: true }).waitFor()
      await page.goto(at('/rest/createOrder?as=ada'))
      await page.locator('[data-field=items] textarea').fill('[')
      await page.getByText('Doesn’t fit yet: items').waitFor()
      assert.ok(await page.getByRole('button', { name: /^Send POST \/orders/ }).isDisabled())
    })

    test('the graph answers a question, and one that is made of its schema', async () => {
      await page.goto(at('/graphql?as=ada'))
      await page.getByLabel('Question').focus()
      await page.keyboard.press('Control+Enter')
      await answer().locator('pre', { hasText: '"name": "Ada"' }).waitFor()
      await page.getByRole('button', { name: 'Ask for product', exact: true }).click()
      await page.waitForURL(/query=/)
      await page.getByRole('button', { name: /^Run/ }).click()
      await answer().locator('pre', { hasText: '"product": {' }).waitFor()
      await page.getByRole('button', { name: 'Product', exact: true }).first().click()
      await page.locator('[data-type=Product]').getByRole('button', { name: 'Money!' }).click()
      await page.locator('[data-type=Money][open]', { hasText: 'amountMinor' }).waitFor()
      await assertAccessible(page)
      await assertFits(page)
    })

    test('a gRPC method answers, and one that streams is watched to its end', async () => {
      await page.goto(at('/grpc/svyaz.inventory.v1.InventoryService/CheckAvailability?as=ada'))
      await page.locator('[data-field=lines] textarea', { hasText: 'P-' }).waitFor()
      await send()
      await answer().getByText('0 OK').waitFor()
      assert.match(await answer().locator('pre').innerText(), /"known": true/)
      await page.getByText('As grpcurl').click()
      await assertAccessible(page)
      await assertFits(page)
      await page.goto(at('/grpc/svyaz.orders.v1.OrderService/FollowOrder?as=ada'))
      await page.waitForFunction(() => document.querySelector<HTMLInputElement>('[data-field=id] input')?.value !== '')
      await page.getByRole('button', { name: 'Watch' }).click()
      await page.locator('.watched li[data-kind=message]', { hasText: '"status":"' }).first().waitFor()
      await page.goto(at('/grpc/svyaz.users.v1.UserService/GetUser'))
      await page.getByText('between services only').waitFor()
    })

    test('a socket is watched as a user, a topic as it is written', async () => {
      await page.goto(at('/channels/notifications.stream?as=ada'))
      await page.getByRole('button', { name: 'Watch' }).click()
      await page.locator('.watched li', { hasText: '"type":"hello"' }).waitFor()
      await assertAccessible(page)
      await assertFits(page)
      await page.goto(at('/channels/orders.events'))
      await page.locator('.schema-table summary', { hasText: 'order.created' }).click()
      await page.getByRole('rowheader', { name: 'orderId' }).first().waitFor()
      await assertFits(page)
    })

    test('the page is in Russian too', async () => {
      await page.goto(at('/rest/listProducts?as=nobody'))
      await page.getByRole('radio', { name: 'РУ' }).check({ force: true })
      await page.getByRole('button', { name: 'Отправить', exact: true }).waitFor()
      await page.getByRole('radio', { name: 'EN' }).check({ force: true })
      await page.getByRole('button', { name: 'Send', exact: true }).waitFor()
    })
  })
}
