/** What a proof changes is afterwards as an operator had it, whatever became of the proof. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer, Ask } from '@svyaz/observe/http.ts'
import type { Person } from '@svyaz/observe/person.ts'
import type { InstanceView } from '@svyaz/system/supervisor/supervisor.ts'
import { Stopped } from '../step.ts'
import { type Configured, keepingSettings, killing, withInstances, without, withSettings } from './as-before.ts'
import { fullRelay } from './offered.ts'

type Values = Record<string, unknown>

/** The settings of one application as the config service keeps them, and two instances that go by them at once. */
class Kept {
  own: Values
  readonly #defaults: Values
  /** Of the next changes, that many meet a limit. */
  limited = 0
  isStopping = false

  constructor(own: Values, defaults: Values) {
    this.own = own
    this.#defaults = defaults
  }

  get shown(): Values {
    return { ...this.#defaults, ...this.own }
  }

  readonly outside: Configured = {
    goOn: () => {
      if (this.isStopping) throw new Stopped()
    },
    admin: async () => ({ token: 'admin' }) as Person,
    instances: async () => ['a-1', 'a-2'].map((name) => ({ name })) as InstanceView[],
    info: async () => ({ pid: 1, settings: this.shown }),
    gateway: async (method: string, _: string, { body }: Ask = {}): Promise<Answer> => {
      const answer = (status: number) => ({
        status,
        headers: {},
        body: { propertySources: [{ source: { ...this.own } }, { source: {} }, { source: this.#defaults }] },
        tookMs: 1,
      })
      if (method === 'GET') return answer(200)
      if (this.limited-- > 0) return answer(429)
      for (const [name, value] of Object.entries((body as { properties: Values }).properties))
        if (value === null) delete this.own[name]
        else this.own[name] = value
      return answer(200)
    },
  }
}

/** The operator has set two; what a proof sets is the limit and one more. */
const kept = () => new Kept({ limit: 7, other: 'x' }, { limit: 1, window: 0, other: '' })
const before = { limit: 7, other: 'x' }
const during = { limit: 100, window: 4_000 }

test('settings: what an operator had set has its value again, what he had not is unset', async () => {
  const system = kept()
  const seen = await withSettings(system.outside, 'a', during, async (applied) => [applied.length, { ...system.shown }])
  assert.deepEqual(seen, [2, { limit: 100, window: 4_000, other: 'x' }])
  assert.deepEqual(system.own, before)
})

test('settings: whatever becomes of the work, they are put back', async () => {
  const system = kept()
  const broken = withSettings(system.outside, 'a', during, async () => {
    system.isStopping = true
    return system.outside.goOn()
  })
  await assert.rejects(broken, Stopped)
  assert.deepEqual(system.own, before)
})

test('settings: nothing is changed any more once the proof is to end', async () => {
  const system = kept()
  system.isStopping = true
  await assert.rejects(
    withSettings(system.outside, 'a', during, async () => assert.fail('it was begun')),
    Stopped,
  )
  assert.deepEqual(system.own, before)
})

test('settings: a limit that is met while they are put back is waited for', async () => {
  const system = kept()
  await withSettings(system.outside, 'a', during, async () => {
    system.limited = 1
  })
  assert.deepEqual(system.own, before)
})

test('settings that the work itself changes are put back, and no others', async () => {
  const system = kept()
  await keepingSettings(system.outside, 'a', ['limit'], async (put) => {
    await put({ limit: 3 })
    system.own.other = 'changed by somebody else meanwhile'
  })
  assert.deepEqual(system.own, { limit: 7, other: 'changed by somebody else meanwhile' })
})

test('settings: whoever shows more of a value than was set says himself when it is applied', async () => {
  const system = kept()
  const isApplied = ({ limit }: Values) => Number(limit) >= 100
  assert.equal(await withSettings(system.outside, 'a', { limit: 200 }, async () => system.own.limit, isApplied), 200)
  assert.deepEqual(system.own, before)
})

/** The numbers that a service of two instances was given. */
async function scaledTo(count: number, work: () => Promise<void>): Promise<number[]> {
  const counts: number[] = []
  const outside = {
    goOn: () => {},
    instances: async () => [{}, {}] as InstanceView[],
    scale: async (_: string, to: number) => void counts.push(to),
  }
  await withInstances(outside, 'payments', count, work).catch(() => undefined)
  return counts
}

test('instances: there are as many as before, also when the work fails; those that were there are left alone', async () => {
  assert.deepEqual(await scaledTo(3, async () => undefined), [3, 2])
  assert.deepEqual(await scaledTo(3, () => Promise.reject(new Error('it failed'))), [3, 2])
  assert.deepEqual(await scaledTo(2, async () => undefined), [])
  assert.deepEqual(await scaledTo(1, async () => undefined), [])
})

test('what is stopped is started again, also when nobody heard that it has stopped', async () => {
  const done: string[] = []
  const outside = {
    goOn: () => {},
    act: async (action: string) => {
      done.push(action)
      if (action === 'stop') throw new Error('no answer')
    },
    untilReady: async () => [],
  }
  await assert.rejects(
    without(outside, 'broker', async () => undefined),
    /no answer/,
  )
  assert.deepEqual(done, ['stop', 'start'])
})

test('what was killed is waited for, whatever became of the work', async () => {
  let waited = 0
  const counted = {
    untilReady: async (): Promise<InstanceView[]> => {
      waited++
      return []
    },
  }
  await killing(counted, async () => undefined)
  await assert.rejects(
    killing(counted, () => Promise.reject(new Stopped())),
    Stopped,
  )
  assert.equal(waited, 2)
})

test('the relay is stopped when a look at it fails: by itself it would go on for minutes', async () => {
  const system = new Kept({ intervalSeconds: 20 }, { inFlight: 1 })
  const asked: string[] = []
  const relay = {
    ...system.outside,
    note: () => {},
    // Nobody waits for the first look.
    stopping: AbortSignal.abort(),
    url: async () => 'http://mc1',
    scrape: () => Promise.reject(new Error('an instance does not answer')),
    ask: async (_: string, url: string): Promise<Answer> => {
      asked.push(url)
      return { status: 200, headers: {}, body: { sessionId: 1 }, tookMs: 1 }
    },
  }
  await assert.rejects(fullRelay(relay), /does not answer/)
  assert.deepEqual(asked, ['http://mc1/start/', 'http://mc1/stop/'])
  assert.deepEqual(system.own, { intervalSeconds: 20 })
})
