/**
 * Takes the pictures of the console from the running page: `npm run pictures`. Every page, at the width of a desk, a
 * tablet and a phone, light and dark, in both languages, into `dist/pictures`; those that pages of the repository show
 * are kept in `docs/pictures`. `npm run pictures -- map orders` takes those of these pages alone.
 */
import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { startSystem } from '../../system/src/testing.ts'
import { take } from './camera.ts'
import { findChromium, startChromium } from './chromium.ts'
import { spoken } from './languages.ts'
import { orderOnce, startingMs } from './order-once.ts'
import { addressOf, checkOf } from './page-checks.ts'
import { listedPages } from './page-list.ts'
import { type Scene, sceneOf } from './picture-scenes.ts'
import { relayVariables } from './relay-scenarios.ts'

const root = join(import.meta.dirname, '../..')
const everything = join(root, 'dist/pictures')
const shown = join(root, 'docs/pictures')

const windows = [
  { width: 1440, height: 900 },
  { width: 800, height: 1_000 },
  { width: 390, height: 844 },
] as const
const themes = ['light', 'dark'] as const
const languageButtons = { en: 'EN', ru: 'РУ' } as const

/** Those that README.md and README.ru.md show, in each theme and language. */
const kept: readonly string[] = [
  'map-1440',
  'map-800',
  'map-390',
  'orders-part',
  'orders-390',
  'sagas-1440',
  'faults-1440',
  'protocols-1440',
  'explorer-1440',
]
/** Of one picture, and of all that are kept: they are in every clone. */
const bytesMax = 250_000
const keptBytesMax = 3_500_000

const executable = findChromium(process.env)
if (executable === undefined) throw new Error('there is no Chromium on this machine: install one, or set CHROMIUM_PATH')
mkdirSync(everything, { recursive: true })
mkdirSync(shown, { recursive: true })
await using system = await startSystem({ env: relayVariables(), readyTimeoutMs: startingMs })
await using browser = await startChromium(executable)
const context = await browser.newContext({ viewport: windows[0], locale: 'en-GB', colorScheme: 'light' })
context.setDefaultTimeout(60_000)
await orderOnce(context, system.url('console'))
const page = await context.newPage()
const nameOf = (path: string) => (path === '' ? 'map' : path)
const asked = process.argv.slice(2)
for (const { path } of listedPages()) if (asked.length === 0 || asked.includes(nameOf(path))) await pictured(page, path)
keep()

/** All pictures of one page, from its scene's beginning to its end. */
async function pictured(page: Page, path: string): Promise<void> {
  const scene = sceneOf(path)
  const { places } = checkOf(path)
  const place =
    scene.at === undefined
      ? places[0]
      : (places.find(({ at }) => at === scene.at) ?? { at: scene.at, shows: 'main h1' })
  const name = nameOf(path)
  // Motion is for the map alone: elsewhere a picture would show the middle of it.
  await page.emulateMedia({ reducedMotion: path === '' ? null : 'reduce' })
  await page.setViewportSize(windows[0])
  await page.goto(addressOf(system.url('console'), path, place))
  await page.locator(place.shows).first().waitFor({ state: 'attached' })
  await scene.begin?.(page, system)
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
  for (const language of spoken) {
    await page.setViewportSize(windows[0])
    await page.getByRole('radio', { name: languageButtons[language] }).check({ force: true })
    await page.mouse.move(1, 1)
    for (const theme of themes) {
      await page.emulateMedia({ colorScheme: theme })
      const file = (what: string) => join(everything, `${name}-${what}-${theme}-${language}.webp`)
      for (const window of windows) await ofWindow(page, scene, window, file(String(window.width)))
      if (scene.part !== undefined) await ofPart(page, scene.part, file('part'))
    }
  }
  await page.setViewportSize(windows[0])
  await page.getByRole('radio', { name: languageButtons.en }).check({ force: true })
  await scene.end?.(page, system)
}

async function ofWindow(
  page: Page,
  { again, from, part }: Scene,
  window: (typeof windows)[number],
  file: string,
): Promise<void> {
  await page.setViewportSize(window)
  await again?.(page)
  // On a phone the part that matters is below a form; the bar stays above it.
  await page.evaluate(
    (selector) => {
      scrollTo({ top: 0, behavior: 'instant' })
      const part = selector === undefined ? null : document.querySelector(selector)
      if (part !== null) scrollTo({ top: part.getBoundingClientRect().top - 64, behavior: 'instant' })
    },
    from ?? (window.width < 700 ? part : undefined),
  )
  written(file, await take(page, file))
}

async function ofPart(page: Page, selector: string, file: string): Promise<void> {
  // So high that nothing scrolls under the bar, and so wide that it is all to be seen.
  await page.setViewportSize({ width: 1720, height: 1_800 })
  await page.evaluate(() => scrollTo({ top: 0, behavior: 'instant' }))
  const area = await page.locator(selector).first().boundingBox()
  if (area === null) throw new Error(`${selector} can't be seen`)
  written(file, await take(page, file, area))
}

function written(file: string, bytes: number): void {
  process.stdout.write(`${file}: ${Math.round(bytes / 1_000)} kB\n`)
  if (bytes > bytesMax) throw new Error(`${file} is larger than ${bytesMax / 1_000} kB`)
}

/** Replaces what docs/pictures held. */
function keep(): void {
  for (const old of readdirSync(shown)) rmSync(join(shown, old))
  const chosen = readdirSync(everything).filter((file) => kept.some((name) => file.startsWith(`${name}-`)))
  for (const file of chosen) copyFileSync(join(everything, file), join(shown, file))
  const bytes = chosen.reduce((sum, file) => sum + statSync(join(shown, file)).size, 0)
  process.stdout.write(`${chosen.length} pictures are kept in docs/pictures: ${Math.round(bytes / 1_000)} kB\n`)
  if (chosen.length !== kept.length * themes.length * spoken.length) throw new Error('one that is kept is missing')
  if (bytes > keptBytesMax) throw new Error(`they are larger than ${keptBytesMax / 1_000} kB`)
}
