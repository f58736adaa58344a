/** What every store of limits promises, by a clock that the suite moves. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import type { LimitStore, LimitVerdict } from '../src/rate-limit.ts'

const policy = { name: 'suite', requests: 20, windowMs: 60_000 }
const start = 60_000 * 1_000

/** Stores that share their counts; a request goes to each in turn. */
export interface OpenStores extends AsyncDisposable {
  readonly stores: readonly LimitStore[]
}

/**
 * @param open gives stores that go by the time it is given, in ms
 * @param skip why it can't run here
 */
export function limitSuite(name: string, open: (now: () => number) => Promise<OpenStores>, skip: string | false): void {
  const opened = async () => {
    const time = { now: start }
    const { stores, ...rest } = await open(() => time.now)
    let turn = 0
    return {
      /** One request at a time of the suite's clock. */
      async at(now: number, key: string, how = policy): Promise<LimitVerdict> {
        time.now = now
        return stores[turn++ % stores.length]!.take(how, key, now)
      },
      [Symbol.asyncDispose]: () => rest[Symbol.asyncDispose](),
    }
  }

  describe(`limits in ${name}`, { skip }, () => {
    test('twenty pass, the next does not, and the wait that is named is just enough', async () => {
      await using store = await opened()
      const [a, b] = [randomUUID(), randomUUID()]
      for (let i = 0; i < 20; i++) {
        const { allowed, remaining } = await store.at(start + i, a)
        assert.deepEqual([allowed, remaining], [true, 19 - i])
      }
      assert.deepEqual(await store.at(start + 100, a), { allowed: false, remaining: 0, resetSeconds: 60 })
      assert.equal((await store.at(start + 100, b)).allowed, true)
      assert.equal((await store.at(start + 59_999, a)).allowed, false)
      assert.equal((await store.at(start + 60_000, a)).allowed, true)
    })

    test('no minute, wherever it begins, sees more than the limit, whatever the pace', async () => {
      // A burst at the end of one minute and steady knocking in the next: what undoes windows and weighed counters.
      const bursts = (at: number) => (at < start + 59_000 ? [] : at < start + 60_000 ? [at, at, at] : [at])
      for (const everyMs of [70, 333, 1_300, 2_999]) {
        await using store = await opened()
        const key = randomUUID()
        const passed: number[] = []
        for (let at = start; at < start + 180_000; at += everyMs)
          for (const knock of bursts(at)) if ((await store.at(knock, key)).allowed) passed.push(knock)
        let from = 0
        for (const [index, at] of passed.entries()) {
          while (passed[from]! <= at - policy.windowMs) from++
          assert.ok(index - from + 1 <= policy.requests, `at ${at - start}, one per ${everyMs} ms`)
        }
        assert.ok(passed.length >= 39, `${passed.length} passed, one per ${everyMs} ms`)
      }
    })

    test('who keeps just within the limit is never refused', async () => {
      await using store = await opened()
      const key = randomUUID()
      for (let i = 0; i < 200; i++) assert.equal((await store.at(start + i * 3_000, key)).allowed, true, `${i}`)
    })

    test('refused requests are not counted: who goes on knocking still gets in', async () => {
      await using store = await opened()
      const key = randomUUID()
      for (let i = 0; i < 100; i++) await store.at(start, key)
      for (let at = start; at < start + 60_000; at += 1_000) assert.equal((await store.at(at, key)).allowed, false)
      for (let i = 0; i < 20; i++) assert.equal((await store.at(start + 60_000, key)).allowed, true, `${i}`)
    })

    test('a limit lowered at run time holds at once, and names a wait that is long enough', async () => {
      await using store = await opened()
      const key = randomUUID()
      for (let i = 0; i < 20; i++) await store.at(start + i * 1_000, key)
      const lowered = { ...policy, requests: 4 }
      const refused = await store.at(start + 20_000, key, lowered)
      assert.equal(refused.allowed, false)
      const passesAt = start + 20_000 + refused.resetSeconds * 1_000
      assert.equal((await store.at(passesAt - 1_000, key, lowered)).allowed, false)
      assert.equal((await store.at(passesAt, key, lowered)).allowed, true)
    })

    test('a clock that steps back opens nothing', async () => {
      await using store = await opened()
      const key = randomUUID()
      for (let i = 0; i < 20; i++) await store.at(start + 30_000, key)
      for (let i = 0; i < 4; i++) assert.equal((await store.at(start, key)).allowed, false)
    })
  })
}
