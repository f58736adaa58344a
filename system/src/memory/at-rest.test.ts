import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { restLimits, shouldCollect } from './at-rest.ts'

const mb = 1024 ** 2

test('is worth it for a process that rests and has gathered something since the last time', () => {
  const started = { busyShare: 0.01, usedBytes: 30 * mb, keptBytes: 0 }
  assert.equal(shouldCollect(started), true)
  assert.equal(shouldCollect({ ...started, busyShare: 0.2 }), false, 'it works')
  assert.equal(shouldCollect({ ...started, keptBytes: 25 * mb }), false, 'the young generation comes and goes')
  assert.equal(shouldCollect({ ...started, keptBytes: 30 * mb - restLimits.grownBytesMin }), true)
  assert.equal(shouldCollect({ ...started, keptBytes: 40 * mb }), false, 'it has less than before')
  assert.equal(shouldCollect({ ...started, usedBytes: restLimits.usedBytesMax + 1 }), false, 'the pause would be long')
})

/** Fills its old generation, forgets that, and says how large its heap is, in MB, until its input ends. */
const forgetful = `
  import { getHeapStatistics } from 'node:v8'
  import { collectAtRest } from ${JSON.stringify(pathToFileURL(`${import.meta.dirname}/at-rest.ts`).href)}
  let kept = Array.from({ length: 600_000 }, (_, at) => ({ at, text: String(at) }))
  collectAtRest({ firstLookMs: 1_000, lookEveryMs: 1_000 })
  kept = undefined
  const say = () => console.log(Math.round(getHeapStatistics().used_heap_size / ${mb}))
  say()
  setInterval(say, 200)
  process.stdin.resume().on('end', () => process.exit())`

test('a process that rests gives back what it has forgotten, without being asked for memory', {
  timeout: 60_000,
}, async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', forgetful], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const sizes: number[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    sizes.push(Number(line))
    if (sizes.at(-1)! < sizes[0]! - 20) break
  }
  child.stdin.end()
  await once(child, 'exit')
  assert.ok(sizes[0]! > 40, `it held ${sizes[0]} MB`)
})
