import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryBudgetsMb, topology, wellKnown } from './topology.ts'

const { processes } = topology
const names = processes.map((process) => process.name)

test('names are unique and every need is a process', () => {
  assert.equal(new Set(names).size, names.length)
  const needs = processes.flatMap((process) => process.needs)
  assert.deepEqual(
    needs.filter((need) => !names.includes(need)),
    [],
  )
})

test('no two processes want one port', () => {
  const fixed = processes.flatMap((process) => Object.values(process.ports).flatMap((plan) => plan.fixed ?? []))
  assert.equal(new Set(fixed).size, fixed.length)
})

test('probes and addresses name ports that exist', () => {
  for (const { ready, ports, name } of processes) {
    assert.ok(ready.kind === 'started' || ready.port in ports, name)
  }
  const referred = [
    ...Object.values(wellKnown),
    ...processes.flatMap(({ addresses = {}, publicAddresses = {} }) => [
      ...Object.values(addresses),
      ...Object.values(publicAddresses),
    ]),
  ]
  for (const { process, port } of referred) {
    assert.ok(port in (processes.find((row) => row.name === process)?.ports ?? {}), `${process}.${port}`)
  }
})

test('all stages together stop within ten seconds, gateway and console first and PostgreSQL last', () => {
  const stages = Map.groupBy(processes, (process) => process.stopStage)
  const worstMs = [...stages.values()].reduce((sum, rows) => sum + Math.max(...rows.map((row) => row.stopTimeoutMs)), 0)
  assert.ok(worstMs < 10_000, `${worstMs} ms`)
  const order = [...stages.keys()].sort((a, b) => a - b)
  assert.deepEqual(
    stages.get(order[0]!)?.map((row) => row.name),
    ['gateway', 'console'],
  )
  assert.deepEqual(
    stages.get(order.at(-1)!)?.map((row) => row.name),
    ['postgres'],
  )
})

test('the budgets of all processes together keep near that of the whole, which no two reach at once', () => {
  const sum = processes.reduce(
    (total, { memoryBudgetMb, instances }) => total + memoryBudgetMb * instances,
    memoryBudgetsMb.supervisor as number,
  )
  // Each has room for the garbage of its last work; all together are judged when everything has given it back.
  assert.ok(sum <= 1.5 * memoryBudgetsMb.whole, `${sum} MB`)
})
