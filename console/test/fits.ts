/** Nothing sticks out of the window, from a small phone to a wide desk. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'

const widths = [320, 390, 768, 800, 1440, 2560]

/** Leaves the page 1,440 px wide, light, and with motion. */
export async function assertFits(page: Page): Promise<void> {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 844 })
    const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
    assert.ok((content ?? 0) <= (window ?? 0), `${page.url()}: ${content} at ${width}`)
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: null })
  await page.setViewportSize({ width: 1440, height: 900 })
}
