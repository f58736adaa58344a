import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createGroupWriter } from './group-writer.ts'

const gated = () => {
  const writes: { items: readonly number[]; done: PromiseWithResolvers<void> }[] = []
  const write = createGroupWriter<number>((items) => {
    const done = Promise.withResolvers<void>()
    writes.push({ items, done })
    return done.promise
  })
  return { write, writes }
}

describe('the group writer', () => {
  test('writes at once when nothing is being written, and then all that came meanwhile together', async () => {
    const { write, writes } = gated()
    const first = write([1])
    const others = [write([2, 3]), write([4])]
    assert.deepEqual(
      writes.map(({ items }) => items),
      [[1]],
    )
    writes[0]!.done.resolve()
    await first
    await turn()
    assert.deepEqual(writes[1]?.items, [2, 3, 4])
    writes[1]!.done.resolve()
    await Promise.all(others)
  })

  test('a failed write fails those whose items it had, and nobody else', async () => {
    const { write, writes } = gated()
    const first = write([1])
    const second = write([2])
    writes[0]!.done.reject(new Error('away'))
    await assert.rejects(first, /away/)
    await turn()
    writes[1]!.done.resolve()
    await second
    const third = write([3])
    await turn()
    writes[2]!.done.resolve()
    await third
  })
})
