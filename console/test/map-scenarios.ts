/** The map and the frame around it on the running system: by mouse and by the keyboard alone. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { TelemetryReply } from '@svyaz/contracts/telemetry.ts'
import type { BrowserContext, Page } from 'playwright-core'
import type { System } from '../../system/src/testing.ts'
import { assertAccessible } from './accessible.ts'
import { assertFits } from './fits.ts'

export const mapScenarios = (world: () => { context: BrowserContext; system: System }): void => {
  describe('the map', () => {
    let page: Page
    /** Bytes of each file that the first view took, as they came over the line. */
    const taken = new Map<string, number>()
    const at = (path: string) => `${world().system.url('console')}${path}`
    const node = (id: string) => page.locator(`.node[data-node="${id}"]`)

    before(async () => {
      page = await world().context.newPage()
      await page.setViewportSize({ width: 1440, height: 900 })
      page.on('response', (response) => {
        if (/\.(?:js|css|svg)$|\/$/.test(new URL(response.url()).pathname))
          taken.set(response.url(), Number(response.headers()['content-length'] ?? 0))
      })
      await page.goto(at('/'))
    })
    after(() => page.close())

    test('the first view takes at most 120 kB', async () => {
      await node('service:orders').waitFor()
      const bytes = [...taken.values()].reduce((sum, one) => sum + one, 0)
      assert.ok(taken.size > 5, 'parts were counted')
      assert.ok(bytes <= 120_000, `${bytes} bytes: ${[...taken].map(([url, size]) => `${url} ${size}`).join(', ')}`)
    })

    test('it is the first page, and shows every service and topic before anything passes', async () => {
      for (const id of [
        'client',
        'service:orders',
        'topic:orders.events',
        'topic:payments.tasks',
        'external:mail-sink',
      ])
        await node(id).waitFor()
      assert.equal(await page.title(), 'Map · Svyaz')
      assert.equal(await node('service:orders').getAttribute('data-health'), 'good')
    })

    test('an order that is placed there moves along the edges', async () => {
      await page.locator('button.place:enabled').click()
      await page.waitForFunction(() => {
        const canvas = document.querySelector<HTMLCanvasElement>('canvas.dots')
        const pixels = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? []
        return pixels.some((value, index) => index % 4 === 3 && value > 200)
      })
      await page.locator('.edges path.message:not([data-flow="0"])').first().waitFor({ state: 'attached' })
      await page.locator('.edges path.task:not([data-flow="0"])').first().waitFor({ state: 'attached' })
    })

    test('figures of nodes with failures are not cut, on a desk and on a phone', async () => {
      const failing = await world().context.newPage()
      // Whatever passes: seldom, slowly, and each time it fails.
      await failing.route('**/api/telemetry/edges?*', async (route) => {
        const response = await route.fetch()
        const edges = (await response.json()) as TelemetryReply<'edges'>
        const nodes = edges.nodes.map((one) => ({ ...one, count: 1, errors: 1, p50Ms: 1_240 }))
        await route.fulfill({
          response,
          json: { ...edges, nodes, edges: edges.edges.map(({ waiting: _, ...one }) => one) },
        })
      })
      for (const width of [1440, 390]) {
        await failing.setViewportSize({ width, height: 844 })
        await failing.goto(at('/'))
        await failing.locator('.node[data-node="service:orders"] .fact.bad').waitFor()
        const [facts, cut] = await failing.evaluate(() => {
          const facts = [...document.querySelectorAll('.node:not(.client) .fact')]
          const isCut = (fact: Element) =>
            fact.scrollWidth > fact.clientWidth ||
            fact.getBoundingClientRect().bottom > (fact.parentElement?.getBoundingClientRect().bottom ?? 0) - 1
          return [facts.length, facts.filter(isCut).map((fact) => fact.parentElement?.textContent)] as const
        })
        assert.ok(facts > 5, `${facts} figures at ${width}`)
        assert.deepEqual(cut, [], `at ${width}`)
      }
      await failing.close()
    })

    test('a service is killed on the map, is seen away, and comes back; the activity log has it', async () => {
      await node('service:payments').click()
      await page.waitForURL(/node=service/)
      const panel = page.locator('.map-panel')
      await panel.getByRole('button', { name: 'Kill all of payments' }).click()
      await panel.getByRole('button', { name: 'Really kill payments' }).click()
      await page.locator('.node[data-node="service:payments"]:not([data-health=good])').waitFor()
      await page.locator('.node[data-node="service:payments"][data-health=good]').waitFor()
      await page.getByRole('button', { name: 'What was done' }).click()
      await page.locator('.activity-list li', { hasText: 'payments killed' }).first().waitFor()
      await page.keyboard.press('Escape')
      await page.locator('dialog').waitFor({ state: 'detached' })
      await page.keyboard.press('Escape')
      await panel.waitFor({ state: 'detached' })
    })

    test('what passes can be read as a table', async () => {
      await page.getByRole('radio', { name: 'Table' }).check({ force: true })
      await page.waitForURL(/view=table/)
      const row = page.locator('.edges-table tr', { hasText: 'orders.events' }).first()
      assert.match(await row.innerText(), /orders\.events[\s\S]*event[\s\S]*\d/)
      await page.getByRole('radio', { name: 'Picture' }).check({ force: true })
    })

    test('the past is paused, stepped through and played, and is the same for whoever looks', async () => {
      const bar = page.locator('.time-bar')
      const fallen = page.locator('.node[data-node="service:payments"]:not([data-health=good])')
      // The last thing that was touched is a button, which a space bar would press.
      await page.locator('main').focus()
      await page.keyboard.press('Space')
      await page.waitForURL(/[?&]at=/)
      const shown = () =>
        page.waitForFunction(() => {
          const asked = new URLSearchParams(location.search).get('at')
          return asked !== null && document.querySelector('.map-page')?.getAttribute('data-moment') === asked
        })
      await shown()
      for (let steps = 0; steps < 60 && (await fallen.count()) === 0; steps += 1) {
        await page.keyboard.press('ArrowLeft')
        await shown()
      }
      await fallen.waitFor()
      const moment = new URL(page.url()).searchParams.get('at')
      await page.reload()
      await fallen.waitFor()
      assert.equal(new URL(page.url()).searchParams.get('at'), moment)
      const other = await world().context.newPage()
      await other.goto(page.url())
      await other.locator('.node[data-node="service:payments"]:not([data-health=good])').waitFor()
      await other.close()

      await fallen.click()
      const panel = page.locator('.map-panel')
      await panel.locator('.panel-edges li', { hasText: 'payments-1' }).first().waitFor()
      assert.equal(await panel.getByRole('button', { name: /Kill/ }).count(), 0, 'nothing can be done to the past')
      await assertAccessible(page)
      await assertFits(page)
      await page.keyboard.press('Escape')
      await panel.waitFor({ state: 'detached' })

      await page.getByRole('radio', { name: '16×' }).check({ force: true })
      await bar.getByRole('button', { name: 'Play' }).click()
      await page.waitForURL((url) => !url.searchParams.has('at'))
      await page.locator('.node[data-node="service:payments"][data-health=good]').waitFor()
      await bar.getByRole('slider').focus()
      await page.keyboard.press('ArrowLeft')
      await page.waitForURL(/[?&]at=/)
      await page.getByRole('button', { name: 'Back to now' }).click()
      await page.waitForURL((url) => !url.searchParams.has('at'))
    })

    test('by the keyboard alone: a page by its letters, a process by the palette, the map of shortcuts', async () => {
      await page.keyboard.press('g')
      await page.keyboard.press('l')
      await page.waitForURL(/\/logs$/)
      await page.keyboard.press('Control+k')
      const field = page.getByRole('combobox', { name: 'Find anything' })
      await field.waitFor()
      await page.keyboard.type('inventory')
      await page.locator('[role=option][aria-selected=true]', { hasText: 'inventory' }).waitFor()
      await page.keyboard.press('Enter')
      await page.waitForURL(/node=inventory/)
      await page.locator('.map-panel h2', { hasText: 'inventory' }).waitFor()
      await page.keyboard.press('?')
      await page.locator('dialog .key-list').waitFor()
      await page.keyboard.press('Escape')
      await page.locator('dialog').waitFor({ state: 'detached' })
      await page.keyboard.press('Escape')
      await page.locator('.map-panel').waitFor({ state: 'detached' })
      const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-node') ?? '')
      for (let presses = 0; presses < 150 && (await focused()) !== 'service:orders'; presses += 1)
        await page.keyboard.press('Tab')
      assert.equal(await focused(), 'service:orders', 'Tab reaches a node')
      await page.keyboard.press('Enter')
      await page.locator('.map-panel h2', { hasText: 'orders' }).waitFor()
    })

    test('axe finds no fault, with the panel and with what opens over the page; nothing overflows', async () => {
      await assertAccessible(page)
      for (const key of ['Control+k', '?']) {
        await page.keyboard.press(key)
        await page.locator('dialog[open]').waitFor()
        await assertAccessible(page)
        await page.keyboard.press('Escape')
        await page.locator('dialog').waitFor({ state: 'detached' })
      }
      for (const width of [320, 390, 768, 1280, 1440]) {
        await page.setViewportSize({ width, height: 844 })
        const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
        assert.ok((content ?? 0) <= (window ?? 0), `${content} at ${width}`)
      }
      await page.setViewportSize({ width: 1440, height: 900 })
    })

    test('for those who want no motion nothing moves, and the figures say what passes', async () => {
      await page.emulateMedia({ reducedMotion: 'reduce' })
      await page.goto(at('/'))
      await page.locator('button.place:enabled').click()
      await page.waitForFunction(() => /\d/.test(document.querySelector('.map-totals')?.textContent ?? ''))
      assert.equal(await page.evaluate(() => document.getAnimations().length), 0)
      const drawn = await page.evaluate(() => {
        const canvas = document.querySelector<HTMLCanvasElement>('canvas.dots')
        const pixels = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? []
        return pixels.some((value) => value > 0)
      })
      assert.equal(drawn, false)
      await page.emulateMedia({ reducedMotion: null })
    })
  })
}
