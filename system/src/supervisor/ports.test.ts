import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Topology, TopologyProcess } from '../../topology.ts'
import { freePortRange, type PortOptions, Ports } from './ports.ts'

const row = (name: string, ports: TopologyProcess['ports']): TopologyProcess => ({
  name,
  kind: 'service',
  contract: 'kit',
  instances: 1,
  scalable: true,
  ports,
  needs: [],
  ready: { kind: 'started' },
  stopStage: 0,
  stopTimeoutMs: 1,
  heap: { oldSpaceMb: 1, semiSpaceMb: 1 },
  memoryBudgetMb: 1,
})

const options = (changes: Partial<PortOptions> = {}): PortOptions => ({
  topology: { processes: [] } satisfies Topology,
  host: '127.0.0.1',
  offset: 0,
  file: undefined,
  random: Math.random,
  ...changes,
})

async function listen(port = 0): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

test('free ports are different ones, below the range of outgoing connections', async () => {
  const ports = new Ports(options())
  await ports.assign(row('orders', { http: {}, grpc: {} }), 1)
  await ports.assign(row('orders', { http: {}, grpc: {} }), 2)
  const all = [ports.of('orders-1'), ports.of('orders-2')].flatMap((given) => Object.values(given))
  assert.equal(new Set(all).size, 4)
  assert.ok(all.every((port) => port >= freePortRange.first && port <= freePortRange.last))
})

test('an instance gets the same ports again at the next start', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'svyaz-ports-')), 'ports.json')
  const first = new Ports(options({ file }))
  await first.assign(row('orders', { http: {} }), 1)
  first.save()
  const second = new Ports(options({ file }))
  await second.assign(row('orders', { http: {} }), 1)
  assert.deepEqual(second.of('orders-1'), first.of('orders-1'))
})

test('a remembered port that somebody else has taken is replaced', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'svyaz-ports-')), 'ports.json')
  const first = new Ports(options({ file }))
  await first.assign(row('orders', { http: {} }), 1)
  first.save()
  const { server } = await listen(first.of('orders-1').http)
  const second = new Ports(options({ file }))
  await second.assign(row('orders', { http: {} }), 1)
  assert.notEqual(second.of('orders-1').http, first.of('orders-1').http)
  server.close()
})

test('a fixed port that is taken is refused with port, holder and flag', async () => {
  const { server, port } = await listen()
  const ports = new Ports(options())
  await assert.rejects(ports.assign(row('gateway', { http: { fixed: port } }), 1), (error: Error) => {
    assert.match(error.message, new RegExp(`port ${port}, which gateway needs, is taken by .*--port-offset`))
    return true
  })
  server.close()
})

test('only the first instance has the fixed port, moved by the offset', async () => {
  const { server, port } = await listen()
  server.close()
  await once(server, 'close')
  const ports = new Ports(options({ offset: 1 }))
  await ports.assign(row('gateway', { http: { fixed: port - 1 } }), 1)
  await ports.assign(row('gateway', { http: { fixed: port - 1 } }), 2)
  assert.equal(ports.of('gateway-1').http, port)
  assert.notEqual(ports.of('gateway-2').http, port)
})

test('an offset beyond the last port is refused', async () => {
  const ports = new Ports(options({ offset: 60_000 }))
  await assert.rejects(ports.assign(row('gateway', { http: { fixed: 8080 } }), 1), /the last one is 65535/)
})
