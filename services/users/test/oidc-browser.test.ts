/** The pages in a real browser, which holds their policy against where their forms lead. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import * as client from 'openid-client'
import { findChromium, startChromium } from '../../../console/test/chromium.ts'
import { registerClient } from '../src/oidc/clients.ts'
import { startOpenId } from './oidc-fixture.ts'
import { password } from './users-fixture.ts'

const chromium = findChromium(process.env)

test('the browser comes back to a program of another origin, with the code and with a no', {
  skip: chromium === undefined && 'there is no Chromium here',
}, async (t) => {
  await using openId = await startOpenId()
  const program = createServer((_request, response) => response.end('back'))
  await new Promise<void>((resolve) => program.listen(0, '127.0.0.1', resolve))
  t.after(() => program.close())
  const back = `http://127.0.0.1:${(program.address() as AddressInfo).port}/back`
  const about = { name: 'P', confidential: false, redirectUris: [back], signedOutUris: [], ownAccount: false }
  const { id } = await registerClient(openId.context, about)
  const user = await openId.users.newUser()
  const url = client.buildAuthorizationUrl(await openId.configure(id), {
    redirect_uri: back,
    scope: 'openid',
    code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
    code_challenge_method: 'S256',
  })
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
