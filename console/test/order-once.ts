/** Something for every page of the console to show: an order that has gone all its way, and its mail. */
import type { BrowserContext } from 'playwright-core'

/** The console's page is built when it is first asked for: on a busy machine that is longer than a click may take. */
export const startingMs = 180_000

/**
 * @param context whose pages speak English
 * @param base URL of the console
 */
export async function orderOnce(context: BrowserContext, base: string): Promise<void> {
  const page = await context.newPage()
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(base)
  await page.locator('button.place:enabled').waitFor({ timeout: startingMs })
  await page.locator('button.place').click()
  await page.getByRole('link', { name: 'Story of the last one' }).click()
  await page.locator('.story[data-status=completed]').waitFor()
  await page.goto(`${base}/mail`)
  await page.locator('.mails a').first().waitFor()
  await page.close()
}
