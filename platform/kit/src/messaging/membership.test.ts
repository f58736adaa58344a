import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testCore } from '../../test/core-fixture.ts'
import { type GroupSession, Membership } from './membership.ts'

/** A group whose sessions a test breaks, on a clock that only a test moves. */
class Trial {
  readonly sessions: { broken: PromiseWithResolvers<never>; closedWithin: number[] }[] = []
  readonly pauses: number[] = []
  readonly core = testCore()
  nowMs = 0
  refusals = 0
  #next = Promise.withResolvers<void>()

  join(): Membership {
    const clock = {
      ...this.core.clock,
      monotonic: () => this.nowMs,
      delay: async (ms: number) => void this.pauses.push(ms),
    }
    return new Membership({ ...this.core, clock, random: () => 0.5 }, () => this.#session(), 5_000)
  }

  #session(): GroupSession {
    const broken = Promise.withResolvers<never>()
    broken.promise.catch(() => undefined)
    const closedWithin: number[] = []
    this.sessions.push({ broken, closedWithin })
    return {
      broken: broken.promise,
      open: async () => {
        if (this.refusals > 0) {
          this.refusals -= 1
          throw new Error('nobody is there')
        }
        this.#next.resolve()
        this.#next = Promise.withResolvers()
      },
      close: async (ms) => void closedWithin.push(ms),
    }
  }

  /** Breaks the session that runs, after that much time. @returns when the next is open */
  async break(afterMs: number): Promise<void> {
    this.nowMs += afterMs
    const next = this.#next.promise
    this.sessions.at(-1)!.broken.reject(new Error('the connection was lost'))
    await next
  }

  warnings = () => this.core.logs.filter(({ level }) => level === 'warn').length
}

test('a session that breaks, or cannot be opened, is closed and another follows after a pause', async () => {
  const trial = new Trial()
  const first = trial.join()
  trial.refusals = 2
  await trial.break(100)
  assert.equal(trial.sessions.length, 4)
  assert.deepEqual(
    trial.sessions.map(({ closedWithin }) => closedWithin),
    [[5_000], [5_000], [5_000], []],
  )
  assert.ok(trial.pauses[0]! < trial.pauses[1]! && trial.pauses[1]! < trial.pauses[2]!, String(trial.pauses))
  assert.equal(trial.warnings(), 1, 'of a row of failures the first is told')
  await first.stop(0)
})

test('after a session that held for long it begins at the shortest pause, and says so again', async () => {
  const trial = new Trial()
  const member = trial.join()
  await trial.break(100)
  await trial.break(100)
  await trial.break(30_001)
  assert.equal(trial.pauses[2], trial.pauses[0])
  assert.equal(trial.warnings(), 2)
  await member.stop(0)
})

test('a stop closes the session within its deadline, and none follows', async () => {
  const trial = new Trial()
  const member = trial.join()
  await member.stop(1_234)
  assert.deepEqual(
    trial.sessions.map(({ closedWithin }) => closedWithin),
    [[1_234]],
  )
})
