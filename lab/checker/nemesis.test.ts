import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topology } from '@svyaz/system/topology'
import { crashPoints } from '../../platform/kit/src/process/crash-points.ts'
import { faultGroups, inject, type Steered, type Surroundings } from './nemesis.ts'

test('every crash point of the list is a fault', () => {
  const points = new Set<string>(faultGroups.crashes.flatMap((fault) => (fault.kind === 'crash' ? [fault.point] : [])))
  assert.deepEqual([...points].sort(), Object.keys(crashPoints).sort())
})

test('every process is killed, the processor and the mail server left out', () => {
  const services = new Set<string>(faultGroups.kills.map(({ target }) => target.replace(/-\d+$/, '')))
  const spared = topology.processes.map(({ name }) => name).filter((name) => !services.has(name))
  assert.deepEqual(spared, ['payment-processor', 'mail-sink'])
  for (const target of ['postgres-1', 'payments-1', 'payments-2', 'gateway-1', 'mc3-1'])
    assert.ok(
      faultGroups.kills.some((fault) => fault.target === target),
      target,
    )
})

test('a pause that its supervisor refuses is tried no longer once faults are over', { timeout: 20_000 }, async () => {
  const stopping = new AbortController()
  let tried = 0
  const system: Pick<Steered, 'pause'> = {
    async pause() {
      tried += 1
      stopping.abort()
      throw new Error('orders-1 is starting')
    },
  }
  const fact = await inject({ kind: 'pause', target: 'orders-1', forMs: 1_000 }, {
    system,
    history: { entries: [], write: () => undefined, close: async () => undefined },
    inFlightMin: 1,
    ordersInFlight: async () => 1,
    holdsLease: async () => false,
    poison: async () => undefined,
    stopping: stopping.signal,
  } as unknown as Surroundings)
  assert.deepEqual([tried, fact.fired, fact.note], [1, false, 'it was not begun: faults are over'])
})
