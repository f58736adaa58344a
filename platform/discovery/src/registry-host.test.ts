import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../test/fake-clock.ts'
import { indexOf, mark } from './indexes.ts'
import { defaultLimits } from './limits.ts'
import { silentLog } from './log.ts'
import { RegistryHost } from './registry-host.ts'
import { emptyState } from './state.ts'

const node = { id: 'id', name: 'node', address: '127.0.0.1', datacenter: 'dc1' }
const never = new AbortController().signal

function startHost(limits = defaultLimits) {
  const clock = new FakeClock()
  const host = new RegistryHost(emptyState(node), {
    clock,
    limits,
    log: silentLog,
    store: () => undefined,
    probe: () => undefined,
    stopProbe: () => undefined,
  })
  host.apply({ type: 'started', indexGap: 0 })
  return { clock, host }
}

function registerBeating(host: RegistryHost): void {
  const check = {
    checkId: 'c',
    name: 'c',
    notes: '',
    serviceId: '',
    initialStatus: 'passing',
    probe: { kind: 'ttl', ttlMs: 10_000 },
    deregisterAfterMs: null,
    successBeforePassing: 0,
    failuresBeforeWarning: 0,
    failuresBeforeCritical: 0,
  } as const
  host.apply({ type: 'register check', check })
}

const statusOf = (host: RegistryHost) => host.state.checks.get('c')?.status

test('time alone makes a silent check critical, at its deadline', () => {
  const { clock, host } = startHost()
  registerBeating(host)
  clock.advance(9999)
  assert.equal(statusOf(host), 'passing')
  clock.advance(1)
  assert.equal(statusOf(host), 'critical')
})

test('a process that stood still for a minute gives everybody the time back', () => {
  const { clock, host } = startHost()
  registerBeating(host)
  clock.advance(5000)
  clock.freeze(60_000)
  assert.equal(statusOf(host), 'passing')
  clock.advance(10_000)
  assert.equal(statusOf(host), 'critical', 'and silence afterwards still counts')
})

test('a query waits for its own index, its time, its caller or the end of the host', async () => {
  const { clock, host } = startHost()
  const ofChecks = (state: typeof host.state) => indexOf(state, mark.checks)
  const above = ofChecks(host.state)
  const settled: string[] = []
  const wait = (name: string, waitMs: number, signal = never) =>
    host.waitFor(ofChecks, above, waitMs, signal).then(() => settled.push(name))

  const byTime = wait('time', 100)
  host.apply({ type: 'put key', key: 'k', value: '', flags: 0, cas: null })
  await Promise.resolve()
  assert.equal(settled.length, 0, 'a change of something else')
  clock.advance(100)
  await byTime

  const caller = new AbortController()
  const byCaller = wait('caller', 1000, caller.signal)
  caller.abort()
  await byCaller

  const byChange = wait('change', 1000)
  registerBeating(host)
  await byChange

  const byEnd = host.waitFor(() => 0, above, 1000, never).then(() => settled.push('end'))
  host[Symbol.dispose]()
  await byEnd
  assert.deepEqual(settled, ['time', 'caller', 'change', 'end'])
  assert.equal(host.parkedQueries, 0)
})

test('no more queries wait than the limit says', async () => {
  const { host } = startHost({ ...defaultLimits, parkedQueriesMax: 1 })
  const first = host.waitFor(() => 0, 1, 1000, never)
  assert.equal(await host.waitFor(() => 0, 1, 1000, never), false)
  host[Symbol.dispose]()
  assert.equal(await first, true)
})
