import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../../../../platform/discovery/test/fake-clock.ts'
import { testCore } from '../../../../../platform/kit/test/core-fixture.ts'
import type { LeaseRow } from './collections.ts'
import type { MongoContext } from './context.ts'
import { Candidate, judge, type LeaseAccess } from './lease.ts'

const me = { holder: 'orders-2', process: 'p2' }
const leaseMs = 3_000
const row = { holder: 'orders-1', process: 'p1', renewals: 7 }

test('a lease whose counter moves is waited for, however long', () => {
  let { verdict, seen } = judge(row, undefined, me, 0, leaseMs)
  for (let look = 1; look <= 20; look++) {
    assert.equal(verdict, 'wait')
    ;({ verdict, seen } = judge({ ...row, renewals: 7 + look }, seen, me, look * 2_000, leaseMs))
  }
})

test('one whose counter stands still for the length of a lease is taken, counted from when this process first saw it', () => {
  const first = judge(row, undefined, me, 100_000, leaseMs)
  assert.equal(first.verdict, 'wait', 'the first look says nothing')
  assert.equal(judge(row, first.seen, me, 102_999, leaseMs).verdict, 'wait')
  assert.equal(judge(row, first.seen, me, 103_000, leaseMs).verdict, 'take')
})

test('one that was given back, or is of a process before with this name, is taken at once', () => {
  assert.equal(judge({ ...row, holder: '' }, undefined, me, 0, leaseMs).verdict, 'take')
  assert.equal(judge({ ...row, holder: 'orders-2' }, undefined, me, 0, leaseMs).verdict, 'take')
  assert.equal(judge({ ...row, holder: 'orders-2', process: 'p2' }, undefined, me, 0, leaseMs).verdict, 'wait')
})

/** Time that stands still until a test lets it pass, in steps after each of which whoever was woken has run. */
class Time {
  readonly #fake = new FakeClock()

  readonly clock = {
    monotonic: () => this.#fake.nowMs(),
    delay: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const cancel = this.#fake.after(ms, resolve)
        signal?.addEventListener('abort', () => {
          cancel()
          reject(signal.reason)
        })
      }),
  } as MongoContext['clock']

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 50) {
      await settled()
      this.#fake.advance(50)
    }
    await settled()
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

/** A document that all its readers share, on a server that can be silent or away. */
class Server {
  row: LeaseRow | undefined
  state: 'answers' | 'silent' | 'away' = 'answers'
  #timeOut = Promise.withResolvers<never>()

  answerAgain(): void {
    this.state = 'answers'
    this.#timeOut.promise.catch(() => undefined)
    this.#timeOut.reject(new Error('timed out'))
    this.#timeOut = Promise.withResolvers()
  }

  access(holder: string): LeaseAccess {
    const me = { holder, process: `${holder}’s process` }
    const answer = async <T>(what: () => T): Promise<T> => {
      // As the driver has it: a question that nobody answers ends with an error some time.
      if (this.state === 'silent') await this.#timeOut.promise
      if (this.state === 'away') throw new Error('the database is away')
      return what()
    }
    const write = (holds: boolean, change: Partial<LeaseRow>) => {
      if (holds) this.row = { _id: 'work', renewals: 0, ...me, ...this.row, ...change }
      return holds
    }
    const mine = () => this.row?.holder === me.holder && this.row.process === me.process
    return {
      name: 'work',
      me,
      read: () => answer(() => this.row ?? null),
      create: () => answer(() => write(this.row === undefined, {})),
      takeFrom: (seen) => answer(() => write(this.row === seen, { ...me, renewals: seen.renewals + 1 })),
      renew: () => answer(() => write(mine(), { renewals: (this.row?.renewals ?? 0) + 1 })),
      giveBack: () => answer(() => void write(mine(), { holder: '' })),
    }
  }
}

/** Two instances that want the same work. */
const stand = () => {
  const time = new Time()
  const server = new Server()
  const working = new Set<string>()
  const instances = ['orders-1', 'orders-2'].map((name) => {
    const stop = new AbortController()
    const context = { clock: time.clock, log: testCore().log, random: () => 0.5 }
    const ended = new Candidate(context, server.access(name)).lead(stop.signal, async (signal) => {
      working.add(name)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      working.delete(name)
    })
    return { name, stop, ended }
  })
  const end = async () => {
    for (const { stop } of instances) stop.abort()
    await Promise.all(instances.map(({ ended }) => ended))
  }
  return { time, server, working, instances, end }
}

test('one works, for as long as it renews', async () => {
  const { time, working, end } = stand()
  await time.pass(100)
  const [first] = working
  await time.pass(leaseMs * 4)
  assert.deepEqual([...working], [first])
  await end()
  assert.equal(working.size, 0)
})

test('who ends gives the lease back: the other has it at its next look', async () => {
  const { time, working, instances, end } = stand()
  await time.pass(100)
  const first = instances.find(({ name }) => working.has(name))
  first?.stop.abort()
  await time.pass(leaseMs / 2)
  assert.equal(working.size, 1)
  assert.ok(!working.has(first?.name ?? ''))
  await end()
})

for (const state of ['silent', 'away'] as const)
  test(`a server that is ${state} ends the work within a lease and a half`, async () => {
    const { time, server, working, end } = stand()
    await time.pass(leaseMs * 2)
    assert.equal(working.size, 1)
    server.state = state
    await time.pass(leaseMs / 2)
    assert.equal(working.size, 1, 'a short silence is borne')
    await time.pass(leaseMs)
    assert.equal(working.size, 0)
    server.answerAgain()
    await time.pass(leaseMs * 2)
    assert.equal(working.size, 1)
    await end()
  })

test('who finds its lease taken stops at once', async () => {
  const { time, server, working, end } = stand()
  await time.pass(100)
  server.row = { _id: 'work', holder: 'orders-3', process: 'p3', renewals: 9 }
  await time.pass(leaseMs / 2)
  assert.equal(working.size, 0)
  await end()
})
