import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Restartable } from './restartable.ts'

/** A server whose starts come up, or fail, when the test says so; and what was done with it. */
function server() {
  const done: string[] = []
  const starts: PromiseWithResolvers<void>[] = []
  const restartable = new Restartable<number>({
    name: 'a server',
    async start() {
      const coming = Promise.withResolvers<void>()
      starts.push(coming)
      done.push('starting')
      await coming.promise
      done.push('up')
      return starts.length
    },
    async end(run, signal) {
      done.push(`${signal} to ${run}`)
    },
  })
  const begun = async () => {
    const start = restartable.start()
    // Its turn comes a moment later.
    await Promise.resolve()
    return { start, coming: starts.at(-1)! }
  }
  return { restartable, done, begun }
}

test('the end waits for a start that is under way, and ends what came of it', async () => {
  const { restartable, done, begun } = server()
  const { start, coming } = await begun()
  const ended = restartable.endForGood('SIGKILL')
  coming.resolve()
  await Promise.all([start, ended])
  assert.deepEqual(done, ['starting', 'up', 'SIGKILL to 1'])
  assert.equal(restartable.run, undefined)
})

test('a start that fails leaves nothing to end, and another may follow', async () => {
  const { restartable, done, begun } = server()
  const first = await begun()
  first.coming.reject(new Error('no port'))
  await assert.rejects(first.start, /no port/)
  await restartable.end('SIGTERM')
  const second = await begun()
  second.coming.resolve()
  await second.start
  assert.equal(restartable.run, 2)
  await assert.rejects(restartable.start(), /a server runs already/)
  await restartable.end('SIGTERM')
  assert.deepEqual(done, ['starting', 'starting', 'up', 'SIGTERM to 2'])
})

test('after the end for good none is started, also one that was asked for before', async () => {
  const { restartable, done, begun } = server()
  const { start, coming } = await begun()
  const ended = restartable.end('SIGKILL')
  const refused = assert.rejects(restartable.start(), /ended for good/)
  const over = restartable.endForGood('SIGKILL')
  coming.resolve()
  await Promise.all([start, ended, refused, over])
  assert.deepEqual(done, ['starting', 'up', 'SIGKILL to 1'])
})
