import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAddresses } from './addresses.ts'

const bounds = { keptMs: 100, keptMax: 2 }

/** A users service that notes who was asked for, and a clock. */
function users() {
  const asked: string[] = []
  const time = { nowMs: 0 }
  let fails = 0
  const addressOf = createAddresses(
    async (id) => {
      asked.push(id)
      if (fails-- > 0) throw new Error('away')
      return `${id}@example.org`
    },
    bounds,
    () => time.nowMs,
  )
  const failOnce = () => {
    fails = 1
  }
  return { asked, time, addressOf, failOnce }
}

test('is asked once for mails that are due together, and again when it was kept long enough', async () => {
  const { asked, time, addressOf } = users()
  assert.deepEqual(await Promise.all([addressOf('ada'), addressOf('ada')]), ['ada@example.org', 'ada@example.org'])
  time.nowMs = 99
  await addressOf('ada')
  assert.deepEqual(asked, ['ada'])
  time.nowMs = 100
  await addressOf('ada')
  assert.deepEqual(asked, ['ada', 'ada'])
})

test('a question that failed is asked again', async () => {
  const { asked, addressOf, failOnce } = users()
  failOnce()
  await assert.rejects(addressOf('ada'), /away/)
  assert.equal(await addressOf('ada'), 'ada@example.org')
  assert.deepEqual(asked, ['ada', 'ada'])
})

test('only a limited number is kept: the one asked for first is forgotten', async () => {
  const { asked, addressOf } = users()
  for (const id of ['ada', 'bob', 'eve', 'bob', 'eve', 'ada']) await addressOf(id)
  assert.deepEqual(asked, ['ada', 'bob', 'eve', 'ada'])
})
