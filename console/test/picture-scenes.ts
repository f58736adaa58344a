/**
 * What is to be seen on the pictures of each page: something is under way, waits, or has just come out. A page without a
 * scene of its own is pictured as it opens.
 */
import type { Page } from 'playwright-core'
import type { System } from '../../system/src/testing.ts'

export interface Scene {
  /** What follows the page's path in the address. */
  readonly at?: string
  /** Brings it about. The page has been opened, in English, 1,440 px wide. */
  readonly begin?: (page: Page, system: System) => Promise<void>
  /** Before each picture. */
  readonly again?: (page: Page) => Promise<void>
  readonly end?: (page: Page, system: System) => Promise<void>
  /** CSS of what is at the top of each picture, in place of the page's own. */
  readonly from?: string
  /** CSS of a part that is pictured by itself too, as `<page>-part`. */
  readonly part?: string
}

/** An experiment of ten seconds, judged. */
const experimentMs = 240_000
const placed = (page: Page) => page.waitForResponse((response) => response.url().endsWith('/orders'))

/** Payments is being killed when it comes. */
async function orderThatSurvives(page: Page): Promise<void> {
  await page.locator('.person-boris button.main:enabled').click()
  await page.locator('.story[data-status=completed]').waitFor()
  const ada = page.locator('.person-ada')
  await ada.locator('[name=quantity]').fill('2')
  await ada.locator('button.danger').click()
  await page.locator('.story[data-status=completed]', { hasText: 'Ada' }).waitFor()
  await page.locator('.sequence .outage.back').waitFor()
  // The last mail of the order is the last thing that the trace gains.
  await page.locator('.step-event:has-text("order.completed"):has-text("mail")').waitFor({ state: 'attached' })
}

/** Orders on their way: their messages move on the map. Few at a time: the gateway limits what one user may ask for. */
async function ordersOnTheirWay(page: Page): Promise<void> {
  for (let orders = 0; orders < 2; orders += 1) {
    const answered = placed(page)
    await page.locator('button.place:enabled').click()
    await answered
  }
  await page.waitForFunction(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('canvas.dots')
    const pixels = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? []
    return [...pixels].filter((value, index) => index % 4 === 3 && value > 200).length > 400
  })
  await page.locator('.edges path.task:not([data-flow="0"])').first().waitFor({ state: 'attached' })
}

async function experimentJudged(page: Page): Promise<void> {
  await page.locator('.choices input[value=poison]').check()
  await page.getByLabel('Seconds').fill('10')
  await page.getByLabel('Faults', { exact: true }).fill('5')
  await page.getByRole('button', { name: 'Begin the experiment' }).click()
  await page.getByRole('button', { name: 'Really break this system' }).click()
  await page.locator('.scorecard').waitFor({ timeout: experimentMs })
}

async function ordersThatWait(page: Page, system: System): Promise<void> {
  await system.stop('payments')
  const address = page.url()
  await page.goto(system.url('console'))
  for (let orders = 0; orders < 3; orders += 1) {
    const answered = placed(page)
    await page.locator('button.place:enabled').click()
    await answered
  }
  await page.goto(address)
  await page.locator('.waits', { hasText: 'payments' }).first().waitFor()
}

/** By the first segments of the pages' addresses. */
const scenes: Readonly<Record<string, Scene>> = {
  '': { again: ordersOnTheirWay },
  orders: { begin: orderThatSurvives, part: '.story' },
  traces: {
    at: '?service=gateway&operation=POST+%2Forders',
    begin: async (page) => {
      await page.locator('.trace-list a').first().click()
      await page.locator('.rows button', { hasText: 'payments' }).first().waitFor()
    },
  },
  topics: { at: '/orders.events' },
  mail: {
    begin: async (page) => {
      await page.locator('.mails a').first().click()
      await page.locator('article.mail').waitFor()
    },
  },
  sagas: { begin: ordersThatWait, end: (_, system) => system.start('payments') },
  relay: {
    begin: async (page) => {
      await page.getByRole('button', { name: 'Start a session' }).click()
      await page.waitForFunction(() => document.querySelectorAll('.latest li').length === 10)
    },
    end: async (page) => {
      await page.getByRole('button', { name: 'Stop it now' }).click()
      await page.locator('.relay-page[data-mood=ready]').waitFor()
    },
  },
  settings: {
    at: '/orders',
    begin: (page) => page.getByLabel('New value of changeWindowMs').fill('5000'),
  },
  explorer: {
    at: '/rest/listProducts?as=nobody&query.limit=2',
    begin: async (page) => {
      await page.getByRole('button', { name: 'Send', exact: true }).click()
      await page.locator('.explorer-answer pre').waitFor()
    },
  },
  protocols: {
    at: '?question=product&runs=50',
    begin: async (page) => {
      await page.getByRole('button', { name: 'Start the race' }).click()
      await page.locator('tr[data-lane=socket][data-runs="50"]').waitFor()
      await page.getByRole('button', { name: 'Start the race' }).waitFor()
    },
  },
  faults: { at: '?seed=7', begin: experimentJudged, from: '.course' },
  assignment: { at: '?row=R1.9' },
}

/** The scene of a page; an empty one where there is none. */
export const sceneOf = (path: string): Scene => scenes[path] ?? {}
