/**
 * The pages by which somebody operates the system, and what all of them owe, in a real Chromium, on a running system of
 * their own. What holds for each page by itself is in every-page.slow.test.ts.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { type System, startSystem } from '../../system/src/testing.ts'
import { assignmentScenarios } from './assignment-scenarios.ts'
import { breakerScenarios } from './breaker-scenarios.ts'
import { findChromium, startChromium } from './chromium.ts'
import { discoveryScenarios } from './discovery-scenarios.ts'
import { explorerScenarios } from './explorer-scenarios.ts'
import { faultScenarios } from './fault-scenarios.ts'
import { frameScenarios } from './frame-scenarios.ts'
import { mailScenarios } from './mail-scenarios.ts'
import { pagesScenarios } from './pages-scenarios.ts'
import { protocolsScenarios } from './protocols-scenarios.ts'
import { relayScenarios, relayVariables } from './relay-scenarios.ts'
import { sagaScenarios } from './saga-scenarios.ts'
import { settingsScenarios } from './settings-scenarios.ts'
import { topicsScenarios } from './topics-scenarios.ts'

const executable = findChromium(process.env)
const patienceMs = 30_000
const buildingMs = 180_000

describe('pages for operators', {
  skip: executable === undefined && 'there is no Chromium on this machine (CHROMIUM_PATH)',
}, () => {
  let system: System
  let browser: Browser
  let context: BrowserContext
  /** For the frame: what it breaks on purpose, the browser complains of. */
  let broken: BrowserContext
  let relay: Page
  /** What the pages must never do: complain, or ask anybody but their own server. */
  const complaints: string[] = []

  before(async () => {
    ;[system, browser] = await Promise.all([
      startSystem({ env: relayVariables(), readyTimeoutMs: 180_000 }),
      startChromium(executable ?? ''),
    ])
    const newContext = () =>
      browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-GB', colorScheme: 'light' })
    ;[context, broken] = [await newContext(), await newContext()]
    for (const one of [context, broken]) one.setDefaultTimeout(patienceMs)
    // The first page that is opened waits until there is one: on a busy machine it is longer in building than a click may take.
    const first = await context.newPage()
    await first.goto(system.url('console'))
    await first.locator('nav.tabs').first().waitFor({ state: 'attached', timeout: buildingMs })
    await first.close()
    context.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        complaints.push(`${message.text()} ${message.location().url}`)
    })
    context.on('weberror', (error) => complaints.push(error.error().message))
    context.on('request', (request) => {
      if (!request.url().startsWith(system.url('console'))) complaints.push(`asked ${request.url()}`)
    })
    relay = await context.newPage()
  })
  after(async () => {
    await browser?.close()
    await system?.[Symbol.asyncDispose]()
  })

  pagesScenarios(() => ({ context, system }))
  frameScenarios(() => ({ context: broken, system }))
  relayScenarios(() => ({ page: relay, system }))
  topicsScenarios(() => ({ context, system }))
  settingsScenarios(() => ({ context, system }))
  mailScenarios(() => ({ context, system }))
  explorerScenarios(() => ({ context, system }))
  discoveryScenarios(() => ({ context, system }))
  protocolsScenarios(() => ({ context, system }))
  sagaScenarios(() => ({ context, system }))
  breakerScenarios(() => ({ context, system }))
  assignmentScenarios(() => ({ context, system }))
  // Last: it leaves dead letters and many orders.
  faultScenarios(() => ({ context, system }))

  test('in all this the pages complained of nothing and asked nobody else', () => {
    // What the browser says of a refusal that was asked for isn't a complaint of the page.
    assert.deepEqual(
      complaints.filter((text) => !/responded with a status of 4\d\d/.test(text)),
      [],
    )
  })
})
