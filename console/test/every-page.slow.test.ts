/**
 * Every page of the console, by one table: what axe finds, what sticks out, what can be seen in forced colours, where Tab
 * leads, what is said in which language, and how much is loaded. On a running system of its own, in a real Chromium.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { type System, startSystem } from '../../system/src/testing.ts'
import { assertAccessible } from './accessible.ts'
import { findChromium, startChromium } from './chromium.ts'
import { assertFits } from './fits.ts'
import { assertForcedColours } from './forced-colours.ts'
import { assertSpeaks, choose, type Phrases, phrases, spoken } from './languages.ts'
import { measureLoad } from './loading.ts'
import { orderOnce, startingMs } from './order-once.ts'
import { addressOf, checkOf, type MainAction, type Place } from './page-checks.ts'
import { type ListedPage, listedPages } from './page-list.ts'
import { relayVariables } from './relay-scenarios.ts'
import { walkByTab } from './tab-walk.ts'

const executable = findChromium(process.env)
const patienceMs = 30_000
/** Of a page's own files, with nothing held. */
const filesBytesMax = 125_000
/** Of what a page asks its server for until it shows what it is for. */
const answersBytesMax = 120_000

describe('every page', {
  skip: executable === undefined && 'there is no Chromium on this machine (CHROMIUM_PATH)',
}, () => {
  let system: System
  let browser: Browser
  let context: BrowserContext
  let all: Phrases
  const complaints: string[] = []
  const world = () => ({ browser, context, base: system.url('console'), all })

  before(async () => {
    all = await phrases()
    ;[system, browser] = await Promise.all([
      startSystem({ env: relayVariables(), readyTimeoutMs: startingMs }),
      startChromium(executable ?? ''),
    ])
    context = await browser.newContext({ locale: 'en-GB', colorScheme: 'light' })
    context.setDefaultTimeout(patienceMs)
    context.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
    })
    context.on('weberror', (error) => complaints.push(error.error().message))
    await orderOnce(context, system.url('console'))
  })
  after(async () => {
    await browser?.close()
    await system?.[Symbol.asyncDispose]()
  })

  test('the navigation has the pages of the list, in its order', async () => {
    const page = await context.newPage()
    await page.goto(system.url('console'))
    const links = page.locator('.side .tabs a')
    await links.first().waitFor()
    const shown = await links.evaluateAll((list) =>
      list.map((link) => [link.getAttribute('href'), link.getAttribute('title')]),
    )
    assert.deepEqual(
      shown,
      listedPages().map(({ path, title }) => [`/${path}`, title.en]),
    )
    await page.close()
  })

  for (const listed of listedPages()) describe(`/${listed.path}`, () => lookAt(listed, world))

  test('in all this the pages complained of nothing', () => assert.deepEqual(complaints, []))
})

interface World {
  readonly browser: Browser
  readonly context: BrowserContext
  readonly base: string
  readonly all: Phrases
}

function lookAt(listed: ListedPage, world: () => World): void {
  const { path } = listed
  const check = checkOf(path)
  const [first] = check.places
  let page: Page
  const open = async (place: Place) => {
    await page.goto(addressOf(world().base, path, place))
    await page.locator(place.shows).first().waitFor({ state: 'attached' })
  }
  before(async () => {
    page = await world().context.newPage()
    await page.setViewportSize({ width: 1440, height: 900 })
  })
  after(() => page.close())

  test('axe finds no fault, wide and narrow, light and dark; nothing sticks out from 320 to 2,560 px', async () => {
    for (const place of check.places) {
      await open(place)
      await assertAccessible(page)
      await assertFits(page)
    }
  })

  test('in forced colours every control can be seen, and axe finds no fault', async () => {
    await open(first)
    await assertForcedColours(page)
  })

  test('by Tab alone every control is reached, in order and seen; what one comes for is done by a key', async () => {
    const { main } = check
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await open(first)
    if (main !== undefined) await page.locator(main.control).first().waitFor({ state: 'attached' })
    const { stops, faults, found } = await walkByTab(page, main?.control)
    assert.deepEqual(faults, [])
    assert.ok(found, `Tab doesn’t lead to ${main?.control}`)
    assert.ok(stops > 20, `${stops} stops: the frame alone has more`)
    await open(first)
    assert.equal(main === undefined ? 0 : await page.locator(main.comes).count(), 0, 'it isn’t there before')
    if (main !== undefined) await act(page, main)
    await page.emulateMedia({ reducedMotion: null })
  })

  test('it speaks both languages', async () => {
    for (const language of [...spoken].reverse()) {
      await choose(page, language)
      for (const place of check.places) {
        await open(place)
        await assertSpeaks(page, language, listed, world().all)
      }
    }
  })

  test('it loads little', async () => {
    const fresh = await world().browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-GB' })
    fresh.setDefaultTimeout(patienceMs)
    const { files, answers } = await measureLoad(fresh, addressOf(world().base, path, first), first.shows)
    await fresh.close()
    assert.ok(files.requests > 5, `${files.requests} files were counted`)
    assert.ok(files.bytes <= filesBytesMax, `${files.bytes} bytes of files`)
    assert.ok(answers.bytes <= answersBytesMax, `${answers.bytes} bytes of answers`)
  })
}

/** By its control, which Tab has reached, and one key. A session of the relay that it begins is ended again. */
async function act(page: Page, { control, key, comes }: MainAction): Promise<void> {
  await page.locator(control).first().focus()
  await page.keyboard.press(key)
  await page.locator(comes).first().waitFor({ state: 'attached' })
  if (!comes.includes('running')) return
  await page.getByRole('button', { name: 'Stop it now' }).click()
  await page.locator('.relay-page[data-mood=ready]').waitFor()
}
