import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mark, serviceIndex } from './indexes.ts'
import { defaultLimits } from './limits.ts'
import { nextDeadlineMs, step } from './registry.ts'
import type { Effect, Event } from './registry-event.ts'
import type { Reply } from './reply.ts'
import { type CheckDefinition, emptyState, type Probe, type ServiceDefinition, type State, withRows } from './state.ts'

/** A registry with a clock in the hand: each line of a scenario is an event at a time. */
class Scenario {
  state: State = emptyState({ id: 'node-id', name: 'node', address: '127.0.0.1', datacenter: 'dc1' })
  effects: readonly Effect[] = []
  nowMs = 0
  readonly limits = { ...defaultLimits, deregisterAfterMsMin: 0, servicesMax: 3, checksMax: 6, tombstonesMax: 4 }

  at(nowMs: number): this {
    this.nowMs = nowMs
    return this
  }

  apply(event: Event): Reply {
    const before = this.state
    const result = step(this.state, event, this.nowMs, this.limits)
    this.state = result.state
    this.effects = result.effects
    assertStored(before, this.state, result.effects)
    return result.reply
  }

  /** Lets time pass to each deadline in turn, as the host does. */
  passUntil(nowMs: number): this {
    for (;;) {
      const due = nextDeadlineMs(this.state)
      if (due === null || due > nowMs) break
      this.at(due).apply({ type: 'tick' })
    }
    return this.at(nowMs)
  }

  status(checkId: string): string | undefined {
    return this.state.checks.get(checkId)?.status
  }
}

/** Holds after every step of every scenario: replaying the stored rows gives the tables that the step left. */
function assertStored(before: State, after: State, effects: readonly Effect[]): void {
  const stored = effects.filter((effect) => effect.kind === 'store')
  assert.equal(stored.length, after.index === before.index ? 0 : 1)
  const replayed = stored.reduce((state, { index, rows }) => withRows(state, index, rows), before)
  assert.equal(replayed.index, after.index)
  for (const table of ['services', 'keys', 'tombstones', 'marks'] as const)
    assert.deepEqual(replayed[table], after[table])
  const withoutOutput = (state: State) => [...state.checks.values()].map((check) => ({ ...check, output: '' }))
  assert.deepEqual(withoutOutput(replayed), withoutOutput(after))
}

function service(id: string, name = id, rest: Partial<ServiceDefinition> = {}): ServiceDefinition {
  return {
    id,
    name,
    tags: [],
    address: '',
    port: 0,
    socketPath: '',
    meta: {},
    taggedAddresses: {},
    weights: { passing: 1, warning: 1 },
    enableTagOverride: false,
    ...rest,
  }
}

function check(checkId: string, serviceId: string, probe: Probe, rest: Partial<CheckDefinition> = {}): CheckDefinition {
  return {
    checkId,
    name: checkId,
    notes: '',
    serviceId,
    initialStatus: 'critical',
    probe,
    deregisterAfterMs: null,
    successBeforePassing: 0,
    failuresBeforeWarning: 0,
    failuresBeforeCritical: 0,
    ...rest,
  }
}

const ttl = (ttlMs: number): Probe => ({ kind: 'ttl', ttlMs })
const tcp: Probe = { kind: 'tcp', address: '127.0.0.1:1', intervalMs: 1000, timeoutMs: 100 }
const register = (definition: ServiceDefinition, ...checks: CheckDefinition[]): Event => ({
  type: 'register service',
  service: definition,
  checks,
  replaceChecks: false,
})
const report = (checkId: string, status: 'passing' | 'warning' | 'critical', output = ''): Event => ({
  type: 'report',
  checkId,
  status,
  output,
})

describe('time to live', () => {
  test('each report moves the deadline; silence makes the check critical, once', () => {
    const scenario = new Scenario()
    scenario.apply(register(service('a'), check('c', 'a', ttl(1000))))
    scenario.at(900).apply(report('c', 'passing', 'fine'))
    scenario.passUntil(1800)
    assert.equal(scenario.status('c'), 'passing')
    scenario.passUntil(1900)
    assert.equal(scenario.status('c'), 'critical')
    assert.equal(scenario.state.checks.get('c')?.output, 'TTL expired (last output before timeout follows): fine')
    const { index } = scenario.state
    scenario.passUntil(60_000)
    assert.equal(scenario.state.index, index)
    assert.equal(nextDeadlineMs(scenario.state), null)
  })

  test('a report that repeats the status moves no index and stores nothing', () => {
    const scenario = new Scenario()
    scenario.apply(register(service('a'), check('c', 'a', ttl(1000))))
    scenario.apply(report('c', 'passing'))
    const { index } = scenario.state
    for (let beat = 1; beat <= 5; beat++) {
      scenario.at(beat * 500).apply(report('c', 'passing', `beat ${beat}`))
      assert.equal(scenario.effects.length, 0)
    }
    assert.equal(scenario.state.index, index)
    assert.equal(scenario.state.checks.get('c')?.output, 'beat 5')
  })

  test('a restart gives everybody a full time to live and keeps each verdict', () => {
    const scenario = new Scenario()
    scenario.apply(register(service('a'), check('c', 'a', ttl(1000))))
    scenario.apply(report('c', 'passing'))
    // The process was away for an hour; its monotonic clock starts over.
    scenario.state = { ...scenario.state, live: new Map() }
    scenario.at(5).apply({ type: 'started', indexGap: 10 })
    scenario.passUntil(1004)
    assert.equal(scenario.status('c'), 'passing')
    scenario.passUntil(1005)
    assert.equal(scenario.status('c'), 'critical')
  })

  test('a pause of the whole process is not held against the instances', () => {
    const scenario = new Scenario()
    scenario.apply(register(service('a'), check('c', 'a', ttl(1000))))
    scenario.apply(report('c', 'passing'))
    scenario.at(61_000).apply({ type: 'stalled', stalledMs: 60_000 })
    scenario.apply({ type: 'tick' })
    assert.equal(scenario.status('c'), 'critical', 'its own second had passed too')
    scenario.at(61_000).apply(report('c', 'passing'))
    scenario.at(121_500).apply({ type: 'stalled', stalledMs: 60_000 })
    scenario.apply({ type: 'tick' })
    assert.equal(scenario.status('c'), 'passing')
  })
})

describe('DeregisterCriticalServiceAfter', () => {
  test('removes the service with all its checks after so long in the critical state', () => {
    const scenario = new Scenario()
    scenario.apply(
      register(service('a'), check('c', 'a', ttl(1000), { deregisterAfterMs: 5000 }), check('p', 'a', tcp)),
    )
    scenario.at(100).apply(report('c', 'passing'))
    scenario.passUntil(6000)
    assert.equal(scenario.status('c'), 'critical')
    scenario.passUntil(6100)
    assert.equal(scenario.state.services.size, 0)
    assert.equal(scenario.state.checks.size, 0)
    assert.equal(scenario.state.live.size, 0)
    assert.ok(scenario.effects.some((effect) => effect.kind === 'stop probe' && effect.checkId === 'p'))
  })

  test('counts on while the instance registers again', () => {
    const scenario = new Scenario()
    const again = register(service('a'), check('c', 'a', ttl(1000), { deregisterAfterMs: 5000 }))
    scenario.apply(again)
    scenario.at(3000).apply(again)
    scenario.passUntil(5000)
    assert.equal(scenario.state.services.size, 0)
  })

  test('stops counting at the first good word', () => {
    const scenario = new Scenario()
    const again = register(service('a'), check('c', 'a', ttl(1000), { deregisterAfterMs: 5000 }))
    scenario.apply(again)
    scenario.at(3000).apply(again)
    scenario.passUntil(4999)
    assert.equal(scenario.state.services.size, 1)
    scenario.at(4999).apply(report('c', 'passing'))
    scenario.passUntil(5500)
    assert.equal(scenario.state.services.size, 1)
    scenario.passUntil(10_999)
    assert.equal(scenario.state.services.size, 0)
  })
})

describe('indexes', () => {
  test('a service is moved by its own instances and checks, not by those of others', () => {
    const scenario = new Scenario()
    scenario.apply(register(service('a'), check('c', 'a', ttl(1000))))
    scenario.apply(register(service('b')))
    const ofA = serviceIndex(scenario.state, 'a')
    scenario.apply(register(service('b', 'b', { port: 5 })))
    assert.equal(serviceIndex(scenario.state, 'a'), ofA)
    const ofB = serviceIndex(scenario.state, 'b')
    scenario.apply(report('c', 'warning'))
    assert.equal(serviceIndex(scenario.state, 'a'), scenario.state.index)
    assert.equal(serviceIndex(scenario.state, 'b'), ofB)
  })

  test('a check of the node moves every service', () => {
    const scenario = new Scenario()
    scenario.apply(register(service('a')))
    scenario.apply({ type: 'register check', check: check('n', '', ttl(1000)) })
    assert.equal(serviceIndex(scenario.state, 'a'), scenario.state.index)
  })

  test('never fall: not when the last instance goes, nor when a name is given up, nor over a restart', () => {
    const scenario = new Scenario()
    let seen = 0
    const assertNotBelow = () => {
      const now = serviceIndex(scenario.state, 'a')
      assert.ok(now >= seen, `${now} after ${seen}`)
      seen = now
    }
    for (const event of [
      register(service('1', 'a')),
      register(service('2', 'a')),
      { type: 'deregister service', serviceId: '1' },
      register(service('2', 'other')),
      register(service('2', 'a')),
      { type: 'deregister service', serviceId: '2' },
      { type: 'started', indexGap: 100 },
      register(service('3', 'a')),
    ] satisfies Event[]) {
      scenario.apply(event)
      assertNotBelow()
    }
  })

  test('after a restart every watcher is answered once, above all that was ever answered', () => {
    const scenario = new Scenario()
    scenario.apply(register(service('a')))
    const lost = scenario.state.index + 100
    scenario.apply({ type: 'started', indexGap: 100 })
    assert.ok(serviceIndex(scenario.state, 'a') > lost)
    assert.equal(scenario.state.marks.get(mark.floor), scenario.state.index)
  })
})

describe('probes', () => {
  test('start with the check, stop with it, and start again after a restart', () => {
    const scenario = new Scenario()
    scenario.apply(register(service('a'), check('p', 'a', tcp)))
    assert.ok(scenario.effects.some((effect) => effect.kind === 'probe' && effect.check.checkId === 'p'))
    scenario.apply(register(service('a'), check('p', 'a', tcp)))
    assert.equal(scenario.effects.length, 0, 'the same check goes on')
    scenario.apply({ type: 'started', indexGap: 1 })
    assert.ok(scenario.effects.some((effect) => effect.kind === 'probe'))
    scenario.apply({ type: 'deregister check', checkId: 'p' })
    assert.ok(scenario.effects.some((effect) => effect.kind === 'stop probe'))
  })

  test('as many verdicts in a row as the check asks for', () => {
    const scenario = new Scenario()
    const patient = { successBeforePassing: 1, failuresBeforeWarning: 1, failuresBeforeCritical: 2 }
    scenario.apply(register(service('a'), check('p', 'a', tcp, patient)))
    const statuses = ['passing', 'passing', 'critical', 'critical', 'critical', 'passing', 'passing'].map((status) => {
      scenario.apply({ type: 'probed', checkId: 'p', status: status as 'passing', output: '' })
      return scenario.status('p')
    })
    assert.deepEqual(statuses, ['critical', 'passing', 'passing', 'warning', 'critical', 'critical', 'passing'])
  })

  test('a verdict for a check that is gone is dropped', () => {
    const scenario = new Scenario()
    scenario.apply({ type: 'probed', checkId: 'gone', status: 'passing', output: '' })
    assert.equal(scenario.state.index, 1)
  })
})

describe('services', () => {
  test('checks follow the name and tags of their service', () => {
    const scenario = new Scenario()
    scenario.apply(register(service('1', 'a', { tags: ['x'] }), check('c', '1', ttl(1000))))
    scenario.apply(register(service('1', 'b', { tags: ['y'] })))
    assert.equal(scenario.state.checks.get('c')?.serviceName, 'b')
    assert.deepEqual(scenario.state.checks.get('c')?.serviceTags, ['y'])
  })

  test('limits refuse what would go past them and change nothing', () => {
    const scenario = new Scenario()
    for (const id of ['1', '2', '3']) scenario.apply(register(service(id)))
    const { state } = scenario
    const reply = scenario.apply(register(service('4')))
    assert.equal(reply.ok ? null : reply.fault, 'limit reached')
    assert.equal(scenario.state.services, state.services)
    assert.deepEqual(scenario.apply(register(service('3', '3', { port: 1 }))), { ok: true, value: true })
  })

  test('maintenance twice is one check, and does not move an index the second time', () => {
    const scenario = new Scenario()
    scenario.apply(register(service('a')))
    const maintain: Event = { type: 'maintenance', serviceId: 'a', enable: true, reason: '' }
    scenario.apply(maintain)
    const { index } = scenario.state
    scenario.apply(maintain)
    assert.equal(scenario.state.index, index)
    assert.equal(scenario.state.checks.size, 1)
  })
})

describe('keys', () => {
  const put = (key: string, value = 'eA==', cas: number | null = null): Event => ({
    type: 'put key',
    key,
    value,
    flags: 0,
    cas,
  })

  test('deletions are remembered up to a bound; older ones raise the floor', () => {
    const scenario = new Scenario()
    for (let number = 0; number < 10; number++) {
      scenario.apply(put(`k${number}`))
      scenario.apply({ type: 'delete keys', key: `k${number}`, recurse: false, cas: null })
    }
    assert.ok(scenario.state.tombstones.size <= 4)
    const forgotten = scenario.state.marks.get(mark.tombstoneFloor) ?? 0
    assert.ok([...scenario.state.tombstones.values()].every((index) => index > forgotten))
  })

  test('a key that comes back has no tombstone', () => {
    const scenario = new Scenario()
    scenario.apply(put('k'))
    scenario.apply({ type: 'delete keys', key: '', recurse: true, cas: null })
    assert.deepEqual([...scenario.state.tombstones.keys()], ['k'])
    scenario.apply(put('k'))
    assert.equal(scenario.state.tombstones.size, 0)
  })
})
