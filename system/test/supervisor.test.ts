/** Systems of fixtures, started in this process as whole-system tests start theirs. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { test } from 'node:test'
import { Client } from 'pg'
import type { InstanceView, SupervisorEvent } from '../src/supervisor/supervisor.ts'
import { type System, startSystem } from '../src/testing.ts'
import { broken, topology, withPostgres } from './fixtures/topology.ts'

interface About {
  pid: number
  argv: string[]
  variables: Record<string, string>
  from: string
}

const about = async (system: System, process: string, port = 'management'): Promise<About> =>
  (await (await fetch(`${system.url(process, port)}/about`)).json()) as About

/** The first event that satisfies a condition. */
function event(system: System, condition: (view: InstanceView) => boolean): Promise<InstanceView> {
  return new Promise((resolve) => {
    const unlisten = system.listen((event: SupervisorEvent) => {
      if (event.type !== 'instance' || !condition(event.instance)) return
      unlisten()
      resolve(event.instance)
    })
  })
}

test('processes are told who they are and run from bundles', { timeout: 30_000 }, async () => {
  await using system = await startSystem({ topology, env: { SVYAZ_CRASH_POINTS: 'here' } })
  const worker = await about(system, 'worker')
  assert.equal(worker.variables.SVYAZ_INSTANCE, 'worker-1')
  assert.equal(worker.variables.SVYAZ_CRASH_POINTS, 'here')
  assert.ok(existsSync(worker.variables.SVYAZ_KEY_FILE ?? ''))
  assert.match(worker.from, /test\/fixtures\/process\.ts$/, 'a bundled module still knows its place')
  const ground = await about(system, 'ground', 'http')
  assert.ok(ground.argv.includes('--stop-on-stdin-end'))
})

test('two systems run side by side on free ports, and leave nothing', { timeout: 30_000 }, async () => {
  const homes: string[] = []
  {
    await using one = await startSystem({ topology })
    await using two = await startSystem({ topology })
    homes.push(one.home, two.home)
    assert.notEqual((await about(one, 'ground', 'http')).pid, (await about(two, 'ground', 'http')).pid)
  }
  assert.deepEqual(homes.map(existsSync), [false, false])
})

test('what dies is started again; what dies at each start keeps the system from being ready, with its last words', {
  timeout: 30_000,
}, async () => {
  const failure = await startSystem({ topology: broken, readyTimeoutMs: 2_000 }).then(
    () => assert.fail('it can never be ready'),
    (error: Error) => error,
  )
  assert.match(failure.message, /broken-1 is (backing-off|launching|starting)/)
  assert.match(failure.message, /this one never starts/, 'with its last words')
  assert.doesNotMatch(failure.message, /worker/)

  await using system = await startSystem({ topology: broken, only: ['worker', 'edge'] })
  const died = event(system, (view) => view.name === 'edge-1' && view.status === 'backing-off')
  const back = event(system, (view) => view.name === 'edge-1' && view.status === 'ready')
  await fetch(`${system.url('edge', 'management')}/exit`).catch(() => {})
  assert.deepEqual((await died).lastExit, { code: 1, signal: null })
  assert.equal((await back).restarts, 1)
})

test('kill −9 of any process: the same instance is back on the same port', { timeout: 30_000 }, async () => {
  await using system = await startSystem({ topology })
  for (const name of ['ground-1', 'worker-2', 'edge-1']) {
    const before = system.instances().find((view) => view.name === name)
    const back = event(system, (view) => view.name === name && view.status === 'ready')
    await system.kill(name)
    const after = await back
    assert.notEqual(after.pid, before?.pid)
    assert.deepEqual(after.ports, before?.ports)
    assert.equal(after.lastExit?.signal, 'SIGKILL')
  }
})

test('PostgreSQL is one of the processes: a database per service, killed and back', { timeout: 60_000 }, async () => {
  await using system = await startSystem({ topology: withPostgres, only: ['books'] })
  const ask = async (sql: string) => {
    const client = new Client({ connectionString: system.databaseUrl('books') })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query(sql)).rows
    } finally {
      await client.end()
    }
  }
  assert.deepEqual(await ask('SELECT current_user, current_database()'), [
    { current_user: 'books', current_database: 'books' },
  ])
  await ask('CREATE TABLE kept (value int)')
  await ask('INSERT INTO kept VALUES (42)')
  const back = event(system, (view) => view.name === 'postgres-1' && view.status === 'ready')
  await system.kill('postgres')
  await back
  assert.deepEqual(await ask('SELECT value FROM kept'), [{ value: 42 }])
  await system.restart('postgres')
  assert.deepEqual(await ask('SELECT value FROM kept'), [{ value: 42 }])
})

test("the control socket is the owner's alone and refuses what a browser would send", { timeout: 30_000 }, async () => {
  await using system = await startSystem({ topology, only: ['worker'] })
  const status = (path: string, method: string, headers: Record<string, string> = {}) =>
    new Promise<number | undefined>((resolve, reject) => {
      request({ socketPath: system.controlSocket, path, method, headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .once('error', reject)
        .end()
    })
  assert.equal(await status('/instances', 'GET'), 200)
  assert.equal(await status('/instances/worker/kill', 'POST', { origin: 'https://evil.example' }), 403)
  assert.equal(await status('/instances/worker/kill', 'GET'), 404)
  assert.equal(await status('/instances/nobody/kill', 'POST'), 409)
  assert.equal(
    system.instances().every((view) => view.restarts === 0),
    true,
  )
})

test('variables for the next process of an instance reach no later one and no other', { timeout: 30_000 }, async () => {
  await using system = await startSystem({ topology })
  const crashPoints = async () => (await about(system, 'edge')).variables.SVYAZ_CRASH_POINTS
  system.startNextWith('edge-1', { SVYAZ_CRASH_POINTS: 'once' })
  await system.restart('worker-1')
  assert.equal((await about(system, 'worker')).variables.SVYAZ_CRASH_POINTS, '')
  await system.restart('edge-1')
  assert.equal(await crashPoints(), 'once')
  const back = event(system, (view) => view.name === 'edge-1' && view.status === 'ready')
  await system.kill('edge-1')
  await back
  assert.equal(await crashPoints(), '')
  assert.throws(() => system.startNextWith('edge-9', {}), /there is no instance "edge-9"/)
})
