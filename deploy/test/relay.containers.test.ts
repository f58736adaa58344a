/** `docker compose --profile relay`: a session through MC1, MC2, Kafka and MC3, a crash in it, and its rows afterwards. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RelaySession } from '@svyaz/contracts/http/relay.ts'
import { assertSmallAndClosed, compose, crash, docker, eventually, healthy, imagesOf, lastWords } from './compose.ts'

const mc1 = 'http://127.0.0.1:8101'
const jaeger = 'http://127.0.0.1:16686'
let passed = false

before(async () => {
  docker('build', '--target', 'build', '.')
  compose('--profile', 'relay', 'build')
  compose('--profile', 'relay', 'up', '--detach', '--no-build')
  for (const service of ['mc1', 'mc2', 'mc3']) await healthy(service)
})

after(() => {
  if (!passed) process.stdout.write(lastWords())
  compose('--profile', '*', 'down', '--volumes', '--timeout', '20')
})

const session = async (id: number): Promise<RelaySession> =>
  (await (await fetch(`${mc1}/sessions/${id}`)).json()) as RelaySession

const psql = (text: string): string => compose('run', '--rm', '-T', 'psql', '-AtX', '-d', 'relay', '-c', text).trim()

test('images are small, without npm, and their user is not root', () => assertSmallAndClosed(imagesOf('relay')))

test('a session loses nothing although MC2 crashes in it; after `down` psql counts its messages', async () => {
  const answer = await fetch(`${mc1}/start/`)
  const { sessionId } = (await answer.json()) as { sessionId: number }
  assert.equal(answer.status, 200)
  crash('mc2')
  const done = await eventually('the end of the session', async () => {
    const view = await session(sessionId)
    return view.status === 'running' || view.status === 'stopping' ? undefined : view
  })
  assert.equal(done.status, 'finished')
  // How many is the machine's affair: the ten seconds hold a crash, and the start of a container.
  assert.ok((done.generated ?? 0) >= 10, `${done.generated} messages`)
  assert.equal(done.stored, done.generated)

  // R6.7: each of the three told Jaeger.
  for (const service of ['mc1', 'mc2', 'mc3'])
    await eventually(`spans of ${service}`, async () => {
      const { data } = (await (await fetch(`${jaeger}/api/traces?service=${service}&limit=1`)).json()) as {
        data: unknown[]
      }
      return data.length > 0 ? true : undefined
    })

  compose('--profile', 'relay', 'down')
  const counted = psql(`SELECT count(*), count(DISTINCT id) FROM messages WHERE session_id = ${sessionId}`)
  assert.equal(counted, `${done.generated}|${done.generated}`)
  passed = true
})
