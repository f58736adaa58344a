import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { startTestRabbit, withoutRabbit } from './rabbitmq.ts'

test('one that is disposed of while it starts again has ended then, and starts no other', {
  skip: withoutRabbit(),
  timeout: 120_000,
}, async () => {
  const rabbit = await startTestRabbit()
  await rabbit.kill()
  const course: string[] = []
  const again = rabbit.start().then(
    () => course.push('up'),
    () => course.push('failed'),
  )
  // Its turn comes a moment later.
  await setImmediate()
  await rabbit[Symbol.asyncDispose]()
  course.push('disposed of')
  await again
  assert.deepEqual(course, ['up', 'disposed of'])
  assert.equal(rabbit.pid, 0)
  await assert.rejects(rabbit.start(), /ended for good/)
})
