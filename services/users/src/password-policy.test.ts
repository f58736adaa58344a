import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '@svyaz/kit'
import { refuseWeakPassword } from './password-policy.ts'

const zara = { email: 'zara.quillfeather@example.com', name: 'Zara King' }
const verdict = (password: string, owner = zara): Promise<string> =>
  refuseWeakPassword(password, owner, '/password').then(
    () => 'taken',
    (error: unknown) => {
      assert.ok(error instanceof Failure && error.code === 'weak_password')
      assert.equal(error.faults[0]?.pointer, '/password')
      return error.faults[0].detail
    },
  )

test('the most common passwords are refused, in whatever case and with digits behind', async () => {
  for (const password of ['password', 'PassWord', 'password123', 'iloveyou!', '12345678', 'qwertyuiop', 'Sunshine2024'])
    assert.match(await verdict(password), /most common/, password)
})

test('a password that is made of its user’s address or name is refused', async () => {
  for (const password of [
    'zara.quillfeather',
    'Zara.Quillfeather@example.com',
    'quillfeather1815',
    'kingzara-2024',
    'QUILLFEATHERZARA',
    'moc.elpmaxe@rehtaeflliuq.araz',
    'gnikaraz1815',
  ])
    assert.match(await verdict(password), /your own address or name/, password)
  assert.equal(await verdict('quillfeather1815', { email: 'bob@example.org', name: 'Bob' }), 'taken')
})

test('the same few characters over and over are refused, and the reason says so', async () => {
  for (const password of ['aaaaaaaa', ' '.repeat(12), 'ababababab', 'qzxqzxqzx', 'kwpdkwpd', '🐴'.repeat(9)])
    assert.match(await verdict(password), /same few characters/, password)
})

test('length counts characters, not the units that hold them', async () => {
  assert.match(await verdict('🐴🐴🐴🐴'), /at least 8/)
  assert.match(await verdict('e\u0301'.repeat(4)), /at least 8/)
})

test('any other password is good, without rules on its characters', async () => {
  const good = [
    'correct horse',
    'Zara has a long password',
    'вышивка крестом',
    'zq7-kkw2-m0p',
    'admin-svyaz',
    '    a sentence    ',
    '!? $% &/ () =;',
  ]
  for (const password of good) assert.equal(await verdict(password), 'taken', password)
})
