import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Autoscaler } from './autoscaler.ts'
import type { InstanceView } from './supervisor.ts'

/** A service whose instances take what the test says, by a clock that the test moves. */
const world = () => {
  const pids = [100]
  const cpu = new Map<number, number>()
  const notes: string[] = []
  const time = { now: 0, busy: 0 }
  const scaler = new Autoscaler(
    {
      views: () => pids.map((pid) => ({ service: 'gateway', status: 'ready', pid }) as InstanceView),
      async scale(_service, count) {
        while (pids.length > count) pids.pop()
        while (pids.length < count) pids.push(100 + pids.length)
      },
      note: (text) => notes.push(text),
    },
    { now: () => time.now, cpuMs: (pid) => cpu.get(pid) ?? 0, everyMs: 1_000_000_000 },
  )
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      time.now += 1_000
      for (const pid of pids) cpu.set(pid, (cpu.get(pid) ?? 0) + time.busy * 1_000)
      await scaler.look()
    }
  }
  return { scaler, pids, notes, time, pass, [Symbol.dispose]: () => scaler[Symbol.dispose]() }
}

test('adds while its service is busy, removes when it rests, says why, and stops when a number is named', async () => {
  using gateway = world()
  gateway.scaler.follow('gateway', { min: 1, max: 3 })
  gateway.time.busy = 0.95
  await gateway.pass(60)
  assert.equal(gateway.pids.length, 3)
  gateway.time.busy = 0.02
  await gateway.pass(200)
  assert.equal(gateway.pids.length, 1)
  assert.deepEqual(gateway.notes, [
    'gateway: 1 → 2 instances, each took 95 % of a core',
    'gateway: 2 → 3 instances, each took 95 % of a core',
    'gateway: 3 → 2 instances, each took 2 % of a core',
    'gateway: 2 → 1 instances, each took 2 % of a core',
  ])
  gateway.scaler.leave('gateway')
  gateway.time.busy = 1
  await gateway.pass(60)
  assert.equal(gateway.pids.length, 1)
})

test('brings a service within its bounds at once', async () => {
  using gateway = world()
  gateway.scaler.follow('gateway', { min: 2, max: 3 })
  await gateway.pass(2)
  assert.equal(gateway.pids.length, 2)
})
