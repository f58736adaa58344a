import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topology } from '@svyaz/system/topology'
import { crashPoints } from '../../platform/kit/src/crash-points.ts'
import { faultGroups } from './nemesis.ts'

test('every crash point of the list is a fault', () => {
  const points = new Set<string>(faultGroups.crashes.flatMap((fault) => (fault.kind === 'crash' ? [fault.point] : [])))
  assert.deepEqual([...points].sort(), Object.keys(crashPoints).sort())
})

test('every instance of the topology is killed, what stands for the outside world left out', () => {
  const killed = new Set<string>(faultGroups.kills.map((fault) => fault.target))
  const instances = topology.processes
    .filter((process) => process.kind !== 'outside')
    .flatMap(({ name, instances: count }) => Array.from({ length: count }, (_, index) => `${name}-${index + 1}`))
  assert.deepEqual([...killed].sort(), instances.sort())
})
