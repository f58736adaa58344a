import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topology } from '@svyaz/system/topology'
import { crashPoints } from '../../platform/kit/src/process/crash-points.ts'
import { faultGroups } from './nemesis.ts'

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
