import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashPassword, verifyPassword } from './passwords.ts'

test('a password verifies against its own hash only, and two hashes of it differ', async () => {
  const [first, second] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')])
  assert.match(first, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  assert.notEqual(first, second)
  assert.equal(await verifyPassword('correct horse', first), true)
  assert.equal(await verifyPassword('correct horsE', first), false)
  assert.equal(await verifyPassword('correct horse', 'nonsense'), false)
})

test('more logins at once than slots all get their answer', async () => {
  const hash = await hashPassword('x')
  const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => verifyPassword(n % 2 ? 'x' : 'y', hash)))
  assert.deepEqual(answers, [false, true, false, true, false, true, false, true, false, true])
})
