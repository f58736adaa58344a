/** A proof that is to end breaks nothing more and orders nothing more; it still brings back what it broke. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Person } from '@svyaz/observe/person.ts'
import { placesIn } from '@svyaz/system/supervisor/places.ts'
import { Outside, type Shared } from './outside.ts'
import { crashes } from './proofs/failures.ts'
import { Stopped } from './step.ts'

const listening = (server: Server, at: number | string): Promise<void> =>
  new Promise((resolve) => server.listen(typeof at === 'number' ? { port: at, host: '127.0.0.1' } : at, resolve))

describe('once a proof is to end', () => {
  const home = mkdtempSync(join(tmpdir(), 'svyaz-outside-'))
  /** What the supervisor and the gateway were asked. */
  const asked: string[] = []
  const gateway = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.end('[]')
  })
  const supervisor = createServer((request, response) => {
    if (request.method === 'POST') asked.push(`${request.method} ${request.url}`)
    const { port } = gateway.address() as AddressInfo
    response.end(JSON.stringify({ pid: 1, instances: [{ name: 'gateway-1', status: 'ready', ports: { http: port } }] }))
  })
  const stopping = new AbortController()
  stopping.abort()
  const outside = () => {
    asked.length = 0
    return new Outside({ home, memo: new Map() } as unknown as Shared, () => {}, stopping.signal)
  }

  before(async () => {
    const socket = placesIn(home).controlSocket
    mkdirSync(dirname(socket), { recursive: true })
    await Promise.all([listening(gateway, 0), listening(supervisor, socket)])
  })
  after(() => {
    for (const server of [gateway, supervisor]) {
      server.closeAllConnections()
      server.close()
    }
    rmSync(home, { recursive: true, force: true })
  })

  for (const action of ['kill', 'stop', 'pause', 'restart'] as const)
    test(`no process is asked to ${action}`, async () => {
      const one = outside()
      await assert.rejects(one.act(action, 'orders-1'), Stopped)
      assert.deepEqual([asked, one.wasStopped], [[], true])
    })

  for (const action of ['start', 'resume'] as const)
    test(`a process is asked to ${action}: that mends`, async () => {
      await outside().act(action, 'orders-1')
      assert.deepEqual(asked, [`POST /instances/orders-1/${action}`])
    })

  test('no order is placed, in whatever way', async () => {
    const one = outside()
    const body = { items: [] }
    await assert.rejects(one.look('POST', '/orders', { body }), Stopped)
    await assert.rejects(one.gateway('POST', '/orders', { body }), Stopped)
    await assert.rejects(one.order({ token: '' } as Person), Stopped)
    assert.deepEqual([asked, one.wasStopped], [[], true])
  })

  test('what only looks goes on, and so does what ends an order or sets settings', async () => {
    const one = outside()
    await one.look('GET', '/orders')
    await one.gateway('POST', '/orders/1/cancel')
    await one.gateway('PUT', '/admin/orders/embedded', { body: {} })
    assert.deepEqual(asked, ['GET /orders', 'POST /orders/1/cancel', 'PUT /admin/orders/embedded'])
    assert.equal(one.wasStopped, false)
  })

  test('the proof of crashes doesn’t wait for an order that is not placed any more', async () => {
    const ends = new AbortController()
    const one = new Outside({ home, memo: new Map() } as unknown as Shared, () => {}, ends.signal)
    const people = Object.assign(one, { person: async () => ({ token: '' }) as Person })
    asked.length = 0
    gateway.once('request', () => ends.abort())
    await assert.rejects(crashes.gather(people), Stopped)
    assert.deepEqual(asked, ['POST /orders'])
  })
})
