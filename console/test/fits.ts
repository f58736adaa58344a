/** Nothing sticks out of the window, from a phone to a desk. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'

/** Leaves the page wide, light, and with motion. */
export async function assertFits(page: Page): Promise<void> {
  for (const width of [320, 390, 768, 1440]) {
    await page.setViewportSize({ width, height: 844 })
    const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
    assert.ok((content ?? 0) <= (window ?? 0), `${page.url()}: ${content} at ${width}`)
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: null })
  await page.setViewportSize({ width: 1440, height: 900 })
}
