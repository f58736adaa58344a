import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { usersEvents } from './events/users.ts'
import { emailAddress, isId, limits, lineOfText, opaqueId, text, wholeNumber } from './primitives.ts'

test('a name is one line without control characters, in whatever script', () => {
  const name = lineOfText(20)
  for (const good of ['Ada', ' Ada ', 'Zoë O’Neil', '李小龍', '😀 Ada', 'Анна-Мария', 'مريم', 'a'.repeat(20)])
    assert.equal(name.parse(good), good.trim())
  const bad = [
    '',
    ' ',
    'a\nb',
    'a\r\nBcc: x@y',
    'a\tb',
    'a\0b',
    'a\u001b[2J',
    'a\u0085b',
    'a\u2028b',
    'a\u202eb',
    '\u2066a',
    'a\ud83d',
    '\ude00a',
  ]
  for (const text of [...bad, 'a'.repeat(21)]) assert.ok(!name.safeParse(text).success, JSON.stringify(text))
})

test('a name can be seen: no character that is drawn as nothing is one', () => {
  const name = lineOfText(20)
  for (const good of ['Zoë\u200d', '\u2060Ada', '👩\u200d🚀'])
    assert.ok(name.safeParse(good).success, JSON.stringify(good))
  for (const blank of ['\u200b', '\u3164\u3164', '\u2800 \u2800', '\ufeff', '\u00ad\u034f', '\u{e0041}\u{e0042}'])
    assert.ok(!name.safeParse(blank).success, JSON.stringify(blank))
})

test('the pattern of a name holds every such character that Unicode has below U+10000', () => {
  const { pattern } = z.toJSONSchema(lineOfText(20)) as { pattern: string }
  const one = new RegExp(pattern)
  const all = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code))
  const unseen = all.filter((text) => /^[\s\u2800\p{Default_Ignorable_Code_Point}]$/u.test(text))
  assert.ok(unseen.length > 60, String(unseen.length))
  assert.deepEqual(
    unseen.filter((text) => one.test(text)),
    [],
  )
})

test('a number in a query is decimal digits and nothing else', () => {
  const page = wholeNumber(1, 100)
  assert.deepEqual([page.parse('7'), page.parse('007'), page.parse(7)], [7, 7, 7])
  for (const odd of ['0x10', '1e1', ' 5', '5 ', '5.0', '', '+5', '0', '101', '1'.repeat(40), ['5'], null, true])
    assert.ok(!page.safeParse(odd).success, JSON.stringify(odd))
})

test('text that PostgreSQL cannot keep is refused', () => {
  assert.equal(text(5).parse('a\nb'), 'a\nb')
  for (const bad of ['\0', 'a\0b', 'abcdef', '\ud83d', 'a\ude00'])
    assert.ok(!text(5).safeParse(bad).success, JSON.stringify(bad))
})

test('an id from outside is any short line that can be part of a path; only one of our form is looked up', () => {
  const ours = '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4e'
  for (const good of [ours, 'nope', 'user123', 'product1', "x' or 1=1", '7', 'ключ', 'x'.repeat(limits.idCharsMax)]) {
    assert.equal(opaqueId.parse(good), good)
    assert.equal(isId(good), good === ours)
  }
  const bad = [
    '',
    'a/b',
    'a\\b',
    'a\0',
    'a\nb',
    'a\u2028b',
    'a\u202eb',
    'a\ud83d',
    'x'.repeat(limits.idCharsMax + 1),
    7,
    null,
  ]
  for (const odd of bad) {
    const { error } = opaqueId.safeParse(odd)
    assert.equal(error?.issues.length, 1, JSON.stringify(odd))
  }
})

test('an address that may be registered has lengths of RFC 5321, and is one for whoever hears of it', () => {
  const good = ['a@example.com', "o'neil+tag@a-b.example.org", `${'l'.repeat(64)}@example.com`]
  const bad = [
    `${'l'.repeat(65)}@example.com`,
    `a@${'d'.repeat(64)}.com`,
    'a@-b.com',
    'a@b-.com',
    "a'@example.com",
    'a..b@example.com',
    '.a@example.com',
    'a@b',
    'a b@example.com',
    `a@${'b.'.repeat(126)}com`,
  ]
  for (const address of good) {
    assert.equal(emailAddress.parse(address), address)
    assert.ok(usersEvents.events['user.registered'].shape.email.safeParse(address).success, address)
  }
  for (const address of bad) assert.ok(!emailAddress.safeParse(address).success, address)
})
