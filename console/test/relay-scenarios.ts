/** The Relay tab on the running loop: a session by the keyboard alone, its hops live, one that is interrupted. */
import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import type { System } from '../../system/src/testing.ts'
import type { RelayNow } from '../protocol.ts'
import { assertAccessible } from './accessible.ts'

/** For the system that they run on: sessions that end only when they are told to, however slow the machine is. */
export const relayVariables = (): Record<string, string> => {
  const file = join(mkdtempSync(join(tmpdir(), 'svyaz-relay-tab-')), 'relay.yaml')
  writeFileSync(file, 'intervalSeconds: 3600\n')
  return { SVYAZ_RELAY_CONFIG: file }
}

export const relayScenarios = (world: () => { page: Page; system: System }): void => {
  describe('the relay tab', () => {
    const now = async () => (await (await fetch(`${world().system.url('mc1')}/now`)).json()) as RelayNow
    const mood = (page: Page, name: string) => page.locator(`.relay-page[data-mood=${name}]`).waitFor()
    const figure = async (page: Page, name: string) =>
      Number((await page.locator(`.figures .${name} dd`).innerText()).replaceAll(/\D/g, ''))

    test('a session is started by the keyboard, and each hop is shown as it comes', async () => {
      const { page, system } = world()
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(`${system.url('console')}/relay`)
      await mood(page, 'ready')
      const start = page.getByRole('button', { name: 'Start a session' })
      await start.focus()
      await page.keyboard.press('Enter')
      await mood(page, 'running')
      await page.waitForFunction(() => document.querySelectorAll('.latest li').length === 10)
      const early = await figure(page, 'stored')
      await page.waitForFunction(
        (seen) => Number(document.querySelector('.figures .stored dd')?.textContent?.replaceAll(/\D/g, '')) > seen,
        early,
      )
      for (const leg of ['mc1ToMc2', 'mc2ToMc3', 'mc3ToMc1', 'commit'])
        assert.match(await page.locator(`[data-leg=${leg}]`).innerText(), /\d µs|\d ms/, leg)
      assert.ok((await page.locator('.leg .line i').count()) >= 4, 'dots move')
      assert.equal((await now()).session?.status, 'running')
    })

    test('it is stopped, and is in the list with what it did', async () => {
      const { page } = world()
      await page.getByRole('button', { name: 'Stop it now' }).click()
      await mood(page, 'ready')
      const row = page.locator('.sessions tr[data-status=finished]').first()
      await row.waitFor()
      const [, , , generated, stored] = await row.locator('th, td').allInnerTexts()
      assert.equal(generated, stored)
      assert.equal(await page.locator('.leg .line i').count(), 0, 'nothing moves any more')
    })

    test('a session started elsewhere shows by itself; MC1 killed, it is interrupted', async () => {
      const { page, system } = world()
      const { sessionId } = (await (await fetch(`${system.url('mc1')}/start/`)).json()) as { sessionId: number }
      await mood(page, 'running')
      await system.kill('mc1-1')
      await page.locator(`.sessions tr[data-session="${sessionId}"][data-status=interrupted]`).waitFor()
      await mood(page, 'ready')
    })

    test('nothing overflows, axe finds no fault, and nothing moves for those who want no motion', async () => {
      const { page } = world()
      await page.getByRole('button', { name: 'Start a session' }).click()
      await mood(page, 'running')
      await assertAccessible(page)
      assert.equal(await page.evaluate(() => document.getAnimations().length), 0)
      for (const width of [390, 768, 1280, 1440]) {
        await page.setViewportSize({ width, height: 844 })
        const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
        assert.ok((content ?? 0) <= (window ?? 0), `${content} at ${width}`)
      }
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: null })
      await fetch(`${world().system.url('mc1')}/stop/`)
      await mood(page, 'ready')
      await page.goto(`${world().system.url('console')}/orders`)
    })
  })
}
