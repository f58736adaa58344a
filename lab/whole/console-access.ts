/**
 * Every route of the console's server × {nobody, a page, user, support, admin}, where operators have to sign in: what comes
 * back follows from its `access`. A route that is added needs a sample here.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Browser } from '@svyaz/observe/browser.ts'
import { type Account, administrator } from '@svyaz/observe/person.ts'
import { type Console, startConsole } from '../../console/bff/src/console.ts'
import type { Access, Parts } from '../../console/bff/src/route.ts'
import { routesOf } from '../../console/bff/src/routes.ts'
import { csrfHeader } from '../../console/protocol.ts'
import { placesIn } from '../../system/src/supervisor/places.ts'
import type { World } from './world.ts'

const callers = ['nobody', 'page', 'user', 'support', 'admin'] as const
type CallerName = (typeof callers)[number]

/** Requests that do nothing where they are allowed: about what isn't there. A path of each route, and what it takes. */
const samples: readonly (readonly [request: string, body?: object])[] = [
  ['GET /api/session'],
  ['GET /api/sign-in'],
  ['GET /api/signed-in'],
  ['POST /api/signed-out-elsewhere', {}],
  ['POST /api/users/nobody/orders', {}],
  ['POST /api/users/nobody/orders/none/cancel', {}],
  ['GET /api/processes/past'],
  ['POST /api/processes/nobody-9/kill', {}],
  ['POST /api/services/nobody/scale/1', {}],
  ['POST /api/relay/stop', {}],
  ['GET /api/processes/nobody-9/logs'],
  ['GET /api/telemetry/services'],
  ['GET /api/topics'],
  ['GET /api/topics/none.events/records'],
  ['POST /api/topics/none.events/records', { type: 'none', key: 'none', value: '{}' }],
  ['GET /api/topics/none.events/live'],
  ['GET /api/dead-letters'],
  ['POST /api/dead-letters/replay', { topic: 'none.events', consumer: 'none', ids: ['none'], dryRun: false }],
  ['GET /api/settings'],
  ['GET /api/settings/none/embedded'],
  ['GET /api/settings/none/embedded/history'],
  ['POST /api/settings/none/embedded', { properties: { none: 1 } }],
  ['GET /api/mails'],
  ['GET /api/mails/1'],
  ['GET /api/mails/1/html'],
  ['GET /api/explore/callers'],
  ['POST /api/explore/http', { as: 'nobody', method: 'DELETE', path: '/products' }],
  ['POST /api/explore/grpc', { as: 'nobody', method: 'none', message: {} }],
  ['POST /api/explore/watch', { as: 'nobody' }],
  ['GET /api/discovery'],
  ['POST /api/race', {}],
  ['GET /api/sagas'],
  ['GET /api/faults'],
  ['POST /api/faults', {}],
  ['POST /api/faults/stop', {}],
  ['GET /api/assignment'],
  ['POST /api/assignment/run', {}],
  ['GET /api/assignment/output'],
  ['POST /api/examination/stop', {}],
  // It ends the session that asks.
  ['POST /api/sign-out', {}],
]

/** The code of the refusal; undefined: it is let in, whatever becomes of it then. */
const refusalOf = (access: Access, caller: CallerName): string | undefined => {
  if (access === 'anyone' || access === 'servers') return undefined
  if (caller === 'nobody') return 'no_session'
  if (access === 'page' || caller === 'admin') return undefined
  return caller === 'page' ? 'sign_in_needed' : 'role_needed'
}
const refusals = new Set(['no_session', 'sign_in_needed', 'role_needed', 'csrf', 'no_origin'])

/** What a browser sends with every request: its cookie, and for changes the token of its session. */
type Headers = Readonly<Record<string, string>>

async function headersOf(place: Console, browser: Browser): Promise<Headers> {
  const session = await browser.ask(`${place.url}/api/session`)
  const { csrf } = JSON.parse(session.text) as { csrf: string }
  return { cookie: browser.cookiesFor(`${place.url}/api/`), [csrfHeader]: csrf }
}

async function signedIn(place: Console, publicUrl: string, { email, password }: Account): Promise<Headers> {
  const browser = new Browser()
  const asked = await browser.follow(await browser.ask(`${place.url}/api/sign-in`), publicUrl)
  const back = await browser.follow(await browser.submit(asked, { email, password, action: 'sign-in' }), publicUrl)
  const entered = await browser.ask(`${place.url}/api/signed-in${back.url.search}`)
  assert.equal(entered.status, 303, entered.text)
  return headersOf(place, browser)
}

const codeIn = (text: string): string | undefined => {
  try {
    return (JSON.parse(text) as { code?: string }).code
  } catch {
    return undefined
  }
}

/** Asks every route of the console's server as every kind of caller. */
export const consoleAccessScenario = (world: () => World): void => {
  describe('who may do what on the console, where operators have to sign in', { timeout: 120_000 }, () => {
    const routes = routesOf({} as Parts)

    it('each route has a sample', () => {
      const without = routes.filter(
        ({ method, path }) =>
          !samples.some(([request]) => path.test(request.split(' ')[1]!) && request.startsWith(method)),
      )
      assert.deepEqual(
        without.map(({ method, path }) => `${method} ${path.source}`),
        [],
      )
    })

    it('each is answered as its access says', async () => {
      const w = world()
      const folder = mkdtempSync(join(tmpdir(), 'svyaz-console-'))
      writeFileSync(join(folder, 'index.html'), '<!doctype html>')
      const publicUrl = w.system.url('console')
      const user = await w.register('Ursula User')
      const support = await w.register('Samuel Support')
      const roles = { body: { roles: ['user', 'support'] } }
      assert.equal((await w.admin.ask('PUT', `/users/${support.id}/roles`, roles)).status, 200)
      try {
        // With the accounts of the one that runs, so that it doesn't need any of its own; and nothing to kill.
        await using place = await startConsole({
          directory: placesIn(w.system.home).data('console'),
          pageCache: folder,
          page: folder,
          gateway: w.gateway,
          publicUrl,
          signInRequired: true,
        })
        const asked: Record<CallerName, Headers> = {
          nobody: {},
          page: await headersOf(place, new Browser()),
          user: await signedIn(place, publicUrl, user),
          support: await signedIn(place, publicUrl, support),
          admin: await signedIn(place, publicUrl, administrator),
        }
        const wrong: string[] = []
        for (const [request, body] of samples)
          for (const caller of callers) {
            const [method = '', path = ''] = request.split(' ')
            const { access } = routes.find((route) => route.method === method && route.path.test(path))!
            const answer = await fetch(`${place.url}${path}`, {
              method,
              redirect: 'manual',
              headers: { origin: place.url, 'content-type': 'application/json', ...asked[caller] },
              ...(body === undefined ? {} : { body: JSON.stringify(body) }),
            })
            const code = codeIn(await answer.text())
            const refused = code !== undefined && refusals.has(code) ? code : undefined
            if (refused !== refusalOf(access, caller) || answer.status === 500)
              wrong.push(`${request} as ${caller} (${access}): ${answer.status} ${code}`)
          }
        assert.deepEqual(wrong, [])
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    })
  })
}
