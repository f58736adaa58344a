/**
 * The console in a real Chromium, on the whole running system: one walk that places, watches, kills, signs in and out.
 * Its other pages, and what each page owes, are in the slow tests beside this one.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { type System, startSystem } from '../../system/src/testing.ts'
import { assertAccessible } from './accessible.ts'
import { findChromium, startChromium } from './chromium.ts'
import { mapScenarios } from './map-scenarios.ts'
import { signInScenarios } from './sign-in-scenarios.ts'

const executable = findChromium(process.env)
const widths = [390, 768, 1280, 1440]
const patienceMs = 30_000

describe('the page', {
  skip: executable === undefined && 'there is no Chromium on this machine (CHROMIUM_PATH)',
}, () => {
  let system: System
  let browser: Browser
  let context: BrowserContext
  let page: Page
  /** What the page must never do: complain, or ask anybody but its own server. */
  const complaints: string[] = []
  const strangers: string[] = []

  before(async () => {
    ;[system, browser] = await Promise.all([startSystem(), startChromium(executable ?? '')])
    context = await browser.newContext({
      viewport: { width: 1440, height: 900 },
      locale: 'en-GB',
      colorScheme: 'light',
    })
    context.setDefaultTimeout(patienceMs)
    page = await context.newPage()
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => {
      if (!request.url().startsWith(system.url('console'))) strangers.push(request.url())
    })
    await page.goto(`${system.url('console')}/orders`)
    await page.locator('.person-ada button.main:enabled').waitFor()
    await page.locator('.person-boris button.main:enabled').waitFor()
  })
  after(async () => {
    await browser?.close()
    await system?.[Symbol.asyncDispose]()
  })

  type User = 'ada' | 'boris'
  interface Variant {
    readonly payment?: string
    readonly card?: string
    readonly parcel?: string
  }

  /** Fills in the form, places the order, and gives its id. */
  async function place(
    user: User,
    { payment = 'queue', card = 'pm_ok', parcel = 'dm_ok' }: Variant = {},
  ): Promise<string> {
    const form = page.locator(`.person-${user} form`)
    await form.locator('[name=payment]').selectOption(payment)
    await form.locator('[name=card]').selectOption(card)
    await form.locator('[name=parcel]').selectOption(parcel)
    const before = await page.locator('.story').getAttribute('data-order')
    await form.locator('button.main').click()
    await page.waitForFunction((known) => {
      const shown = document.querySelector('.story')?.getAttribute('data-order')
      return shown && shown !== known && location.pathname === `/orders/${shown}`
    }, before)
    return (await page.locator('.story').getAttribute('data-order')) ?? ''
  }

  const open = (id: string) => page.locator(`.chips a[href="/orders/${id}"]`).click()
  const ends = (id: string, status: string) =>
    page.locator(`.story[data-order="${id}"][data-status="${status}"]`).waitFor()
  const rows = () => page.locator('.steps .what').allInnerTexts()

  test('an order in each variant of payment ends as it should, and its story shows how', async () => {
    const variants: [User, Variant, string, RegExp][] = [
      ['boris', { card: 'pm_slow' }, 'completed', /payments → processor: POST \/charges/],
      ['boris', { card: 'pm_timeout_but_charged' }, 'completed', /payment\.completed/],
      ['ada', {}, 'completed', /orders → payment\.charge → payments/],
      ['ada', { payment: 'now' }, 'completed', /orders → payments: ProcessPayment/],
      ['ada', { card: 'pm_declined' }, 'rejected', /payment\.failed/],
      ['boris', { parcel: 'dm_fail' }, 'cancelled', /payment\.refund/],
    ]
    const placed: string[] = []
    for (const [user, variant] of variants) placed.push(await place(user, variant))
    for (const [index, [, variant, status, step]] of variants.entries()) {
      const id = placed[index] ?? ''
      await open(id)
      await ends(id, status)
      await page.waitForFunction(
        (source) =>
          [...document.querySelectorAll('.steps .what')].some((row) => new RegExp(source).test(row.textContent ?? '')),
        step.source,
      )
      // Both at once: that its frames were sent is told up to a second after the order's end.
      const [told = [], drawn] = await page.evaluate(
        () =>
          [
            [...document.querySelectorAll('.steps .what')].map(({ textContent }) => textContent ?? ''),
            document.querySelectorAll('.sequence .row').length,
          ] as const,
      )
      assert.match(told[0] ?? '', /(?:Ada|Boris) → gateway: POST \/orders/, JSON.stringify(variant))
      assert.equal(drawn, told.length, 'the picture shows what the list says')
    }
  })

  test('notifications come in, newest first', async () => {
    const first = await page.locator('.person-ada .notices p span').first().innerText()
    assert.match(first, /Order rejected|Parcel|Order|Payment/)
  })

  test('payments is killed from the page: the order waits, then completes; the page says who was away and for how long', async () => {
    // Payments may be back before a slow browser has placed the order: then nobody was away, and it is killed again.
    for (let round = 1, met = 0; met === 0 && round <= 4; round++) {
      await page.locator('[data-process=payments-1][data-status=ready]').waitFor()
      await page.getByRole('button', { name: 'Kill all of payments' }).click()
      await page.getByRole('button', { name: 'Really kill payments' }).click()
      await page.locator('[data-process^=payments-]:not([data-status=ready])').first().waitFor()
      const id = await place('ada')
      await ends(id, 'completed')
      met = await page.locator('.sequence .outage.down').count()
    }
    await page.locator('.sequence .outage.down').first().waitFor()
    await page.locator('.sequence .outage.back').first().waitFor()
    assert.match(
      await page.locator('.verdict').innerText(),
      /completed after [\d.]+ m?s\. Meanwhile payments was killed .*Nothing was lost\./,
    )
    assert.match((await rows()).join('\n'), /payments-\d.* killed/)
    await page.locator('[data-process=payments-1] .state.good').waitFor()
  })

  test('by the keyboard alone an order is placed and its story opened', async () => {
    await page.goto(`${system.url('console')}/orders`)
    await page.locator('.person-boris button.main:enabled').waitFor()
    const focused = () => page.evaluate(() => document.activeElement?.matches('.person-boris button.main') === true)
    for (let presses = 0; presses < 60 && !(await focused()); presses += 1) await page.keyboard.press('Tab')
    assert.ok(await focused(), 'Tab reaches the button')
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle)
    assert.equal(outline, 'solid', 'the focus can be seen')
    const before = await page.locator('.person-boris .chip').count()
    await page.keyboard.press('Enter')
    await page.waitForFunction((count) => document.querySelectorAll('.person-boris .chip').length > count, before)
    await page.waitForURL(/\/orders\/[\w-]+$/)
  })

  test('the browser’s buttons and a loaded address lead back to the same order', async () => {
    const { pathname } = new URL(page.url())
    await page.getByRole('link', { name: 'Logs', exact: true }).click()
    await page.waitForURL(/\/logs$/)
    await page.goBack()
    await page.reload()
    await page.locator(`.story[data-order="${pathname.split('/').at(-1)}"]`).waitFor()
  })

  test('the log of a process is shown as it is written', async () => {
    await page.locator('[data-process=orders-1]').getByRole('button', { name: 'More about orders-1' }).click()
    await page.getByRole('link', { name: 'Logs of orders-1' }).click()
    await page.locator('.log .message', { hasText: 'orders is ready' }).waitFor()
    await page.goBack()
  })

  test('the console itself is killed from its page, and the page goes on', async () => {
    await page.locator('[data-process=console-1]').getByRole('button', { name: 'Kill console-1' }).click()
    await page.getByRole('button', { name: 'Really kill console-1' }).click()
    await page.locator('.system-state .dot.bad').waitFor()
    await page.locator('.system-state .dot.good').waitFor()
    await page.locator('.person-ada button.main:enabled').waitFor()
    const id = await place('ada')
    await ends(id, 'completed')
    // What the browser says of the line that broke is not a complaint of the page.
    complaints.splice(
      0,
      Number.POSITIVE_INFINITY,
      ...complaints.filter((text) => !/WebSocket|ERR_CONNECTION|Failed to load/.test(text)),
    )
  })

  test('nothing overflows at any width, and every width shows the story', async () => {
    for (const width of widths) {
      await page.setViewportSize({ width, height: 844 })
      const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
      assert.ok((content ?? 0) <= (window ?? 0), `${content} at ${width}`)
      const shown = width < 760 ? '.steps .step' : '.sequence .row'
      // The page draws the other picture after the window has its size, not with it.
      await page.locator(shown).first().waitFor()
    }
  })

  test('nothing moves for those who want no motion', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await place('boris')
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0)
    await page.emulateMedia({ reducedMotion: null })
  })

  test('axe finds no fault, wide and narrow, light and dark', async () => {
    await assertAccessible(page)
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: null })
  })

  mapScenarios(() => ({ context, system }))
  signInScenarios(() => ({ context, system }))

  test('Russian and the dark theme are chosen, and stay chosen', async () => {
    await page.getByRole('radio', { name: 'РУ' }).check({ force: true })
    await page.getByRole('heading', { name: 'Процессы' }).waitFor()
    const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const light = await back()
    await page.getByRole('button', { name: /^Оформление/ }).click()
    await page.getByRole('button', { name: /^Оформление: Светлое/ }).click()
    await page.getByRole('button', { name: /^Оформление: Тёмное/ }).waitFor()
    assert.notEqual(await back(), light)
    const dark = await back()
    await page.reload()
    await page.getByRole('heading', { name: 'Процессы' }).waitFor()
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'ru')
    assert.equal(await back(), dark)
  })

  test('no script can read the session, and no token came to the browser', async () => {
    assert.equal(await page.evaluate(() => document.cookie), '')
    const [cookie] = await context.cookies()
    assert.deepEqual([cookie?.httpOnly, cookie?.sameSite], [true, 'Strict'])
    const stored = await page.evaluate(() => Object.keys(localStorage))
    assert.deepEqual(
      stored.filter((name) => !['svyaz.theme', 'svyaz.language', 'svyaz.side', 'svyaz.keys'].includes(name)),
      [],
    )
  })

  test('a page of another site in the same browser can not kill, nor read', async () => {
    const stranger = await context.newPage()
    // Another port is another origin; the mails' page stands in for any site.
    await stranger.goto(system.url('mail-sink'))
    const address = system.url('console')
    const before = system.instances().find(({ name }) => name === 'orders-1')?.pid
    const outcome = await stranger.evaluate(async (base) => {
      const tried = (options: RequestInit) =>
        fetch(`${base}/api/processes/orders-1/kill`, { method: 'POST', credentials: 'include', ...options }).then(
          ({ status, type }) => `${type} ${status}`,
          () => 'failed',
        )
      return Promise.all([
        tried({ mode: 'no-cors', body: '{}' }),
        tried({ headers: { 'content-type': 'application/json', 'x-svyaz-csrf': 'x' }, body: '{}' }),
      ])
    }, address)
    assert.ok(
      outcome.every((text) => text === 'failed' || text === 'opaque 0'),
      outcome.join(),
    )
    assert.equal(system.instances().find(({ name }) => name === 'orders-1')?.pid, before)
    await stranger.close()
  })

  test('in all this the page complained of nothing and asked nobody else', () => {
    assert.deepEqual(complaints, [])
    assert.deepEqual(strangers, [])
  })
})
