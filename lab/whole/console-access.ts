/**
 * Every route and socket of the console's server × {nobody, a page, user, support, admin}, where operators have to sign in:
 * who is let in is what is meant, which is said here. A route that is added needs a sample.
 */
import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Browser } from '@svyaz/observe/browser.ts'
import { type Account, administrator } from '@svyaz/observe/person.ts'
import WebSocket from 'ws'
import { type Console, startConsole } from '../../console/bff/src/console.ts'
import type { Access, Parts, Route } from '../../console/bff/src/route.ts'
import { routesOf } from '../../console/bff/src/routes.ts'
import { csrfHeader, demoUsers } from '../../console/protocol.ts'
import { placesIn } from '../../system/src/supervisor/places.ts'
import type { World } from './world.ts'

const callers = ['nobody', 'page', 'user', 'support', 'admin'] as const
type CallerName = (typeof callers)[number]

interface Sample {
  readonly request: string
  readonly body: object | undefined
}
const sample = (request: string, body?: object): Sample => ({ request, body })

/**
 * Requests that do nothing where they are allowed: about what isn't there. A path of each route, and what it takes, below
 * whom it is meant for: said here a second time, so that a route that lets in too many is seen.
 */
const samples: Readonly<Record<Access, readonly Sample[]>> = {
  anyone: [sample('GET /api/session'), sample('GET /api/sign-in'), sample('GET /api/signed-in')],
  servers: [sample('POST /api/signed-out-elsewhere', {})],
  operator: [
    sample('POST /api/processes/nobody-9/kill', {}),
    sample('POST /api/services/nobody/scale/1', {}),
    sample('POST /api/relay/stop', {}),
    sample('GET /api/topics/none.events/records'),
    sample('POST /api/topics/none.events/records', { type: 'none', key: 'none', value: '{}' }),
    sample('GET /api/topics/none.events/live'),
    sample('GET /api/dead-letters'),
    sample('POST /api/dead-letters/replay', { topic: 'none.events', consumer: 'none', ids: ['none'], dryRun: false }),
    sample('GET /api/settings/none/embedded'),
    sample('GET /api/settings/none/embedded/history'),
    sample('POST /api/settings/none/embedded', { properties: { none: 1 } }),
    sample('GET /api/mails'),
    sample('GET /api/mails/1'),
    sample('GET /api/mails/1/html'),
    sample('POST /api/explore/http', { as: 'nobody', method: 'DELETE', path: '/products' }),
    sample('POST /api/explore/grpc', { as: 'nobody', method: 'none', message: {} }),
    sample('POST /api/explore/watch', { as: 'nobody' }),
    sample('GET /api/discovery'),
    sample('POST /api/race', {}),
    sample('GET /api/sagas'),
    sample('POST /api/faults', {}),
    sample('POST /api/faults/stop', {}),
    sample('POST /api/assignment/run', {}),
    sample('GET /api/assignment/output'),
    sample('POST /api/examination/stop', {}),
  ],
  page: [
    sample('POST /api/users/nobody/orders', {}),
    sample('POST /api/users/nobody/orders/none/cancel', {}),
    sample('GET /api/processes/past'),
    sample('GET /api/processes/nobody-9/logs'),
    sample('GET /api/telemetry/services'),
    sample('GET /api/topics'),
    sample('GET /api/settings'),
    sample('GET /api/explore/callers'),
    sample('GET /api/faults'),
    sample('GET /api/assignment'),
    // It ends the session that asks.
    sample('POST /api/sign-out', {}),
  ],
}
const accesses: readonly Access[] = ['anyone', 'servers', 'operator', 'page']
const sockets = ['/api/live', '/api/telemetry/live'] as const

/** The code of the refusal; undefined: it is let in, whatever becomes of it then. */
const refusalOf = (access: Access, caller: CallerName): string | undefined => {
  if (access === 'anyone' || access === 'servers') return undefined
  if (caller === 'nobody') return 'no_session'
  if (access === 'page' || caller === 'admin') return undefined
  return caller === 'page' ? 'sign_in_needed' : 'role_needed'
}
const refusals = new Set(['no_session', 'sign_in_needed', 'role_needed', 'csrf', 'no_origin'])

/** What a browser sends with every request: its cookie, and for changes the token of its session. */
type Headers = Readonly<Partial<Record<'cookie' | typeof csrfHeader, string>>>

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

    it('each route is for whom it is meant, and has a sample', () => {
      const answering = ({ request }: Sample): Route | undefined => {
        const [method, path = ''] = request.split(' ')
        return routes.find((route) => route.method === method && route.path.test(path))
      }
      const wanted = Object.entries(samples).flatMap(([access, list]) =>
        list.map((of) => ({ request: of.request, access, route: answering(of) })),
      )
      assert.deepEqual(
        wanted.map(({ request, route }) => ({ request, access: route?.access })),
        wanted.map(({ request, access }) => ({ request, access })),
      )
      const without = routes.filter((route) => !wanted.some((of) => of.route === route))
      assert.deepEqual(
        without.map(({ method, path }) => `${method} ${path.source}`),
        [],
      )
    })

    it('each is answered as is meant, and so are the sockets', async () => {
      const w = world()
      using folder = newFolder()
      writeFileSync(join(folder.path, 'index.html'), '<!doctype html>')
      // The accounts of the console that runs, so that this one doesn't need any of its own.
      for (const demoUser of demoUsers)
        copyFileSync(
          join(placesIn(w.system.home).data('console'), `${demoUser}.json`),
          join(folder.path, `${demoUser}.json`),
        )
      const publicUrl = w.system.url('console')
      const user = await w.register('Ursula User')
      const support = await w.register('Samuel Support')
      const roles = { body: { roles: ['user', 'support'] } }
      assert.equal((await w.admin.ask('PUT', `/users/${support.id}/roles`, roles)).status, 200)
      // Without a supervisor: there is nothing to kill.
      await using place = await startConsole({
        directory: folder.path,
        pageCache: folder.path,
        page: folder.path,
        gateway: w.gateway,
        telemetry: w.system.url('telemetry', 'otlp'),
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
      for (const caller of callers)
        for (const path of sockets) {
          const { cookie } = asked[caller]
          const own = await handshake(place, path, { cookie, origin: place.url })
          const others = await handshake(place, path, { cookie, origin: 'http://elsewhere.example' })
          const unsaid = await handshake(place, path, { cookie })
          const expected = caller === 'nobody' ? 401 : 101
          if (`${own} ${others} ${unsaid}` !== `${expected} 403 403`)
            wrong.push(`${path} as ${caller}: ${own}, from elsewhere ${others}, without an Origin ${unsaid}`)
        }
      for (const access of accesses)
        for (const { request, body } of samples[access])
          for (const caller of callers) {
            const [method = '', path = ''] = request.split(' ')
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
    })
  })
}

function newFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'svyaz-console-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** @returns the status that answers it; 101 for a socket, which is closed at once */
function handshake(
  place: Console,
  path: string,
  { cookie, origin }: { readonly cookie: string | undefined; readonly origin?: string },
): Promise<number> {
  const socket = new WebSocket(`${place.url.replace(/^http/, 'ws')}${path}`, {
    headers: cookie === undefined ? {} : { cookie },
    ...(origin === undefined ? {} : { origin }),
    handshakeTimeout: 10_000,
  })
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      socket.terminate()
      resolve(101)
    })
    socket.once('unexpected-response', (_request, { statusCode }) => {
      socket.on('error', () => {})
      socket.terminate()
      resolve(statusCode ?? 0)
    })
    socket.once('error', reject)
  })
}
