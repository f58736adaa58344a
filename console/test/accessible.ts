/** axe-core on a page: as it stands, or at both ends of width and in both themes. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const tool = () => readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Axe {
  run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>
}

/** What axe finds on the page as it stands: one line for each rule that is broken. */
export async function axeFaults(page: Page): Promise<string[]> {
  await page.evaluate(tool())
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: Axe }).axe.run()
    return violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map((node) => `${node.html.slice(0, 160)} ${node.failureSummary.slice(0, 300)}`)
          .join(' | ')}`,
    )
  })
}

/** Leaves the page wide, with reduced motion. */
export async function assertAccessible(page: Page): Promise<void> {
  for (const width of [390, 1440]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: 844 })
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      assert.deepEqual(await axeFaults(page), [], `${page.url()}: ${width} ${colorScheme}`)
    }
  }
}
