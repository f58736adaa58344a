import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineOfText } from './primitives.ts'

test('a name is one line without control characters, in whatever script', () => {
  const name = lineOfText(20)
  for (const good of ['Ada', ' Ada ', 'Zoë O’Neil', '李小龍', 'Анна-Мария', 'مريم', 'a'.repeat(20)])
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
  ]
  for (const text of [...bad, 'a'.repeat(21)]) assert.ok(!name.safeParse(text).success, JSON.stringify(text))
})
