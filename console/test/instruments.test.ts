/** What looks at every page of the console finds a fault where there is one: on pages made for it, in a real Chromium. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { findChromium, startChromium } from './chromium.ts'
import { assertFits } from './fits.ts'
import { assertForcedColours } from './forced-colours.ts'
import { assertSpeaks } from './languages.ts'
import { walkByTab } from './tab-walk.ts'

const executable = findChromium(process.env)

const buttons = Array.from({ length: 24 }, (_, at) => `<button>Button ${at}</button>`).join('')
const pageOf = (body: string, style = '') =>
  `<!doctype html><html lang="en"><head><title>Made · Svyaz</title><style>${style}</style></head><body><main><h1>Made</h1>${buttons}${body}</main></body></html>`

describe('what looks at pages', { skip: executable === undefined && 'there is no Chromium here' }, () => {
  let browser: Browser
  let page: Page
  before(async () => {
    browser = await startChromium(executable ?? '')
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  })
  after(() => browser?.close())

  test('a walk by Tab: nothing to say of a page in order', async () => {
    await page.setContent(pageOf('<label>A<input type="radio" name="a" checked></label><input type="radio" name="a">'))
    assert.deepEqual(await walkByTab(page, 'input:checked'), { stops: 25, faults: [], found: true })
  })

  const walks: readonly (readonly [string, string, string, RegExp])[] = [
    ['out of order', '<button tabindex="3">First</button>', '', /out of order: <button>Button 0/],
    [
      'focus that can’t be seen',
      '<button id="dark">Dark</button>',
      '#dark { outline: none }',
      /can’t be seen: <button id/,
    ],
    ['a trap', '<textarea onkeydown="event.preventDefault()"></textarea><button>Next</button>', '', /holds the focus/],
    [
      'what Tab doesn’t reach',
      '<textarea onkeydown="event.preventDefault()"></textarea><a href="/">Next</a>',
      '',
      /reach: <a/,
    ],
    ['out of the window', '<button style="position: fixed; left: -900px">Away</button>', '', /out of the window/],
  ]
  for (const [what, body, style, fault] of walks)
    test(`a walk by Tab finds ${what}`, async () => {
      await page.setContent(pageOf(body, style))
      assert.match((await walkByTab(page, undefined)).faults.join('\n'), fault)
    })

  test('forced colours: a control without text, border and sign isn’t seen', async () => {
    await page.setContent(pageOf(''))
    await assertForcedColours(page)
    const bare = 'border: 0; background: linear-gradient(red, blue); width: 40px; height: 40px'
    await page.setContent(pageOf(`<button aria-label="Bare" style="${bare}"></button>`))
    await assert.rejects(assertForcedColours(page), /aria-label="Bare"/)
  })

  test('what is wider than the window sticks out', async () => {
    await page.setContent(pageOf('<p style="width: 800px">Wide</p>'))
    await assert.rejects(assertFits(page), / at 320/)
  })

  test('a text of the other language, a missing word and a wrong name are found', async () => {
    const listed = { path: 'made', group: 'lab', rank: 1, title: { en: 'Made', ru: 'Сделано' } }
    const all = { en: [], ru: ['Ничего нет'] }
    await page.setContent(pageOf('<p lang="ru">Ничего нет</p>'))
    await assertSpeaks(page, 'en', listed, all)
    await page.setContent(pageOf('<p>Ничего нет</p>'))
    await assert.rejects(assertSpeaks(page, 'en', listed, all), /not in en/)
    await page.setContent(pageOf('<p>undefined orders</p>'))
    await assert.rejects(assertSpeaks(page, 'en', listed, all), /a word is missing/)
    await assert.rejects(assertSpeaks(page, 'ru', listed, all))
  })
})
