/**
 * One suite for two servers: ours and a real Consul. Whatever passes here on both is what the services may rely on.
 * Names carry a random part, since a Consul given by SVYAZ_TEST_CONSUL may hold other things. Long because it is one suite for both.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import Consul from 'consul'
import { startConsul, startOurs, temporaryDirectory } from './processes.ts'
import { refusalCases } from './refusal-cases.ts'
import { client, follow, type Json, type Send } from './requests.ts'

interface Subject extends AsyncDisposable {
  readonly url: string
}

describe('the Consul HTTP API of our server', () => suite(startOurSubject))

const consul = await startConsul()
if (consul === null) {
  test('the Consul HTTP API of Consul itself', {
    skip: 'no Consul: set SVYAZ_TEST_CONSUL=http://host:port or put the binary on the PATH',
  })
} else {
  describe('the Consul HTTP API of Consul itself', () => suite(async () => consul))
}

async function startOurSubject(): Promise<Subject> {
  const directory = temporaryDirectory()
  const server = await startOurs(directory.path)
  return {
    url: server.url,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      directory[Symbol.dispose]()
    },
  }
}

function suite(start: () => Promise<Subject>): void {
  let subject: Subject
  let send: Send
  let api: Consul

  before(async () => {
    subject = await start()
    send = client(subject.url)
    const { hostname, port } = new URL(subject.url)
    api = new Consul({ host: hostname, port: Number(port) })
  })
  after(async () => {
    api?.destroy()
    await subject?.[Symbol.asyncDispose]()
  })

  const unique = (name: string) => `${name}-${randomUUID().slice(0, 8)}`
  const register = async (name: string, rest: Record<string, unknown> = {}) => {
    const reply = await send('PUT', '/v1/agent/service/register', { Name: name, ...rest })
    assert.equal(reply.status, 200, reply.text)
    // The agent hands its services to the catalog in the background.
    await follow(send, `/v1/health/service/${name}`, ({ json }) => json.length > 0)
    return send('GET', `/v1/health/service/${name}`)
  }

  test('the agent says how its instances are, by id and by name, in the status of the answer too', async () => {
    const name = unique('well')
    for (const [id, status] of [
      ['a', 'passing'],
      ['b', 'warning'],
    ])
      await register(name, { ID: `${name}-${id}`, Check: { TTL: '60s', Status: status } })
    const health = async (path: string) => {
      const reply = await send('GET', `/v1/agent/health/service/${path}`)
      return [reply.status, reply.json?.AggregatedStatus ?? reply.json?.length ?? reply.text]
    }
    assert.deepEqual(await health(`id/${name}-a`), [200, 'passing'])
    assert.deepEqual(await health(`id/${name}-b`), [429, 'warning'])
    assert.deepEqual(await health(`name/${name}`), [429, 2])
    assert.deepEqual(await health(`name/${name}?format=text`), [429, 'warning'])
    assert.equal((await send('PUT', `/v1/agent/service/maintenance/${name}-a?enable=true`)).status, 200)
    assert.deepEqual(await health(`id/${name}-a`), [503, 'maintenance'])
    assert.deepEqual(await health(`id/${name}-none`), [404, 'critical'])
    assert.equal((await send('GET', `/v1/agent/health/service/name/${name}-none`)).status, 404)
  })

  test('the catalog’s services are filtered, and a filter that is none is refused', async () => {
    const name = unique('tagged')
    await register(name, { Tags: ['blue'] })
    const list = async (query: string) => (await send('GET', `/v1/catalog/services?${query}`)).json
    const filter = (text: string) => `filter=${encodeURIComponent(text)}`
    assert.deepEqual(await list(filter(`ServiceName == "${name}"`)), { [name]: ['blue'] })
    assert.deepEqual(await list(filter(`ServiceName == "${name}" and "red" in ServiceTags`)), {})
    // 400 here, 500 by Consul; never a list as if nothing had been asked.
    assert.ok((await send('GET', '/v1/catalog/services?filter=garbage((')).status >= 400)
  })

  test('metadata of the node decide what is shown', async () => {
    const name = unique('meta')
    await register(name)
    for (const path of [`/v1/health/service/${name}`, `/v1/catalog/service/${name}`, '/v1/catalog/nodes']) {
      assert.deepEqual((await send('GET', `${path}?node-meta=no-such:thing`)).json, [], path)
      assert.notDeepEqual((await send('GET', path)).json, [], path)
    }
  })

  const shape = (name: string) => ({
    ID: `${name}-1`,
    Address: '127.0.0.1',
    Port: 8001,
    Tags: ['Blue', 'fast'],
    Meta: { version: '2' },
  })
  const shown = (name: string) => {
    const { ID, Address, Port, Tags, Meta } = shape(name)
    const tagged = { Address, Port }
    return {
      ...{ ID, Service: name, Tags, Meta, Port, Address },
      TaggedAddresses: { lan_ipv4: tagged, wan_ipv4: tagged },
      Weights: { Passing: 1, Warning: 1 },
      EnableTagOverride: false,
    }
  }

  test('a registration shows in agent and catalog', async () => {
    const name = unique('shape')
    await register(name, { ...shape(name), Check: { TTL: '30s', Status: 'passing', Notes: 'beats' } })
    const agent = await send('GET', `/v1/agent/service/${name}-1`)
    const { ContentHash, ...rest } = agent.json
    assert.equal(agent.headers.get('x-consul-contenthash'), ContentHash)
    assert.deepEqual(rest, { ...shown(name), Datacenter: 'dc1' })
    assert.deepEqual((await send('GET', '/v1/agent/services')).json[`${name}-1`], rest)

    const [catalog] = (await send('GET', `/v1/catalog/service/${name}`)).json
    assert.deepEqual(Object.keys(catalog), [
      ...['ID', 'Node', 'Address', 'Datacenter', 'TaggedAddresses', 'NodeMeta', 'ServiceKind', 'ServiceID'],
      ...['ServiceName', 'ServiceTags', 'ServiceAddress', 'ServiceTaggedAddresses', 'ServiceWeights', 'ServiceMeta'],
      ...['ServicePort', 'ServiceSocketPath', 'ServiceEnableTagOverride', 'ServiceProxy', 'ServiceConnect'],
      ...['ServiceLocality', 'CreateIndex', 'ModifyIndex'],
    ])
  })

  test('a registration shows in health with its node and its checks', async () => {
    const name = unique('shape')
    await register(name, { ...shape(name), Check: { TTL: '30s', Status: 'passing', Notes: 'beats' } })
    const [health] = (await send('GET', `/v1/health/service/${name}`)).json
    assert.deepEqual(Object.keys(health), ['Node', 'Service', 'Checks'])
    assert.deepEqual(health.Node, (await send('GET', '/v1/catalog/nodes')).json[0])
    const { CreateIndex, ModifyIndex, ...service } = health.Service
    assert.ok(CreateIndex > 0 && ModifyIndex >= CreateIndex)
    const mesh = { Proxy: { Mode: '', MeshGateway: {}, Expose: {} }, Connect: {}, PeerName: '' }
    assert.deepEqual(service, { ...shown(name), ...mesh })
    const own = health.Checks.find((check: Json) => check.ServiceID === `${name}-1`)
    assert.deepEqual(Object.entries(own).slice(0, -2), [
      ['Node', health.Node.Node],
      ['CheckID', `service:${name}-1`],
      ['Name', `Service '${name}' check`],
      ['Status', 'passing'],
      ['Notes', 'beats'],
      ['Output', ''],
      ['ServiceID', `${name}-1`],
      ['ServiceName', name],
      ['ServiceTags', ['Blue', 'fast']],
      ['Type', 'ttl'],
      ['Interval', ''],
      ['Timeout', ''],
      ['ExposedPort', 0],
      ['Definition', {}],
    ])
    assert.equal(health.Checks.filter((check: Json) => check.CheckID === 'serfHealth').length, 1)
    const agentCheck = (await send('GET', '/v1/agent/checks')).json[`service:${name}-1`]
    assert.deepEqual(agentCheck, { ...own, CreateIndex: 0, ModifyIndex: 0 })
  })

  test('several checks of a service are numbered from one and all count for passing', async () => {
    const name = unique('several')
    await register(name, { Checks: [{ TTL: '30s', Status: 'passing' }, { TTL: '30s' }] })
    const { json } = await send('GET', `/v1/health/checks/${name}`)
    assert.deepEqual(
      json.map((check: Json) => [check.CheckID, check.Status]),
      [
        [`service:${name}:1`, 'passing'],
        [`service:${name}:2`, 'critical'],
      ],
    )
    assert.deepEqual((await send('GET', `/v1/health/service/${name}?passing`)).json, [])
    await send('PUT', `/v1/agent/check/pass/service:${name}:2`)
    const passing = await follow(send, `/v1/health/service/${name}?passing`, (reply) => reply.json.length === 1)
    assert.equal(passing.json[0].Service.ID, name)
  })

  test('what an instance reports is its status; the npm client drives it', async () => {
    const name = unique('report')
    await api.agent.service.register({ name, port: 80, check: { name: 'beat', ttl: '30s', timeout: '1s' } } as never)
    const id = Object.values<Json>(await api.agent.check.list()).find((check) => check.ServiceName === name).CheckID
    for (const [act, status] of [
      ['pass', 'passing'],
      ['warn', 'warning'],
      ['fail', 'critical'],
    ] as const) {
      await api.agent.check[act]({ id, note: `now ${status}` })
      const { json } = await follow(send, `/v1/health/checks/${name}`, (reply) => reply.json[0]?.Status === status)
      assert.equal(json[0].Output, `now ${status}`)
    }
    const update = await send('PUT', `/v1/agent/check/update/${id}`, { Status: 'passing', Output: 'by update' })
    assert.equal(update.status, 200)
    const [entry] = (await api.health.checks(name)) as { Output: string; Status: string }[]
    assert.deepEqual([entry?.Status, entry?.Output], ['passing', 'by update'])
    await api.agent.service.deregister(name)
    await follow(send, `/v1/health/service/${name}`, (reply) => reply.json.length === 0)
  })

  test('a time to live that runs out makes the check critical and wakes who waits', async () => {
    const name = unique('ttl')
    await register(name, { Check: { TTL: '300ms' } })
    await send('PUT', `/v1/agent/check/pass/service:${name}?note=alive`)
    await follow(send, `/v1/health/checks/${name}`, ({ json }) => json[0].Status === 'passing')
    const { json } = await follow(send, `/v1/health/checks/${name}`, (reply) => reply.json[0].Status === 'critical')
    assert.equal(json[0].Output, 'TTL expired (last output before timeout follows): alive')
  })

  test('a second registration keeps the verdict of its check and the checks that it does not name', async () => {
    const name = unique('again')
    await register(name, {
      Checks: [
        { CheckID: `${name}-a`, TTL: '30s' },
        { CheckID: `${name}-b`, TTL: '30s' },
      ],
    })
    await send('PUT', `/v1/agent/check/pass/${name}-a`)
    await register(name, { Port: 9, Check: { CheckID: `${name}-a`, TTL: '30s' } })
    const kept = await follow(send, `/v1/health/checks/${name}`, ({ json }) => json[0]?.Status === 'passing')
    assert.deepEqual(
      kept.json.map((check: Json) => [check.CheckID, check.Status]),
      [
        [`${name}-a`, 'passing'],
        [`${name}-b`, 'critical'],
      ],
    )
    await send('PUT', '/v1/agent/service/register?replace-existing-checks=true', { Name: name })
    await follow(send, `/v1/health/checks/${name}`, ({ json }) => json.length === 0)
  })

  test('registering the same again moves no index', async () => {
    const name = unique('same')
    const body = { Name: name, Port: 1, Tags: ['x'], Check: { TTL: '60s', Status: 'passing' } }
    const first = await register(name, body)
    await send('PUT', '/v1/agent/service/register', body)
    const second = await send('GET', `/v1/health/service/${name}`)
    assert.equal(second.json[0].Service.ModifyIndex, first.json[0].Service.ModifyIndex)
  })

  test('HTTP and TCP checks follow what they probe', async () => {
    let answerStatus = 200
    const target: Server = createServer((_request, response) => {
      response.writeHead(answerStatus).end('the body')
    }).listen(0, '127.0.0.1')
    await once(target, 'listening')
    const { port } = target.address() as AddressInfo
    const name = unique('probe')
    try {
      await register(name, {
        Checks: [
          { HTTP: `http://127.0.0.1:${port}/`, Interval: '1s', Timeout: '1s' },
          { TCP: `127.0.0.1:${port}`, Interval: '1s', Timeout: '1s' },
        ],
      })
      const status = (json: Json) => json.map((check: Json) => check.Status).join()
      const path = `/v1/health/checks/${name}`
      const up = await follow(send, path, ({ json }) => status(json) === 'passing,passing')
      assert.equal(up.json[0].Output, `HTTP GET http://127.0.0.1:${port}/: 200 OK Output: the body`)
      assert.equal(up.json[1].Output, `TCP connect 127.0.0.1:${port}: Success`)
      assert.deepEqual(
        up.json.map((check: Json) => [check.Type, check.Interval, check.Timeout]),
        [
          ['http', '1s', '1s'],
          ['tcp', '1s', '1s'],
        ],
      )
      answerStatus = 429
      await follow(send, path, ({ json }) => status(json) === 'warning,passing')
      answerStatus = 503
      await follow(send, path, ({ json }) => status(json) === 'critical,passing')
    } finally {
      target.close()
      target.closeAllConnections()
    }
    await follow(send, `/v1/health/checks/${name}`, ({ json }) => json[1].Status === 'critical')
    await send('PUT', `/v1/agent/service/deregister/${name}`)
  })

  test('maintenance adds a critical check and takes it away', async () => {
    const name = unique('maintenance')
    await register(name)
    await api.agent.service.maintenance({ id: name, enable: true, reason: 'new disks' } as never)
    const on = await follow(send, `/v1/health/checks/${name}`, ({ json }) => json.length === 1)
    assert.deepEqual(
      ['CheckID', 'Name', 'Status', 'Notes', 'Type'].map((field) => on.json[0][field]),
      [`_service_maintenance:${name}`, 'Service Maintenance Mode', 'critical', 'new disks', 'maintenance'],
    )
    assert.deepEqual((await send('GET', `/v1/health/service/${name}?passing=true`)).json, [])
    await send('PUT', `/v1/agent/service/maintenance/${name}?enable=false`)
    await follow(send, `/v1/health/service/${name}?passing`, ({ json }) => json.length === 1)
  })

  test('checks of a service and of the node come and go by themselves', async () => {
    const name = unique('alone')
    await register(name)
    const own = await send('PUT', '/v1/agent/check/register', {
      ID: `${name}-own`,
      Name: 'own',
      ServiceID: name,
      TTL: '30s',
    })
    assert.equal(own.status, 200)
    await follow(send, `/v1/health/checks/${name}`, ({ json }) => json[0]?.CheckID === `${name}-own`)
    await send('PUT', '/v1/agent/check/register', { ID: `${name}-node`, Name: 'node', TTL: '30s', Status: 'passing' })
    const { json } = await follow(send, `/v1/health/service/${name}`, (reply) => reply.json[0].Checks.length === 3)
    assert.deepEqual(
      json[0].Checks.map((check: Json) => check.CheckID).sort(),
      [`${name}-node`, `${name}-own`, 'serfHealth'].sort(),
    )
    await send('PUT', `/v1/agent/check/deregister/${name}-node`)
    await send('PUT', `/v1/agent/check/deregister/${name}-own`)
    await follow(send, `/v1/health/service/${name}`, (reply) => reply.json[0].Checks.length === 1)
  })

  test('tags and filters narrow the instances', async () => {
    const name = unique('narrow')
    await register(name, { ID: `${name}-1`, Tags: ['Blue', 'x'], Meta: { version: '1' } })
    await register(name, { ID: `${name}-2`, Tags: ['green'], Meta: { version: '2' } })
    await follow(send, `/v1/health/service/${name}`, ({ json }) => json.length === 2)
    const ids = async (query: string) => {
      const { json } = await send('GET', `/v1/health/service/${name}?${query}`)
      return json.map((entry: Json) => entry.Service.ID.slice(-1)).join('')
    }
    assert.equal(await ids('tag=blue'), '1')
    assert.equal(await ids('tag=blue&tag=X'), '1')
    assert.equal(await ids('tag=blue&tag=green'), '')
    for (const [expression, expected] of [
      ['Service.Meta.version == "2"', '2'],
      ['Service.Meta.version != "2"', '1'],
      ['"green" in Service.Tags', '2'],
      ['green not in Service.Tags', '1'],
      ['Service.Tags contains "x" or Service.Meta.version == 2', '12'],
      ['not (Service.ID matches "-1$") and Service.Tags is not empty', '2'],
      ['Service.Meta["version"] == `1`', '1'],
      ['Service.Meta.absent != "a"', '12'],
      ['Service.Meta.absent == ""', ''],
      ['version in Service.Meta and Service.Port == 0', '12'],
      [`Service.ID contains "${name}-1"`, '1'],
      ['Checks.Status == passing', '12'],
      ['Service.Meta is empty', ''],
    ]) {
      assert.equal(await ids(`filter=${encodeURIComponent(expression!)}`), expected, expression)
    }
    const tags = (await api.catalog.services()) as Record<string, string[]>
    assert.deepEqual(tags[name]?.toSorted(), ['Blue', 'green', 'x'])
    assert.deepEqual(tags.consul, [])
  })

  test('a blocking query returns at the change and not before', async () => {
    const name = unique('block')
    const { index, headers } = await register(name, { Check: { TTL: '60s' } })
    assert.equal(headers.get('x-consul-knownleader'), 'true')
    assert.equal(headers.get('x-consul-lastcontact'), '0')
    const startedMs = performance.now()
    const unchanged = await send('GET', `/v1/health/service/${name}?index=${index}&wait=200ms`)
    assert.ok(performance.now() - startedMs >= 200)
    assert.equal(unchanged.index, index)
    const pending = send('GET', `/v1/health/service/${name}?index=${index}&wait=10s`)
    await register(unique('other'))
    await send('PUT', `/v1/agent/check/pass/service:${name}`)
    const changed = await pending
    assert.ok(changed.index > index)
    // Another service's registration did not wake it: the answer is the one with the new status.
    const own = changed.json[0].Checks.find((check: Json) => check.CheckID === `service:${name}`)
    assert.equal(own.Status, 'passing')
  })

  test('the last instance that leaves wakes its watchers with an empty list', async () => {
    const name = unique('last')
    const { index } = await register(name)
    const pending = send('GET', `/v1/health/service/${name}?index=${index}&wait=10s`)
    await send('PUT', `/v1/agent/service/deregister/${name}`)
    const gone = await pending
    assert.deepEqual(gone.json, [])
    assert.ok(gone.index > index)
  })

  test('the watch of the npm client sees an instance come and go', async () => {
    const name = unique('watch')
    const seen: number[] = []
    const changed = new EventTarget()
    const watch = api.watch({
      method: api.health.service as never,
      options: { service: name, wait: '5s' } as never,
      backoffFactor: 10,
    })
    const failures: unknown[] = []
    watch.on('error', (error: unknown) => failures.push(error))
    watch.on('change', (entries: unknown[]) => {
      seen.push(entries.length)
      changed.dispatchEvent(new Event('change'))
    })
    const sees = async (count: number) => {
      while (seen.at(-1) !== count) await once(changed, 'change')
    }
    await sees(0)
    await send('PUT', '/v1/agent/service/register', { Name: name })
    await sees(1)
    await send('PUT', `/v1/agent/service/deregister/${name}`)
    await sees(0)
    watch.end()
    assert.deepEqual(failures, [])
  })

  test('keys: put, read in each form, list, delete', async () => {
    const root = unique('keys')
    assert.equal(await api.kv.set({ key: `${root}/a/one`, value: 'first', flags: 42 }), true)
    assert.equal((await send('PUT', `/v1/kv/${root}/a/two`, 'second')).json, true)
    await send('PUT', `/v1/kv/${root}/b`, '')
    const one = await send('GET', `/v1/kv/${root}/a/one`)
    const [{ CreateIndex, ModifyIndex, ...rest }] = one.json
    assert.deepEqual(rest, { LockIndex: 0, Key: `${root}/a/one`, Flags: 42, Value: 'Zmlyc3Q=' })
    assert.equal(CreateIndex, ModifyIndex)
    assert.equal(one.index, ModifyIndex)
    const raw = await send('GET', `/v1/kv/${root}/a/one?raw`)
    assert.equal(raw.text, 'first')
    assert.equal(raw.headers.get('content-security-policy'), 'sandbox')
    assert.equal((await send('GET', `/v1/kv/${root}/b`)).json[0].Value, null)
    const all = (await api.kv.get({ key: root, recurse: true })) as { Key: string; Value: string | null }[]
    assert.deepEqual(
      all.map((entry) => [entry.Key.slice(root.length), entry.Value]),
      [
        ['/a/one', 'first'],
        ['/a/two', 'second'],
        ['/b', null],
      ],
    )
    assert.deepEqual(await api.kv.keys({ key: `${root}/`, separator: '/' }), [`${root}/a/`, `${root}/b`])
    assert.deepEqual(await api.kv.keys(`${root}/a`), [`${root}/a/one`, `${root}/a/two`])
    await api.kv.del({ key: `${root}/a`, recurse: true })
    assert.deepEqual(await api.kv.keys(root), [`${root}/b`])
    assert.equal((await send('DELETE', `/v1/kv/${root}/none`)).json, true)
    for (const query of ['', '?raw', '?recurse', '?keys']) {
      const none = await send('GET', `/v1/kv/${root}/none${query}`)
      assert.deepEqual([none.status, none.text], [404, ''])
      assert.ok(none.index > 0)
    }
  })

  test('keys: check-and-set holds or refuses, and an unchanged put keeps the index', async () => {
    const key = unique('cas')
    const put = async (value: string, cas: number) => (await send('PUT', `/v1/kv/${key}?cas=${cas}`, value)).json
    const indexNow = async () => (await send('GET', `/v1/kv/${key}`)).json[0].ModifyIndex as number
    assert.equal(await put('a', 7), false)
    assert.equal(await put('a', 0), true)
    assert.equal(await put('b', 0), false)
    const first = await indexNow()
    assert.equal(await put('b', first), true)
    const second = await indexNow()
    assert.ok(second > first)
    await send('PUT', `/v1/kv/${key}`, 'b')
    assert.equal(await indexNow(), second)
    assert.equal((await send('DELETE', `/v1/kv/${key}?cas=${first}`)).json, false)
    assert.equal((await send('DELETE', `/v1/kv/${key}?cas=0`)).json, false)
    assert.equal((await send('DELETE', `/v1/kv/${key}?cas=${second}`)).json, true)
    assert.equal((await send('GET', `/v1/kv/${key}`)).status, 404)
  })

  test('keys: watchers of a key and of a prefix see changes and deletions', async () => {
    const root = unique('watched')
    await send('PUT', `/v1/kv/${root}/a`, '1')
    const before = await send('GET', `/v1/kv/${root}?recurse`)
    const changed = send('GET', `/v1/kv/${root}?recurse&index=${before.index}&wait=10s`)
    await send('PUT', `/v1/kv/${root}/b`, '2')
    const two = await changed
    assert.equal(two.json.length, 2)
    const deleted = send('GET', `/v1/kv/${root}?recurse&index=${two.index}&wait=10s`)
    await send('DELETE', `/v1/kv/${root}/b`)
    assert.equal((await deleted).json.length, 1)
    // Consul may wake who waits for an absent key at an unrelated write: a client asks again.
    const arrives = follow(send, `/v1/kv/${root}/late`, ({ status }) => status === 200)
    await send('PUT', `/v1/kv/${root}/unrelated`, 'x')
    await send('PUT', `/v1/kv/${root}/late`, 'here')
    assert.equal((await arrives).json[0].Value, Buffer.from('here').toString('base64'))
  })

  test('the checks of a node and of a state can be listed', async () => {
    const name = unique('state')
    await register(name, { Check: { TTL: '30s', Status: 'warning' } })
    const [node] = (await api.catalog.node.list()) as { Node: string }[]
    const ofNode = (await api.health.node(node!.Node)) as { CheckID: string }[]
    assert.ok(ofNode.some((check) => check.CheckID === `service:${name}`))
    assert.ok(ofNode.some((check) => check.CheckID === 'serfHealth'))
    const warning = (await api.health.state('warning')) as { CheckID: string; Status: string }[]
    assert.ok(warning.some((check) => check.CheckID === `service:${name}`))
    assert.ok(warning.every((check) => check.Status === 'warning'))
    assert.deepEqual(await api.health.node('no-such-node'), [])
  })

  test('status and self tell who leads', async () => {
    const leader = (await send('GET', '/v1/status/leader')).json
    assert.match(leader, /^127\.0\.0\.1:\d+$/)
    assert.deepEqual((await send('GET', '/v1/status/peers')).json, [leader])
    const self = await api.agent.self()
    assert.equal((self as Json).Config.Datacenter, 'dc1')
    assert.equal((self as Json).Member.Status, 1)
    assert.deepEqual((await send('GET', '/v1/catalog/datacenters')).json, ['dc1'])
  })

  describe('refusals', () => {
    for (const [what, method, path, body, status, text] of refusalCases) {
      test(what, async () => {
        const reply = await send(method, path, body)
        assert.equal(reply.status, status, reply.text)
        assert.ok(reply.text.startsWith(text), reply.text)
      })
    }
  })
}
