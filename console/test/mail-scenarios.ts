/** The Mail page on the running system: what came in is listed, searched and read; HTML can do nothing and load nothing. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import type { System } from '../../system/src/testing.ts'
import { assertAccessible } from './accessible.ts'
import { assertFits } from './fits.ts'

const order = randomUUID()
/** Others get mails too. */
const reader = `ann-${order}@example.org`
/** A mail that would like to know who reads it. */
const curious = (
  elsewhere: string,
) => `<h1 style="color: rgb(1, 2, 3)">Thanks</h1><img src="${elsewhere}"><script>parent.document.title = 'taken'</script>
<form action="/api/relay/start" method="post"><button>Go</button></form>`

/** One mail to the reader, as any program would send it (RFC 5321). */
async function send({ hostname, port }: URL, message: string): Promise<void> {
  const socket = connect(Number(port), hostname)
  const says = [
    'HELO test',
    'MAIL FROM:<shop@example.org>',
    `RCPT TO:<${reader}>`,
    'DATA',
    `${message}\n.`.replaceAll('\n', '\r\n'),
    'QUIT',
  ]
  for await (const answer of createInterface({ input: socket })) {
    assert.match(answer, /^[23]/)
    const next = says.shift()
    if (next !== undefined) socket.write(`${next}\r\n`)
  }
}

export const mailScenarios = (world: () => { context: BrowserContext; system: System }): void => {
  describe('mail', () => {
    let page: Page
    /** The browser says aloud what it kept the HTML from: a context of its own, so that nobody takes it for a complaint. */
    let own: BrowserContext
    let reached = 0
    const stranger = createServer((_, response) => {
      reached += 1
      response.end()
    })
    const at = (path: string) => `${world().system.url('console')}${path}`

    before(async () => {
      await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
      const html = curious(`http://127.0.0.1:${(stranger.address() as AddressInfo).port}/pixel.gif`)
      const sink = new URL(world().system.url('mail-sink', 'smtp'))
      const plain = `Content-Type: text/plain; charset=utf-8\n\nHello,\n\n1 × Lamp\nOrder ${order}\n`
      const rich = `Content-Type: text/html\n\n${html}\n`
      await send(sink, `Subject: Order delivered\nMessage-ID: <one-${order}>\n${plain}`)
      for (let sent = 0; sent < 2; sent += 1)
        await send(sink, `Subject: A picture\nMessage-ID: <two-${order}>\n${rich}`)
      own = await world().context.browser()!.newContext({ locale: 'en-GB', colorScheme: 'light' })
      page = await own.newPage()
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(at('/mail'))
    })
    after(async () => {
      await own.close()
      stranger.close()
    })

    test('mails are listed newest first, found by the order they are about, and one that was sent again says so', async () => {
      await page.locator('.mails li', { hasText: reader }).nth(2).waitFor()
      await page.getByLabel('Find').fill(reader.toUpperCase())
      await page.waitForURL(/q=ANN-/)
      await page.locator('.mails [role=status]', { hasText: /^3 found$/ }).waitFor()
      const rows = await page.locator('.mails li').allInnerTexts()
      assert.match(rows[0] ?? '', /A picture[\s\S]*sent again/)
      assert.match(rows[2] ?? '', /Order delivered/)
      await page.getByLabel('Find').fill(`order ${order}`)
      await page.locator('.mails [role=status]', { hasText: /^1 found$/ }).waitFor()
      await page.getByLabel('Find').fill('nobody@')
      await page.getByText('No mail is like that.').waitFor()
      await page.getByLabel('Find').fill('')
    })

    test('by the keyboard a mail is opened: its text, its headers, and the way to the order', async () => {
      const row = page.locator('.mails a', { hasText: 'Order delivered' }).first()
      await row.focus()
      await page.keyboard.press('Enter')
      await page.waitForURL(/\/mail\/\d+$/)
      await page.locator('.mail pre', { hasText: '1 × Lamp' }).waitFor()
      assert.equal(
        await page.getByRole('link', { name: 'Story of the order' }).getAttribute('href'),
        `/orders/${order}`,
      )
      await assertAccessible(page)
      await assertFits(page)
      await page.getByRole('radio', { name: 'Headers' }).check({ force: true })
      await page.waitForURL(/as=headers/)
      await page.locator('.mail-headers', { hasText: `<one-${order}>` }).waitFor()
      await assertAccessible(page)
    })

    test('HTML is shown in a frame that runs no script, sends no form and loads nothing', async () => {
      await page.goto(at(`/mail?q=${reader}`))
      await page.locator('.mails a').first().click()
      const frame = page.frameLocator('.mail iframe')
      const title = frame.locator('h1')
      await title.waitFor()
      assert.equal(
        await title.evaluate((element) => getComputedStyle(element).color),
        'rgb(1, 2, 3)',
        'it has its style',
      )
      await frame.getByRole('button', { name: 'Go' }).click()
      assert.match(await page.title(), /^Mail · /, 'no script ran')
      assert.equal(reached, 0, 'nothing was loaded')
      const { pathname } = new URL((await page.locator('.mail iframe').getAttribute('src')) ?? '', at('/'))
      const answer = await page.request.get(at(pathname))
      assert.match(answer.headers()['content-security-policy'] ?? '', /default-src 'none';.*; sandbox$/)
      await assertAccessible(page)
      await assertFits(page)
    })

    test('nobody without a session of this console reads a mail', async () => {
      for (const path of ['/api/mails', '/api/mails/1', '/api/mails/1/html'])
        assert.equal((await fetch(at(path))).status, 401, path)
    })
  })
}
