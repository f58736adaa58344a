/**
 * Takes the pictures of the README from the running page: `npm run pictures`. An order is placed while payments is being
 * killed, and pictured once it has completed; then the whole page, wide and narrow, light and dark; then the map while
 * orders run through it.
 */
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { startSystem } from '../../system/src/testing.ts'
import { findChromium, startChromium } from './chromium.ts'

const folder = join(import.meta.dirname, '../../docs/pictures')
const bytesMax = 300_000
/** The dots of the map and what they move over compress badly. */
const mapBytesMax = 540_000

const executable = findChromium(process.env)
if (executable === undefined) throw new Error('there is no Chromium on this machine: install one, or set CHROMIUM_PATH')
mkdirSync(folder, { recursive: true })
await using system = await startSystem({ readyTimeoutMs: 120_000 })
await using browser = await startChromium(executable)
const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, locale: 'en-GB', colorScheme: 'light' })
page.setDefaultTimeout(60_000)
await page.goto(`${system.url('console')}/orders`)
await page.locator('.person-ada button.main:enabled').waitFor()

const boris = page.locator('.person-boris')
await boris.locator('button.main:enabled').click()
await page.locator('.story[data-status=completed]').waitFor()
const ada = page.locator('.person-ada')
await ada.locator('[name=quantity]').fill('2')
await ada.locator('button.danger').click()
await page.locator('.story[data-status=completed]', { hasText: 'Ada' }).waitFor()
await page.locator('.sequence .outage.back').waitFor()
// The last mail of the order is the last thing that the trace gains.
await page.locator('.step-event:has-text("order.completed"):has-text("mail")').waitFor({ state: 'attached' })
await page.mouse.move(0, 0)
await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())

/** Scrolled to a place, laid out and painted: a picture taken sooner shows the bar where it was before. */
const settled = (top: number) =>
  page.evaluate(
    (to) =>
      new Promise<void>((resolve) => {
        scrollTo({ top: to, behavior: 'instant' })
        requestAnimationFrame(() => requestAnimationFrame(() => resolve()))
      }),
    top,
  )

for (const colorScheme of ['light', 'dark'] as const) {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
  const name = (what: string) => join(folder, `${what}-${colorScheme}.png`)
  // So high that nothing scrolls under the bar.
  await page.setViewportSize({ width: 1440, height: 1_800 })
  await settled(0)
  const pictures = [name('order-survives-a-kill'), name('console'), name('console-narrow')]
  await page.locator('.story').screenshot({ path: name('order-survives-a-kill') })
  await page.setViewportSize({ width: 1440, height: 1_000 })
  await settled(0)
  await page.screenshot({ path: name('console') })
  await page.setViewportSize({ width: 390, height: 844 })
  await page.locator('.story').scrollIntoViewIfNeeded()
  await page.screenshot({ path: name('console-narrow') })
  for (const path of pictures) {
    const { size } = statSync(path)
    process.stdout.write(`${path}: ${Math.round(size / 1_000)} kB\n`)
    if (size > bytesMax) throw new Error(`${path} is larger than ${bytesMax / 1_000} kB`)
  }
}

/** Orders are on their way: the map is pictured while their messages move. */
await page.setViewportSize({ width: 1440, height: 900 })
await page.emulateMedia({ reducedMotion: null })
for (const colorScheme of ['light', 'dark'] as const) {
  await page.emulateMedia({ colorScheme })
  await page.goto(system.url('console'))
  await page.locator('.node[data-node="service:orders"]').waitFor()
  for (let orders = 0; orders < 8; orders += 1) {
    const placed = page.waitForResponse((response) => response.url().endsWith('/orders'))
    await page.locator('button.place:enabled').click()
    await placed
  }
  await page.locator('.edges path.task:not([data-flow="0"])').first().waitFor({ state: 'attached' })
  await page.mouse.move(700, 860)
  const path = join(folder, `map-${colorScheme}.png`)
  await page.screenshot({ path })
  const { size } = statSync(path)
  process.stdout.write(`${path}: ${Math.round(size / 1_000)} kB\n`)
  if (size > mapBytesMax) throw new Error(`${path} is larger than ${mapBytesMax / 1_000} kB`)
}
