import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IntrospectionCache, type SignedIn } from './introspection.ts'

const bounds = { keptMs: 30_000, refusedKeptMs: 3_000, entriesMax: 3, refusedEntriesMax: 2, atOnceMax: 2 }
const ada: SignedIn = { userId: 'ada', roles: ['user'], tokenEndsAt: Number.POSITIVE_INFINITY }

const setUp = (first: Record<string, SignedIn> = { good: ada }) => {
  const known = new Map(Object.entries(first))
  const asked: string[] = []
  const state = { now: 1_000, away: false, held: undefined as Promise<void> | undefined }
  const cache = new IntrospectionCache(
    async (token) => {
      asked.push(token)
      const answer = known.get(token)
      await state.held
      if (state.away) throw new Error('away')
      return answer
    },
    bounds,
    () => state.now,
  )
  return { cache, known, asked, state }
}

test('an answer is kept 30 s and not a moment longer', async () => {
  const { cache, asked, state } = setUp()
  assert.deepEqual(await cache.userOf('good'), ada)
  state.now += 29_999
  assert.deepEqual(cache.userOf('good'), ada)
  assert.equal(asked.length, 1)
  state.now += 1
  await cache.userOf('good')
  assert.equal(asked.length, 2)
})

test('an answer is never kept beyond the end of its token', async () => {
  const { cache, state, known } = setUp({ short: { ...ada, tokenEndsAt: 6_000 } })
  assert.equal((await cache.userOf('short'))?.userId, 'ada')
  state.now = 6_000
  known.delete('short')
  assert.equal(await cache.userOf('short'), undefined)
})

test('a refusal is kept briefly, apart from the good ones', async () => {
  const { cache, asked, state } = setUp()
  assert.equal(await cache.userOf('bad'), undefined)
  assert.equal(cache.userOf('bad'), undefined)
  assert.equal(asked.length, 1)
  state.now += 3_000
  await cache.userOf('bad')
  assert.equal(asked.length, 2)
  await cache.userOf('good')
  for (let i = 0; i < 50; i++) await cache.userOf(`flood-${i}`)
  assert.deepEqual(cache.userOf('good'), ada)
})

test('a user who is blocked is forgotten at once, with every token', async () => {
  const { cache, known } = setUp({ one: ada, two: ada, other: { ...ada, userId: 'bob' } })
  for (const token of ['one', 'two', 'other']) await cache.userOf(token)
  known.delete('one')
  known.delete('two')
  cache.drop('ada')
  assert.equal(await cache.userOf('one'), undefined)
  assert.equal(await cache.userOf('two'), undefined)
  assert.equal((cache.userOf('other') as SignedIn).userId, 'bob')
})

test('an answer that was under way when its user was blocked is asked for again', async () => {
  const { cache, known, asked, state } = setUp()
  const { promise, resolve } = Promise.withResolvers<void>()
  state.held = promise
  const answer = cache.userOf('good')
  known.delete('good')
  cache.drop('ada')
  resolve()
  assert.equal(await answer, undefined)
  assert.deepEqual(asked, ['good', 'good'])
})

test('look-ups of one token at the same time are one, and their number is bounded', async () => {
  const { cache, asked, state } = setUp()
  const { promise, resolve } = Promise.withResolvers<void>()
  state.held = promise
  const answers = [cache.userOf('good'), cache.userOf('good'), cache.userOf('good')]
  void cache.userOf('b')
  assert.throws(() => cache.userOf('c'), { code: 'unavailable' })
  resolve()
  assert.deepEqual(await Promise.all(answers), [ada, ada, ada])
  assert.deepEqual(asked, ['good', 'b'])
})

test('when the provider is away that is an error, it is not remembered, and what is known goes on', async () => {
  const { cache, state } = setUp()
  state.away = true
  await assert.rejects(async () => cache.userOf('good'))
  state.away = false
  assert.deepEqual(await cache.userOf('good'), ada)
  state.away = true
  assert.deepEqual(cache.userOf('good'), ada)
})

test('the number of users kept is bounded: the oldest goes', async () => {
  const { cache, asked } = setUp({ a: ada, b: ada, c: ada, d: ada })
  for (const token of ['a', 'b', 'c', 'd']) await cache.userOf(token)
  assert.equal(cache.size, 3)
  await cache.userOf('a')
  assert.deepEqual(asked, ['a', 'b', 'c', 'd', 'a'])
})
