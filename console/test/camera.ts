/** Pictures of a page in WebP: a third of a PNG's bytes, and Chromium writes it itself. */
import { writeFileSync } from 'node:fs'
import type { Page } from 'playwright-core'

/** Text stays clear of rings at this. */
const quality = 82

export interface Area {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/**
 * Takes what the window shows, or an area of the page.
 *
 * @returns bytes of the picture
 */
export async function take(page: Page, path: string, area?: Area): Promise<number> {
  await settled(page)
  const line = await page.context().newCDPSession(page)
  const clip = area === undefined ? {} : { clip: { ...area, scale: 1 }, captureBeyondViewport: true }
  const { data } = await line.send('Page.captureScreenshot', { format: 'webp', quality, ...clip })
  await line.detach()
  const picture = Buffer.from(data, 'base64')
  writeFileSync(path, picture)
  return picture.length
}

/** Laid out and painted: a picture taken sooner shows the bar where it was before. */
const settled = (page: Page): Promise<void> =>
  page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        requestAnimationFrame(() => requestAnimationFrame(() => resolve()))
      }),
  )
