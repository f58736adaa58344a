import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { defaultLimits, startTelemetry } from '../src/index.ts'

async function telemetryFor(t: TestContext, limits: Partial<typeof defaultLimits>) {
  const directory = mkdtempSync(join(tmpdir(), 'telemetry-live-'))
  const telemetry = await startTelemetry({ directory, scrapeEveryMs: 0, limits: { ...defaultLimits, ...limits } })
  t.after(async () => {
    await telemetry[Symbol.asyncDispose]()
    rmSync(directory, { recursive: true })
  })
  return { port: telemetry.port, url: `ws://127.0.0.1:${telemetry.port}/live` }
}

/** Asks for a socket and then says nothing any more, as a machine does whose network was cut. */
async function halfOpen(port: number) {
  const socket = connect(port, '127.0.0.1')
  socket.write(
    'GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  const [first] = (await once(socket, 'data')) as [Buffer]
  assert.match(first.toString('latin1'), /^HTTP\/1.1 101 /)
  socket.on('error', () => undefined).resume()
  return socket
}

test('a listener that answers no ping loses its place; one that does stays', async (t) => {
  const { port, url } = await telemetryFor(t, { listenersMax: 1, pingEveryMs: 200 })
  const silent = await halfOpen(port)
  await once(silent, 'close')
  const listener = new WebSocket(url)
  const closed = once(listener, 'close').then(() => assert.fail('it answered and lost its place'))
  await once(listener, 'open')
  for (let n = 0; n < 3; n += 1) await Promise.race([once(listener, 'ping'), closed])
  assert.equal(listener.readyState, WebSocket.OPEN)
  listener.close()
  await assert.rejects(closed)
})

test('many that come at once get as many places as there are', async (t) => {
  const { url } = await telemetryFor(t, { listenersMax: 3 })
  const joined = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const socket = new WebSocket(url)
      const outcome = await Promise.race([
        once(socket, 'open').then(() => 'open'),
        once(socket, 'unexpected-response').then(() => 'refused'),
      ])
      t.after(() => socket.terminate())
      return outcome
    }),
  )
  assert.equal(joined.filter((outcome) => outcome === 'open').length, 3)
})
