/** What every page of the console owes: it survives a part that fails, spares what is touched by mistake, and can be seen. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import type { System } from '../../system/src/testing.ts'
import { assertAccessible } from './accessible.ts'

const fingerPx = 44

export const frameScenarios = (world: () => { context: BrowserContext; system: System }): void => {
  describe('the frame of the page', () => {
    let page: Page
    /** What this page changed: paths of its POST requests. */
    const posted: string[] = []
    const at = (path: string) => `${world().system.url('console')}${path}`
    const ready = () => page.locator('.person-ada button.main:enabled').waitFor()

    before(async () => {
      page = await world().context.newPage()
      page.on('request', (request) => {
        if (request.method() === 'POST') posted.push(new URL(request.url()).pathname)
      })
      await page.goto(at('/orders'))
      await ready()
    })
    after(() => page.close())

    test('a tab that doesn’t load says so, leaves the others, and is loaded by the keyboard', async () => {
      await page.route('**/assets/page-*.js', (route) => route.abort())
      await page.getByRole('link', { name: 'Relay', exact: true }).click()
      await page.getByRole('alert').getByRole('heading', { name: 'This page could not be shown' }).waitFor()
      await assertAccessible(page)
      await page.getByRole('link', { name: 'Orders', exact: true }).click()
      await ready()
      await page.getByRole('link', { name: 'Relay', exact: true }).click()
      await page.getByRole('button', { name: 'Reload the page' }).focus()
      await page.unroute('**/assets/page-*.js')
      await page.keyboard.press('Enter')
      await page.locator('.relay-page').waitFor()
    })

    /** Until the page is loaded again, the server is one of another build: `/` names another entry, parts are gone. */
    const upgrade = async () => {
      let old = true
      await page.route('**/assets/page-*.js', (route) => (old ? route.fulfill({ status: 404 }) : route.continue()))
      await page.route(
        (url) => url.pathname === '/',
        (route) => route.fulfill({ body: '<script type="module" src="/assets/index-another.js"></script>' }),
      )
      await page.route('**/first.js', (route) => {
        old = false
        return route.continue()
      })
    }
    const mark = () => page.evaluate(() => document.documentElement.setAttribute('data-old', ''))
    const loadedAgain = () => page.locator('html:not([data-old])').waitFor()

    test('a page of an older build loads the new one when a part of it is gone', async () => {
      await page.goto(at('/orders'))
      await ready()
      await mark()
      await upgrade()
      await page.getByRole('link', { name: 'Logs', exact: true }).click()
      await loadedAgain()
      await page.locator('.logs-page').waitFor()
      assert.equal(new URL(page.url()).pathname, '/logs')
      await page.unrouteAll()
    })

    test('a page of an older build loads the new one when its server comes back', async () => {
      let drop: (() => Promise<void>) | undefined
      await page.routeWebSocket('**/api/live', (line) => {
        line.connectToServer()
        drop = () => line.close({ code: 1001 })
      })
      await page.goto(at('/relay'))
      await page.locator('.system-state .dot.good').waitFor()
      await mark()
      await upgrade()
      await drop?.()
      await loadedAgain()
      await page.locator('.relay-page').waitFor()
      await page.unrouteAll()
    })

    test('an address that nothing is at says so, and leads on', async () => {
      for (const path of ['/nonsense', '/orders/a/b', '/relay/more']) {
        await page.goto(at(path))
        await page.getByRole('heading', { name: 'There is nothing here', level: 2 }).waitFor()
        assert.equal(await page.locator('.people').count(), 0)
        assert.match(await page.locator('.aside').innerText(), new RegExp(path))
        assert.match(await page.title(), /nothing here/)
      }
      await assertAccessible(page)
      await page.locator('.aside').getByRole('link', { name: 'Orders' }).focus()
      await page.keyboard.press('Enter')
      await ready()
    })

    test('nothing is killed for an order that can’t be placed', async () => {
      posted.length = 0
      const form = page.locator('.person-ada form')
      for (const quantity of ['', '0', '1001', '1.5']) {
        await form.locator('[name=quantity]').fill(quantity)
        await form.getByRole('button', { name: 'Kill payments, then order' }).click()
        assert.ok(await page.evaluate(() => document.activeElement?.matches('[name=quantity]:invalid')), quantity)
      }
      await form.locator('[name=quantity]').fill('1')
      assert.deepEqual(posted, [])
    })

    test('a kill takes two touches; a double click, a key held, Escape and a look elsewhere kill nothing', async () => {
      posted.length = 0
      const row = page.locator('[data-process=mail-sink-1]')
      const kill = row.getByRole('button', { name: 'Kill mail-sink-1', exact: true })
      const really = row.getByRole('button', { name: 'Really kill mail-sink-1' })
      await kill.dblclick()
      await really.waitFor()
      await page.keyboard.press('Escape')
      await kill.press('Enter')
      await really.waitFor()
      await page.keyboard.press('Tab')
      await kill.focus()
      await page.keyboard.down('Enter')
      await page.keyboard.down('Enter')
      await page.keyboard.up('Enter')
      await really.waitFor()
      await assertAccessible(page)
      // The look may have taken longer than a kill waits for its second touch.
      await page.keyboard.press('Escape')
      await kill.press('Enter')
      assert.deepEqual(posted, [])
      await really.press('Enter')
      await page.locator('[data-process=mail-sink-1]:not([data-status=ready])').waitFor()
      assert.deepEqual(posted, ['/api/processes/mail-sink-1/kill'])
      await page.locator('[data-process=mail-sink-1][data-status=ready]').waitFor()
    })

    test('what is selected differs from what isn’t by 3 : 1, in light and dark', async () => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
        const ratios = await page.evaluate(() => {
          const luminance = (element: Element) => {
            const numbers = getComputedStyle(element).backgroundColor.match(/[\d.]+/g) ?? []
            const [r = 0, g = 0, b = 0] = numbers.slice(0, 3).map((text) => {
              const part = Number(text) / 255
              return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
            })
            return 0.2126 * r + 0.7152 * g + 0.0722 * b
          }
          return [...document.querySelectorAll('.switch')].map((group) => {
            const chosen = group.querySelector('input:checked + span') ?? group
            const [low = 0, high = 0] = [luminance(group), luminance(chosen)].sort((a, b) => a - b)
            return (high + 0.05) / (low + 0.05)
          })
        })
        assert.ok(ratios.length >= 2)
        assert.deepEqual(
          ratios.filter((ratio) => ratio < 3),
          [],
          colorScheme,
        )
      }
    })

    test('in forced colours every state has a shape of its own, and what is selected shows', async () => {
      await page.emulateMedia({ forcedColors: 'active', reducedMotion: 'reduce' })
      await page.locator('.person-ada button.main').click()
      await page.locator('.chip[aria-current]').waitFor()
      const looks = await page.evaluate(() => {
        const canvas = getComputedStyle(document.body).backgroundColor
        const of = (element: Element) => getComputedStyle(element)
        const dots = ['good', 'busy', 'bad'].map((state) => {
          const dot = document.createElement('span')
          dot.className = `dot ${state}`
          document.querySelector('.system-state')?.append(dot)
          const { backgroundColor, borderTopWidth, borderTopColor, borderTopLeftRadius } = of(dot)
          const filled = backgroundColor !== canvas && backgroundColor !== 'rgba(0, 0, 0, 0)'
          const seen = filled || (borderTopWidth !== '0px' && borderTopColor !== canvas)
          dot.remove()
          return { seen, look: `${filled} ${borderTopLeftRadius}` }
        })
        const differs = (chosen: string, others: string) => {
          const [one, other] = [document.querySelector(chosen), document.querySelector(others)]
          return one !== null && other !== null && of(one).backgroundColor !== of(other).backgroundColor
        }
        return {
          seen: dots.map(({ seen }) => seen),
          looks: new Set(dots.map(({ look }) => look)).size,
          segment: differs('.switch input:checked + span', '.switch input:not(:checked) + span'),
          tab: differs('.tabs a[aria-current]', '.tabs a:not([aria-current])'),
          chip: differs('.chip[aria-current]', '.card'),
          status: of(document.querySelector('.status') ?? document.body).borderTopWidth,
        }
      })
      assert.deepEqual(looks, {
        seen: [true, true, true],
        looks: 3,
        segment: true,
        tab: true,
        chip: true,
        status: '1px',
      })
      await page.emulateMedia({ forcedColors: null })
    })

    test('at 390 px no time is cut, and every page is two touches away, in both languages', async () => {
      for (let count = await page.locator('.person-ada .chip').count(); count < 3; count += 1) {
        await page.locator('.person-ada button.main:enabled').click()
        await page.locator('.person-ada .chip').nth(count).waitFor()
      }
      await page.locator('.story[data-status=completed]').waitFor()
      await page.setViewportSize({ width: 390, height: 844 })
      for (const language of ['РУ', 'EN']) {
        await page.getByRole('radio', { name: language }).check({ force: true })
        const [tops, cut, times] = await page.evaluate(() => {
          const boxes = [...document.querySelectorAll('.bar > *')].map((part) => part.getBoundingClientRect())
          const middles = boxes.map(({ top, bottom }) => Math.round((top + bottom) / 20))
          const shown = [...document.querySelectorAll('time')].filter((time) => time.checkVisibility())
          const isCut = (time: Element) => {
            const { left, right } = time.getBoundingClientRect()
            for (let box = time.parentElement; box !== null; box = box.parentElement) {
              const edge = box.getBoundingClientRect()
              if (getComputedStyle(box).overflowX !== 'visible' && (right > edge.right + 1 || left < edge.left - 1))
                return true
            }
            return right > innerWidth
          }
          return [new Set(middles).size, shown.filter(isCut).map((time) => time.outerHTML), shown.length] as const
        })
        assert.equal(tops, 1, language)
        await page.locator('.bottom button').click()
        await page.locator('dialog .menu-sheet').waitFor()
        const pages = await page.locator('dialog .menu-sheet section a').evaluateAll((links) => links.length)
        assert.equal(pages, await page.locator('.side .tabs a').count(), `${language}: every page`)
        await page.keyboard.press('Escape')
        await page.locator('dialog').waitFor({ state: 'detached' })
        assert.ok(times > 4)
        assert.deepEqual(cut, [], language)
      }
      await page.setViewportSize({ width: 1440, height: 900 })
    })

    test('a finger finds everything: 44 px, where the pointer is a finger', async () => {
      const browser = world().context.browser()
      const touched = await browser?.newContext({
        hasTouch: true,
        isMobile: true,
        viewport: { width: 390, height: 844 },
      })
      const phone = await touched?.newPage()
      assert.ok(phone)
      await phone.goto(at('/orders'))
      await phone.locator('.person-ada button.main:enabled').waitFor()
      await phone.getByRole('button', { name: 'More about orders-1' }).tap()
      const small = await phone.evaluate((least) => {
        const all = document.querySelectorAll(
          'button, select, input[type=number], .switch span, nav a, .more a, .brand',
        )
        const shown = [...all].filter((element) => element.checkVisibility())
        return {
          count: shown.length,
          small: shown
            .filter((element) => element.getBoundingClientRect().height < least)
            .concat(shown.filter((e) => e.matches('button, .switch span') && e.getBoundingClientRect().width < least))
            .map((element) => element.outerHTML.slice(0, 120)),
          wide: document.documentElement.scrollWidth,
        }
      }, fingerPx)
      assert.ok(small.count > 50)
      assert.deepEqual(small.small, [])
      assert.ok(small.wide <= 390, `${small.wide}`)
      await touched?.close()
    })

    test('a log opens at its newest line and follows, until somebody scrolls up; a key brings it back', async () => {
      await page.setViewportSize({ width: 1440, height: 420 })
      await page.goto(at('/logs/gateway-1'))
      const log = page.locator('.log')
      const fromEnd = () => log.evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight)
      const lines = () => page.locator('.log .line').count()
      const another = async () => {
        const before = await log.evaluate((box) => box.lastElementChild?.textContent)
        await fetch(`${world().system.url('gateway')}/products?q=newest`)
        await page.waitForFunction(
          (known) => document.querySelector('.log')?.lastElementChild?.textContent !== known,
          before,
        )
      }
      await page.waitForFunction(() => {
        const box = document.querySelector('.log')
        return box !== null && box.scrollHeight > 2 * box.clientHeight
      })
      assert.ok((await fromEnd()) < 2, `opens ${await fromEnd()} px from the end of ${await lines()} lines`)
      await another()
      assert.ok((await fromEnd()) < 2, 'follows')
      await log.focus()
      await page.keyboard.press('Home')
      const newest = page.getByRole('button', { name: 'Newest' })
      await newest.waitFor()
      await another()
      assert.equal(await log.evaluate((box) => box.scrollTop), 0, 'stays where the person reads')
      await assertAccessible(page)
      await page.keyboard.press('Tab')
      assert.ok(await newest.evaluate((button) => button === document.activeElement), 'the next stop of the keyboard')
      await page.keyboard.press('Enter')
      await newest.waitFor({ state: 'detached' })
      await another()
      assert.ok((await fromEnd()) < 2, 'follows again')
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: null })
    })
  })
}
