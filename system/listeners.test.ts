import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listeners, listenersOf, unusedRows } from './listeners.ts'
import { topology } from './topology.ts'

test('every port of every process has a row, and no row is left over', () => {
  const ports = topology.processes.flatMap(({ name, ports }) => Object.keys(ports).map((port) => `${name}/${port}`))
  assert.deepEqual(
    listeners.map(({ process, port }) => `${process}/${port}`),
    ports,
  )
  assert.deepEqual(unusedRows, [])
})

test('a port that nobody described is named', () => {
  const [first, ...rest] = topology.processes
  const more = { ...first!, ports: { ...first!.ports, backdoor: {} } }
  assert.throws(() => listenersOf({ processes: [more, ...rest] }), /postgres speaks on its port "backdoor"/)
})

test('every HTTP listener says how it shows that it is well', () => {
  for (const { protocol, alive, process, port } of listeners)
    if (protocol === 'http') assert.match(alive ?? '', /^\//, `${process}/${port}`)
})
