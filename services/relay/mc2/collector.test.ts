import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createCollector } from './collector.ts'

const gated = (itemsMax = 100) => {
  const sends: { items: readonly number[]; done: PromiseWithResolvers<void> }[] = []
  const failed: number[][] = []
  const collector = createCollector<number>({
    itemsMax,
    send(items) {
      const done = Promise.withResolvers<void>()
      sends.push({ items: [...items], done })
      return done.promise
    },
    failed: (items) => failed.push([...items]),
  })
  const sent = () => sends.map(({ items }) => items)
  return { collector, sends, sent, failed }
}

describe('the collector', () => {
  test('what comes in one turn goes together; what comes while a send is under way goes next, all of it', async () => {
    const { collector, sends, sent } = gated()
    collector.add(1)
    collector.add(2)
    await turn()
    await turn()
    assert.deepEqual(sent(), [[1, 2]])
    for (const item of [3, 4, 5]) collector.add(item)
    await turn()
    assert.deepEqual(sent(), [[1, 2]])
    sends[0]!.done.resolve()
    await turn()
    assert.deepEqual(sent(), [
      [1, 2],
      [3, 4, 5],
    ])
    sends[1]!.done.resolve()
    await collector.idle()
  })

  test('no send has more than its limit', async () => {
    const { collector, sends, sent } = gated(2)
    for (const item of [1, 2, 3]) collector.add(item)
    await turn()
    await turn()
    sends[0]!.done.resolve()
    await turn()
    assert.deepEqual(sent(), [[1, 2], [3]])
  })

  test('a send that fails takes with it what waited behind it, and the next one starts afresh', async () => {
    const { collector, sends, sent, failed } = gated()
    collector.add(1)
    await turn()
    await turn()
    collector.add(2)
    sends[0]!.done.reject(new Error('the broker refuses'))
    await collector.idle()
    assert.deepEqual(failed, [[1, 2]])
    collector.add(3)
    await turn()
    await turn()
    assert.deepEqual(sent().at(-1), [3])
  })
})
