import assert from 'node:assert/strict'
import { argon2Sync } from 'node:crypto'
import { test } from 'node:test'
import { Failure } from '@svyaz/kit'
import { testCore } from '../../../platform/kit/test/core-fixture.ts'
import { createPasswords, derive } from './passwords.ts'

const never = new AbortController().signal
const roomy = { atOnceMax: 2, waitingMax: 100, waitMsMax: 60_000, retryAfterSeconds: 1 }
const passwords = createPasswords(testCore(), roomy)

test('a password verifies against its own hash only, and two hashes of it differ', async () => {
  const hashes = ['correct horse', 'correct horse'].map((password) => passwords.hash(password, never))
  const [first, second] = (await Promise.all(hashes)) as [string, string]
  assert.match(first, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  assert.notEqual(first, second)
  assert.equal(await passwords.verify('correct horse', first, never), true)
  assert.equal(await passwords.verify('correct horsE', first, never), false)
  assert.equal(await passwords.verify('correct horse', 'nonsense', never), false)
  assert.equal(await passwords.verify('correct horse', undefined, never), false, 'of nobody')
})

test('more logins at once than slots all get their answer', async () => {
  const hash = await passwords.hash('x', never)
  const answers = Array.from({ length: 10 }, (_, n) => passwords.verify(n % 2 ? 'x' : 'y', hash, never))
  assert.deepEqual(await Promise.all(answers), [false, true, false, true, false, true, false, true, false, true])
})

test('a password is the same however its characters were put together', async () => {
  const composed = await passwords.hash('caf\u00e9 au\u00a0lait', never)
  assert.equal(await passwords.verify('cafe\u0301 au lait', composed, never), true)
  assert.equal(await passwords.verify('cafe au lait', composed, never), false)
  const ligature = await passwords.hash('the \ufb03ne print', never)
  assert.equal(await passwords.verify('the ffine print', ligature, never), false, 'characters of their own stay apart')
})

test('a hash of the days of NFKC still opens', async () => {
  const nonce = Buffer.alloc(16, 1)
  const message = 'the \ufb03ne print'.normalize('NFKC')
  const tag = argon2Sync('argon2id', { message, nonce, memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 })
  const text = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
  const old = `$argon2id$v=19$m=19456,t=2,p=1$${text(nonce)}$${text(tag)}`
  assert.equal(await passwords.verify('the \ufb03ne print', old, never), true)
  assert.equal(await passwords.verify('the \ufb03ne prinT', old, never), false)
})

/** Delays that end when the test says so. */
const fakeDelays = () => {
  const due: { at: number; end: () => void }[] = []
  let now = 0
  return {
    delay: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        due.push({ at: now + ms, end: resolve })
        signal?.addEventListener('abort', () => reject(signal.reason))
      }),
    async pass(ms: number) {
      now += ms
      for (const entry of due.filter(({ at }) => at <= now)) entry.end()
      await new Promise(setImmediate)
    },
  }
}
const isBusy = (error: unknown) =>
  error instanceof Failure && error.code === 'unavailable' && error.retryAfterSeconds === 1

test('the queue of hashes is bounded in number and in time, and who has left is no longer worked for', async () => {
  const clock = fakeDelays()
  const bounds = { atOnceMax: 1, waitingMax: 2, waitMsMax: 1_000, retryAfterSeconds: 1 }
  const core = testCore()
  const door = Promise.withResolvers<void>()
  let computed = 0
  const behindDoor: typeof derive = async (...input: Parameters<typeof derive>) => {
    computed++
    await door.promise
    return derive(...input)
  }
  const tight = createPasswords({ metrics: core.metrics, clock }, bounds, behindDoor)
  const working = tight.hash('correct horse', never)
  const caller = new AbortController()
  const leaving = tight.hash('correct horse', caller.signal)
  const waiting = tight.hash('correct horse', never)
  await assert.rejects(tight.hash('correct horse', never), isBusy, 'no room in the queue')
  const gone = new Error('gone')
  caller.abort(gone)
  await assert.rejects(leaving, gone)
  // Who left made room; but no turn comes in time.
  const late = tight.hash('correct horse', never)
  await Promise.all([assert.rejects(waiting, isBusy), assert.rejects(late, isBusy), clock.pass(1_000)])
  assert.equal(core.counted('users_password_hashes_refused_total'), 3)
  door.resolve()
  assert.match(await working, /^\$argon2id/)
  assert.equal(computed, 1, 'nothing was computed for those who got no answer')
})
