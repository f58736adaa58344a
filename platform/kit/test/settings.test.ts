/** Settings against a config service of the test's own, which answers when the test lets it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { z } from 'zod'
import { openSettings } from '../src/process/settings.ts'
import { testCore, until } from './core-fixture.ts'

const schema = z.object({ waitMs: z.number().default(1) })
const signer = { serviceToken: async () => 'token' }
const home = mkdtempSync(join(tmpdir(), 'svyaz-settings-'))
/** What is stored, and the answers that are made but not sent. */
let stored = 1
let holding = false
const held: (() => void)[] = []

/** What is answered instead of `stored`. */
let wrong: unknown

const server = createServer((request, response: ServerResponse) => {
  request.resume()
  if (request.method === 'PUT') return void response.end('{}')
  const body = JSON.stringify({
    name: 'orders',
    profiles: ['embedded'],
    version: String(stored),
    propertySources: [{ name: 'test', source: { waitMs: wrong ?? stored } }],
  })
  if (holding) held.push(() => response.end(body))
  else response.end(body)
})
before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
after(() => {
  server.close()
  server.closeAllConnections()
  rmSync(home, { recursive: true, force: true })
})

const open = () => {
  const { port } = server.address() as AddressInfo
  const core = testCore({ configUrl: `http://127.0.0.1:${port}`, home })
  return openSettings(core, schema, signer as unknown as Parameters<typeof openSettings>[2])
}

test('a change that is heard of while an older answer is under way is applied', async () => {
  const settings = await open()
  holding = true
  const first = settings.refresh()
  await until('the first question', () => held.length === 1)
  stored = 2
  const second = settings.refresh()
  const third = settings.refresh()
  holding = false
  held.shift()?.()
  await Promise.all([first, second, third])
  assert.deepEqual(settings.current(), { waitMs: 2 })
  settings.close()
})

test('where it came from is known, and of an answer that breaks the schema what is wrong with it; it changes nothing', async () => {
  const settings = await open()
  const { from, version, sources } = settings.origin()
  assert.deepEqual([from, version, sources], ['config service', String(stored), { waitMs: 'test' }])
  const since = settings.origin().at
  const held = settings.current()
  wrong = 'long'
  stored += 1
  await settings.refresh()
  const { refused } = settings.origin()
  assert.deepEqual(
    [refused?.version, refused?.from, refused?.faults.map(({ pointer }) => pointer)],
    [String(stored), 'config service', ['/waitMs']],
  )
  await settings.refresh()
  assert.equal(settings.origin().refused, refused, 'the same again is no other refusal')
  assert.deepEqual([settings.current(), settings.origin().version, settings.origin().at], [held, version, since])
  wrong = undefined
  await settings.refresh()
  assert.deepEqual([settings.origin().version, settings.origin().refused], [String(stored), refused])
  settings.close()
})
