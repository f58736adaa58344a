/** The pages in a real browser: it holds their policy against where their forms lead, and axe looks at each. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import * as client from 'openid-client'
import type { Page } from 'playwright-core'
import { assertAccessible } from '../../../console/test/accessible.ts'
import { findChromium, startChromium } from '../../../console/test/chromium.ts'
import { registerClient } from '../src/oidc/clients.ts'
import { languages, words } from '../src/oidc/words.ts'
import { startOpenId, type TestOpenId } from './oidc-fixture.ts'
import { password } from './users-fixture.ts'

const chromium = findChromium(process.env)

test('the browser comes back to a program of another origin, with the code and with a no', {
  skip: chromium === undefined && 'there is no Chromium here',
}, async (t) => {
  await using openId = await startOpenId()
  await using program = await startProgram(openId)
  const { back, url } = program
  const user = await openId.users.newUser()
  const browser = await startChromium(chromium!)
  t.after(() => browser.close())
  const signIn = async (answer: 'allow' | 'cancel', atOnce = false) => {
    const page = await (await browser.newContext()).newPage()
    await page.goto(url.href)
    if (!atOnce) {
      await page.fill('[name=email]', user.email)
      await page.fill('[name=password]', password)
      await page.click('[value=sign-in]')
    }
    await page.click(`[value=${answer}]`)
    await page.waitForURL((at) => at.href.startsWith(back))
    return new URL(page.url()).searchParams
  }
  assert.equal((await signIn('cancel', true)).get('error'), 'access_denied', 'from the first page')
  assert.equal((await signIn('cancel')).get('error'), 'access_denied', 'from the second')
  assert.notEqual((await signIn('allow')).get('code'), null)
})

test('axe finds no fault with any page, wide and narrow, light and dark, in each language; nothing sticks out', {
  skip: chromium === undefined && 'there is no Chromium here',
}, async (t) => {
  await using openId = await startOpenId()
  await using program = await startProgram(openId)
  const browser = await startChromium(chromium!)
  t.after(() => browser.close())
  for (const language of languages) {
    const say = words[language]
    const user = await openId.users.newUser()
    const page = await (await browser.newContext({ locale: language })).newPage()
    const look = (heading: string) => lookAt(page, language, heading)
    await page.goto(program.url.href)
    await look(say.signIn)
    await page.fill('[name=email]', user.email)
    await page.fill('[name=password]', 'a wrong one')
    await page.keyboard.press('Enter')
    await page.locator('[role=alert]', { hasText: say.wrong }).waitFor()
    await look(say.signIn)
    await page.fill('[name=password]', password)
    await page.keyboard.press('Enter')
    await page.locator('[value=allow]').waitFor()
    await look(say.consent)
    await page.click('[value=allow]')
    await page.waitForURL((at) => at.href.startsWith(program.back))
    await page.goto(`${openId.issuer}/session/end`)
    await look(say.signOut)
    await page.click('[name=logout]')
    await page.locator('h1', { hasText: say.signedOut }).waitFor()
    await look(say.signedOut)
    await page.goto(`${openId.issuer}/auth?client_id=nobody`)
    await look(say.error)
  }
})

/** What each page owes. */
async function lookAt(page: Page, language: string, heading: string): Promise<void> {
  assert.equal(await page.locator('h1').innerText(), heading)
  assert.equal(await page.locator('html').getAttribute('lang'), language)
  await assertAccessible(page)
  for (const width of [320, 800, 2560]) {
    await page.setViewportSize({ width, height: 844 })
    assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${heading} at ${width}`)
  }
}

interface Program extends AsyncDisposable {
  /** Where it takes the browser back. */
  readonly back: string
  /** Where it sends the browser to sign in. */
  readonly url: URL
}

/** A program of another origin, which is registered as a client. */
async function startProgram(openId: TestOpenId): Promise<Program> {
  const server = createServer((_request, response) => response.end('back'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const back = `http://127.0.0.1:${(server.address() as AddressInfo).port}/back`
  const about = { name: 'P', confidential: false, redirectUris: [back], signedOutUris: [], ownAccount: false }
  const { id } = await registerClient(openId.context, about)
  const url = client.buildAuthorizationUrl(await openId.configure(id), {
    redirect_uri: back,
    scope: 'openid',
    code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
    code_challenge_method: 'S256',
  })
  const stop = () => {
    server.closeAllConnections()
    server.close()
  }
  return { back, url, [Symbol.asyncDispose]: async () => stop() }
}
