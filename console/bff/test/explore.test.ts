/** What the API page asks, by the console's server, of a gateway that says what the real one says. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Console, startConsole } from '../src/console.ts'
import { type Gateway, reader, startGateway } from './gateway-fixture.ts'

describe('the API page asks the gateway', () => {
  let gateway: Gateway
  let console: Console
  const directory = mkdtempSync(join(tmpdir(), 'svyaz-explore-'))
  /** What a page of ours sends. */
  let ours: Record<string, string>

  before(async () => {
    gateway = await startGateway()
    console = await startConsole({
      port: 0,
      directory,
      pageCache: directory,
      page: directory,
      gateway: gateway.url,
      reader,
    })
    const response = await fetch(`${console.url}/api/session`)
    ours = {
      'content-type': 'application/json',
      cookie: String(response.headers.get('set-cookie')).split(';')[0] ?? '',
      origin: console.url,
      'x-svyaz-csrf': ((await response.json()) as { csrf: string }).csrf,
    }
  })
  after(async () => {
    await console?.[Symbol.asyncDispose]()
    await gateway?.[Symbol.asyncDispose]()
    rmSync(directory, { recursive: true, force: true })
  })

  const explore = async (how: string, body: object, headers = ours) => {
    const response = await fetch(`${console.url}/api/explore/${how}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    const text = await response.text()
    return { status: response.status, text, ...(JSON.parse(text) as { code?: string; status?: number }) }
  }

  test('as one of its people, whose token comes neither in the answer nor from the page', async () => {
    const { status, text } = await explore('http', { as: 'ada', method: 'GET', path: '/orders?userId=x', headers: {} })
    assert.equal(status, 200, text)
    const seen = gateway.seen.findLast(({ path }) => path === '/orders?userId=x')
    assert.match(seen?.headers.authorization ?? '', /^Bearer secret-token/)
    assert.doesNotMatch(text, /secret/)
    const own = { as: 'nobody', method: 'GET', path: '/orders', headers: { authorization: 'Bearer mine' } }
    assert.equal((await explore('http', own)).code, 'invalid_request')
    assert.equal((await explore('http', { ...own, as: 'somebody', headers: {} })).code, 'invalid_request')
  })

  test('tokens of whoever logs in by a form stay here', async () => {
    const asked = { as: 'nobody', method: 'POST', path: '/auth/login', headers: {}, body: reader }
    const { text } = await explore('http', asked)
    assert.match(text, /accessToken/)
    assert.doesNotMatch(text, /secret/)
  })

  test('only with the token of the session', async () => {
    const asked = { as: 'ada', method: 'DELETE', path: '/clients/x', headers: {} }
    const { 'x-svyaz-csrf': _, ...forged } = ours
    for (const how of ['http', 'grpc', 'watch']) assert.equal((await explore(how, asked, forged)).code, 'csrf')
    assert.deepEqual(
      gateway.seen.filter(({ method }) => method === 'DELETE'),
      [],
    )
  })

  test('a method that isn’t open to users is never called', async () => {
    const asked = { as: 'ada', method: 'svyaz.orders.v1.OrderService/GetUserDetails', message: {} }
    assert.equal((await explore('grpc', asked)).code, 'invalid_request')
    assert.equal((await explore('watch', { ...asked, kind: 'grpc' })).code, 'invalid_request')
    assert.deepEqual(
      gateway.seen.filter(({ path }) => path.startsWith('/svyaz.')),
      [],
    )
  })
})
