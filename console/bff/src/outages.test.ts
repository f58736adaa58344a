import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Outage } from '../../protocol.ts'
import { awayOf, outageOf, type Seen } from './outages.ts'

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()
const seen = (status: Seen['status'], rest: Partial<Seen> = {}): Seen => ({
  name: 'payments-1',
  service: 'payments',
  kind: 'service',
  status,
  ports: {},
  restarts: 0,
  memoryBudgetMb: 70,
  scalable: true,
  ...rest,
})
const killed = { code: null, signal: 'SIGKILL' }

/** Feeds states one second apart; the outage as it is after the last. */
function after(...states: Seen[]): Outage | undefined {
  let open: Outage | undefined
  let last: Outage | undefined
  for (const [index, state] of states.entries()) {
    const outage = outageOf(states[index - 1], state, open, at(index))
    if (outage === undefined) continue
    last = outage
    open = outage.until === undefined ? outage : undefined
  }
  return last
}

test('a kill begins an outage, readiness ends it', () => {
  const states = [
    seen('ready', { pid: 1 }),
    seen('backing-off', { lastExit: killed }),
    seen('launching', { lastExit: killed }),
    seen('starting', { pid: 2, lastExit: killed }),
    seen('ready', { pid: 2, lastExit: killed }),
  ]
  assert.deepEqual(after(...states), {
    instance: 'payments-1',
    service: 'payments',
    cause: 'killed',
    from: at(1),
    until: at(4),
  })
})

test('the first start is not an outage', () => {
  assert.equal(after(seen('launching'), seen('starting', { pid: 1 }), seen('ready', { pid: 1 })), undefined)
})

test('stopped and started again is an outage for which somebody asked', () => {
  const outage = after(
    seen('ready', { pid: 1 }),
    seen('stopping', { pid: 1 }),
    seen('stopped'),
    seen('ready', { pid: 2 }),
  )
  assert.deepEqual([outage?.cause, outage?.from, outage?.until], ['stopped', at(1), at(3)])
})

test('a pause that ends in a kill was a kill', () => {
  const outage = after(seen('ready', { pid: 1 }), seen('paused', { pid: 1 }), seen('backing-off', { lastExit: killed }))
  assert.deepEqual([outage?.cause, outage?.from, outage?.until], ['killed', at(1), undefined])
})

test('a process that died by itself is told from one that was killed', () => {
  const outage = after(seen('ready', { pid: 1 }), seen('backing-off', { lastExit: { code: 1, signal: null } }))
  assert.equal(outage?.cause, 'died')
})

test('a death between two looks shows in the process id', () => {
  const outage = after(seen('ready', { pid: 1 }), seen('ready', { pid: 2, lastExit: killed }))
  assert.deepEqual([outage?.cause, outage?.from, outage?.until], ['killed', at(1), at(1)])
})

describe('a service is away only while none of its instances is ready', () => {
  const one = (name: string, status: Seen['status'], pid = 1): Seen => ({
    name,
    service: 'payments',
    kind: 'service',
    status,
    pid,
    ports: {},
    restarts: 0,
    memoryBudgetMb: 70,
    scalable: true,
  })
  const killed = (instance: string): Outage => ({ instance, service: 'payments', cause: 'killed', from: at(0) })
  const both = [one('payments-1', 'ready'), one('payments-2', 'ready')]

  test('one of two killed is not an absence', () => {
    const after = [one('payments-1', 'backing-off'), one('payments-2', 'ready')]
    assert.equal(awayOf({ before: both, after }, [killed('payments-1')], undefined, at(0)), undefined)
  })

  test('the last one killed begins it, the first one ready ends it', () => {
    const before = [one('payments-1', 'backing-off'), one('payments-2', 'ready')]
    const none = [one('payments-1', 'backing-off'), one('payments-2', 'backing-off')]
    const outages = [killed('payments-1'), killed('payments-2')]
    const begun = awayOf({ before, after: none }, outages, undefined, at(0))
    assert.deepEqual(begun, {
      service: 'payments',
      instances: ['payments-1', 'payments-2'],
      cause: 'killed',
      from: at(0),
    })
    const back = [one('payments-1', 'ready', 2), one('payments-2', 'backing-off')]
    assert.deepEqual(awayOf({ before: none, after: back }, outages, begun, at(5)), { ...begun, until: at(5) })
  })

  test('a scale-down leaves the others, and nothing stays open', () => {
    assert.equal(awayOf({ before: both, after: [one('payments-1', 'ready')] }, [], undefined, at(0)), undefined)
  })

  test('the only one replaced between two looks was away for that moment', () => {
    const away = awayOf(
      { before: [one('payments-1', 'ready', 1)], after: [one('payments-1', 'ready', 2)] },
      [{ ...killed('payments-1'), until: at(0) }],
      undefined,
      at(0),
    )
    assert.deepEqual(away, {
      service: 'payments',
      instances: ['payments-1'],
      cause: 'killed',
      from: at(0),
      until: at(0),
    })
  })

  test('a stop that turns out to be a death says so', () => {
    const none = [one('payments-1', 'backing-off')]
    const open = { service: 'payments', instances: ['payments-1'], cause: 'unready', from: at(0) } as const
    assert.equal(awayOf({ before: none, after: none }, [killed('payments-1')], open, at(5))?.cause, 'killed')
  })
})
