/** What the server asks of MC1, and when: with an MC1 that says what the real one says (it is in browser.test.ts). */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { RelayPicture } from '../../protocol.ts'
import { Relay } from '../src/relay.ts'

const settings = { intervalSeconds: 10, inFlight: 1, payloadBytes: 0, messagesPerSecond: 0 }
const idle = { session: null, latestSession: 3, linked: true, settings, hops: null, latest: [] }

async function startMc1() {
  const asked: string[] = []
  let runs = false
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    const say = (status: number, value: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (path === '/start/' && runs) return say(409, { code: 'conflict' })
    if (path === '/start/') runs = true
    if (path === '/now')
      return say(
        200,
        runs ? { ...idle, session: { sessionId: 4, status: 'running', durationSeconds: 1, stored: 10 } } : idle,
      )
    return say(200, path === '/sessions' ? [{ sessionId: 3 }] : {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  return { asked, close, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Runs a relay; gives each picture that is told, as it comes. */
function running(url: string | undefined, watched: () => boolean) {
  const ending = new AbortController()
  const told: RelayPicture[] = []
  let heard = () => {}
  const relay = new Relay({
    url,
    watched,
    changed: (picture) => {
      told.push(picture)
      heard()
    },
  })
  const ended = relay.run(ending.signal)
  const until = async (condition: (picture: RelayPicture) => boolean): Promise<RelayPicture> => {
    for (;;) {
      const found = told.find(condition)
      if (found) return found
      await new Promise<void>((resolve) => {
        heard = resolve
      })
    }
  }
  return {
    relay,
    until,
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('over'))
      await ended
    },
  }
}

test('nobody asks MC1 before somebody looks; then the pages are told of each session', async () => {
  const mc1 = await startMc1()
  let looks = false
  await using world = running(mc1.url, () => looks)
  assert.deepEqual([world.relay.picture().state, mc1.asked], ['unknown', []])
  looks = true
  world.relay.look()
  const first = await world.until(({ state }) => state === 'there')
  assert.deepEqual([first.now?.latestSession, first.sessions.length], [3, 1])
  assert.equal((await world.relay.command('start')).status, 200)
  const second = await world.until(({ now }) => now?.session?.sessionId === 4)
  assert.deepEqual(second.points, [{ atSeconds: 1, messagesPerSecond: 10 }])
  const refused = await world.relay.command('start')
  assert.deepEqual([refused.status, JSON.parse(refused.text).code], [409, 'conflict'])
  assert.ok(mc1.asked.filter((path) => path === '/sessions').length <= 2, 'the list only when a session begins or ends')
  await mc1.close()
  world.relay.look()
  const last = await world.until(({ state }) => state === 'away')
  assert.equal(last.now?.session?.sessionId, 4, 'what was known stays')
  await assert.rejects(world.relay.command('stop'), { status: 503, code: 'unavailable' })
})

test('a console that was told of no MC1 says so', async () => {
  await using world = running(undefined, () => true)
  assert.equal(world.relay.picture().state, 'absent')
  await assert.rejects(world.relay.command('start'), { status: 503, code: 'no_relay' })
})
