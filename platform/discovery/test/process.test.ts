/** Our server as a started process: restarts, signals, flags, callers, limits. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { describe, test } from 'node:test'
import { startDiscovery } from '../src/index.ts'
import { runToEnd, startOurs, temporaryDirectory } from './processes.ts'
import { client, follow, type Json } from './requests.ts'

describe('restart', () => {
  test('kill -9 and start again: services, checks, keys and the index are there, and nobody turns critical', async () => {
    using directory = temporaryDirectory()
    const first = await startOurs(directory.path)
    const before = client(first.url)
    await before('PUT', '/v1/agent/service/register', {
      ID: 'web-1',
      Name: 'web',
      Port: 80,
      Tags: ['a'],
      Checks: [{ TTL: '2s' }, { TTL: '1h', Status: 'warning', Notes: 'n' }],
    })
    await before('PUT', '/v1/agent/check/pass/service:web-1:1?note=fine')
    await before('PUT', '/v1/agent/service/register', { Name: 'gone' })
    await before('PUT', '/v1/agent/service/deregister/gone')
    await before('PUT', '/v1/kv/config/x?flags=7', 'value')
    await before('DELETE', '/v1/kv/none')
    const seen = await before('GET', '/v1/health/service/web')
    const kept = await before('GET', '/v1/kv/config/x')
    await first.kill()

    await using second = await startOurs(directory.path)
    const after = client(second.url)
    const again = await after('GET', '/v1/health/service/web')
    assert.deepEqual(again.json, seen.json)
    assert.ok(again.index > seen.index, 'a watcher from before reads again')
    assert.deepEqual((await after('GET', '/v1/kv/config/x')).json, kept.json)
    assert.deepEqual(Object.keys((await after('GET', '/v1/catalog/services')).json), ['consul', 'web'])
    const woken = await after('GET', `/v1/health/service/web?index=${seen.index}&wait=10s`)
    assert.equal(woken.index, again.index)
    await after('PUT', `/v1/kv/config/x?cas=${kept.json[0].ModifyIndex}`, 'next')
    const [changed] = (await after('GET', '/v1/kv/config/x')).json
    assert.ok(changed.ModifyIndex > again.index)
    // The time to live began at the restart and, with nobody left to report, it ends.
    const late = await follow(after, '/v1/health/checks/web', ({ json }) => json[0].Status === 'critical')
    assert.match(late.json[0].Output, /^TTL expired/)
  })

  test('a clean stop leaves a snapshot, an empty journal and no lock', async () => {
    using directory = temporaryDirectory()
    const server = await startOurs(directory.path)
    await client(server.url)('PUT', '/v1/kv/a', 'b')
    await server[Symbol.asyncDispose]()
    assert.equal(server.child.exitCode, 0)
    assert.deepEqual(
      readdirSync(directory.path).map((name) => name.replace(/\d+/, 'N')),
      ['journal-N.log', 'journal.synced', 'snapshot.json'],
    )
    await using again = await startOurs(directory.path)
    assert.equal((await client(again.url)('GET', '/v1/kv/a?raw')).text, 'b')
  })

  test('a second process on the same data is refused with the pid of the first', async () => {
    using directory = temporaryDirectory()
    await using first = await startOurs(directory.path)
    const second = await runToEnd(['--port', '0', '--data-dir', directory.path])
    assert.equal(second.code, 1)
    assert.match(second.stderr, new RegExp(`in use by process ${first.child.pid}\\b`))
  })
})

describe('stop', () => {
  test('SIGTERM answers who waits, then ends with 0', async () => {
    using directory = temporaryDirectory()
    const server = await startOurs(directory.path)
    const send = client(server.url)
    const { index } = await send('GET', '/v1/health/service/none')
    const waiting = send('GET', `/v1/health/service/none?index=${index}&wait=60s`)
    await untilParked(server.url)
    const ended = once(server.child, 'exit')
    server.child.kill('SIGTERM')
    assert.equal((await waiting).status, 200)
    assert.deepEqual(await ended, [0, null])
    assert.deepEqual(
      server.log.map((entry) => [entry.level, entry.msg]),
      [
        ['info', 'listening'],
        ['info', 'stopping'],
        ['info', 'stopped'],
      ],
    )
    assert.ok(server.log.every((entry) => new Date(entry.time as string).toISOString() === entry.time))
  })

  test('the end of standard input stops it when asked for', async () => {
    using directory = temporaryDirectory()
    const server = await startOurs(directory.path, ['--port', '0', '--stop-on-stdin-end'])
    const ended = once(server.child, 'exit')
    server.child.stdin!.end()
    assert.deepEqual(await ended, [0, null])
  })
})

describe('flags', () => {
  test('wrong ones are all named, with exit code 2', async () => {
    const { code, stderr } = await runToEnd(['--port', 'x', '--nope', '--data-dir'])
    assert.equal(code, 2)
    for (const part of ['--port must be', 'unknown flag --nope', '--data-dir needs a value']) {
      assert.ok(stderr.includes(part), stderr)
    }
  })

  test('--help tells all of them', async () => {
    const { code, stdout } = await runToEnd(['--help'])
    assert.equal(code, 0)
    for (const flag of ['--port', '--data-dir', '--host', '--allowed-host', '--node-name', '--stop-on-stdin-end']) {
      assert.ok(stdout.includes(flag), flag)
    }
  })

  test('a taken port is named, with exit code 1 and no stack', async () => {
    using directory = temporaryDirectory()
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const { code, stderr } = await runToEnd(['--port', String(port), '--data-dir', directory.path])
    taken.close()
    assert.equal(code, 1)
    assert.equal(
      stderr,
      `svyaz-discovery: port ${port} on 127.0.0.1 is taken by another process; choose another with --port\n`,
    )
  })
})

describe('callers', () => {
  test('a foreign Host or Origin gets 403 and changes nothing; so it does at what probes and scrapers ask', async () => {
    using directory = temporaryDirectory()
    await using server = await startDiscovery({ port: 0, directory: directory.path, allowedHosts: ['discovery'] })
    const call = (method: string, path: string, headers: Record<string, string>) =>
      statusOf(server.url, method, path, headers)
    assert.equal(await call('PUT', '/v1/kv/a', { host: 'evil.example' }), 403)
    assert.equal(await call('GET', '/v1/agent/services', { host: `evil.example:${server.port}` }), 403)
    assert.equal(await call('PUT', '/v1/kv/a', { origin: 'http://evil.example' }), 403)
    assert.equal(await call('PUT', '/v1/kv/a', { origin: 'http://localhost:1' }), 403)
    assert.equal(await call('GET', '/v1/kv/a', {}), 404)
    assert.equal(await call('PUT', '/v1/kv/a', { host: 'discovery:8500' }), 200)
    assert.equal(await call('PUT', '/v1/kv/a', { origin: server.url }), 200)
    for (const path of ['/health/live', '/health/ready', '/metrics', '/info']) {
      assert.equal(await call('GET', path, { host: 'rebound.example' }), 403, path)
      assert.equal(await call('GET', path, { host: 'discovery:8500' }), 200, path)
      assert.equal(await call('GET', path, {}), 200, path)
    }
  })
})

describe('limits', () => {
  test('bodies, waiting queries and filters past theirs are refused with a status that says so', async () => {
    using directory = temporaryDirectory()
    const limits = {
      bodyBytesMax: 200,
      keyValueBytesMax: 100,
      parkedQueriesMax: 1,
      servicesMax: 1,
      filterCharactersMax: 20,
    }
    await using server = await startDiscovery({ port: 0, directory: directory.path, limits })
    const send = client(server.url)
    assert.equal((await send('PUT', '/v1/agent/service/register', { Name: 'x'.repeat(300) })).status, 413)
    assert.equal((await send('PUT', '/v1/kv/a', 'x'.repeat(101))).status, 413)
    assert.equal((await send('PUT', '/v1/kv/a', 'x'.repeat(100))).status, 200)
    assert.equal((await send('PUT', '/v1/agent/service/register', { Name: 'one' })).status, 200)
    assert.equal((await send('PUT', '/v1/agent/service/register', { Name: 'two' })).status, 507)
    assert.equal((await send('GET', `/v1/health/service/one?filter=${'x'.repeat(21)}`)).status, 400)
    const { index } = await send('GET', '/v1/health/service/one')
    const path = `/v1/health/service/one?index=${index}&wait=60s`
    const waiting = send('GET', path)
    await untilParked(server.url)
    const refused = await send('GET', path)
    assert.equal(refused.status, 503)
    assert.equal(refused.headers.get('retry-after'), '1')
    await send('PUT', '/v1/agent/service/deregister/one')
    assert.deepEqual((await waiting).json, [])
  })
})

describe('refusals of our own', () => {
  const cases: readonly (readonly [string, string, unknown, string])[] = [
    [
      '/v1/agent/service/register',
      'a script check',
      { Name: 'x', Check: { Args: ['true'], Interval: '1s' } },
      'Args is not offered',
    ],
    ['/v1/agent/service/register', 'a mesh proxy', { Name: 'x', Kind: 'connect-proxy' }, 'Kind is not offered'],
    ['/v1/agent/service/register', 'a list', '[]', 'Request decode failed: the body must be a JSON object'],
    [
      '/v1/agent/service/register',
      'a list that goes deep',
      '['.repeat(5_000) + ']'.repeat(5_000),
      'Request decode failed: the body must be a JSON object',
    ],
    [
      '/v1/agent/service/register',
      'a field that goes deep',
      `{"Name":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
      'Request decode failed: Name must hold a ',
    ],
    ['/v1/kv/x?cas=z', 'an odd cas', 'v', 'Invalid value for ?cas'],
    ['/v1/kv/x?acquire=s', 'a session', 'v', 'sessions (acquire, release) are not offered'],
    ['/v1/kv/%ff', 'a wrong encoding', 'v', 'the path has a wrong percent-encoding'],
  ]
  for (const [path, what, body, text] of cases) {
    test(what, async () => {
      using directory = temporaryDirectory()
      await using server = await startDiscovery({ port: 0, directory: directory.path })
      const reply = await client(server.url)('PUT', path, body)
      assert.equal(reply.status, 400)
      assert.ok(reply.text.startsWith(text), reply.text)
    })
  }
})

test('metrics count requests by route and not by address; info tells the state', async () => {
  using directory = temporaryDirectory()
  await using server = await startDiscovery({ port: 0, directory: directory.path, nodeName: 'here' })
  const send = client(server.url)
  await send('PUT', '/v1/agent/service/register', { Name: 'x', Check: { TTL: '9s' } })
  await send('GET', '/v1/kv/a-secret')
  await send('GET', '/nowhere')
  const { text } = await send('GET', '/metrics')
  for (const line of [
    'svyaz_discovery_services 1',
    'svyaz_discovery_checks{status="critical"} 1',
    'http_request_duration_seconds_count{method="PUT",route="/v1/agent/service/register",status="200"} 1',
    'http_request_duration_seconds_count{method="GET",route="/v1/kv/*key",status="404"} 1',
    'http_request_duration_seconds_count{method="GET",route="none",status="404"} 1',
  ]) {
    assert.ok(text.includes(`\n${line}\n`), line)
  }
  assert.ok(!text.includes('a-secret'))
  const info: Json = (await send('GET', '/info')).json
  assert.deepEqual([info.node, info.services, info.stored], ['here', 1, true])
})

/** Waits until a query is parked, as the server's own metric tells. */
async function untilParked(url: string): Promise<void> {
  for (;;) {
    const metrics = await (await fetch(`${url}/metrics`)).text()
    if (metrics.includes('\nsvyaz_discovery_parked_queries 1\n')) return
  }
}

/** `fetch` does not let a caller choose Host. */
async function statusOf(url: string, method: string, path: string, headers: Record<string, string>): Promise<number> {
  const outgoing = request(`${url}${path}`, { method, headers, agent: false })
  outgoing.end()
  const [response] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage]
  response.resume()
  return response.statusCode ?? 0
}
