import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeWords, parseMessage, parseParameters } from './message.ts'

const lines = (...each: string[]) => Buffer.from(each.join('\r\n'), 'latin1')

test('plain text with a folded header', () => {
  const message = parseMessage(lines('Subject: one', ' two', 'X-Id: 7', '', 'Hello', 'there'))
  assert.deepEqual(message.headers, { subject: 'one two', 'x-id': '7' })
  assert.equal(message.text, 'Hello\nthere')
  assert.equal(message.html, undefined)
})

test('a message without a body, and one without headers', () => {
  assert.equal(parseMessage(lines('Subject: s')).text, '')
  assert.deepEqual(parseMessage(lines('', 'only text')).headers, {})
  assert.equal(parseMessage(lines('', 'only text')).text, 'only text')
})

// The examples of RFC 2047, section 8, and what mail libraries really send.
for (const [encoded, decoded] of [
  ['=?ISO-8859-1?Q?Patrik_F=E4ltstr=F6m?=', 'Patrik Fältström'],
  ['(=?ISO-8859-1?Q?a?=)', '(a)'],
  ['=?ISO-8859-1?Q?a?= b', 'a b'],
  ['=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=', 'ab'],
  ['=?ISO-8859-1?Q?a?=  \t =?ISO-8859-1?Q?b?=', 'ab'],
  ['=?ISO-8859-1?Q?a_b?=', 'a b'],
  ['=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=', 'a b'],
  ['=?UTF-8?B?0JfQsNC60LDQ?= =?UTF-8?B?tw==?=', 'Заказ'],
  ['=?utf-8?q?=F0=9F=93=A6?= sent', '📦 sent'],
  ['=?x-unknown?Q?abc?=', 'abc'],
  ['=?broken', '=?broken'],
  ['plain = text ?', 'plain = text ?'],
] as const)
  test(`encoded word ${encoded}`, () => assert.equal(decodeWords(encoded), decoded))

test('parameters: tokens, quoted strings, semicolons within, RFC 2231 values', () => {
  assert.deepEqual(
    parseParameters(`Multipart/Mixed; boundary="a;b=\\"c"; charset=UTF-8; filename*=utf-8''%C3%A4.txt`),
    {
      value: 'multipart/mixed',
      parameters: { boundary: 'a;b="c', charset: 'UTF-8', filename: 'ä.txt' },
    },
  )
})

test('multipart/alternative in multipart/mixed, quoted-printable and base64, an attachment', () => {
  const message = parseMessage(
    lines(
      'Content-Type: multipart/mixed; boundary="outer"',
      '',
      'preamble that nobody shows',
      '--outer',
      'Content-Type: multipart/alternative; boundary=outer-in',
      '',
      '--outer-in',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'Gr=C3=BC=C3=9Fe, soft =',
      'break, 1=3D1   ',
      'end',
      '--outer-in',
      'Content-Type: text/html; charset=utf-8',
      'Content-Transfer-Encoding: base64',
      '',
      Buffer.from('<p>Grüße</p>').toString('base64'),
      '--outer-in--',
      '--outer',
      'Content-Type: text/plain; name=bill.txt',
      'Content-Disposition: attachment; filename=bill.txt',
      '',
      '12345',
      '--outer--',
      'epilogue',
    ),
  )
  assert.equal(message.text, 'Grüße, soft break, 1=1\nend')
  assert.equal(message.html, '<p>Grüße</p>')
  assert.deepEqual(message.attachments, [{ name: 'bill.txt', contentType: 'text/plain', bytes: 5 }])
})

test('an unclosed multipart and one nested without end are kept as far as they go', () => {
  const open = parseMessage(lines('Content-Type: multipart/mixed; boundary=b', '', '--b', '', 'text'))
  assert.equal(open.text, 'text')
  let nested = lines('', 'deep').toString('latin1')
  for (let level = 0; level < 50; level += 1)
    nested = `Content-Type: multipart/mixed; boundary=b${level}\r\n\r\n--b${level}\r\n${nested}\r\n--b${level}--`
  assert.equal(parseMessage(Buffer.from(nested)).text, '')
})

test('a header name of the object prototype is only a name', () => {
  const message = parseMessage(lines('constructor: x', 'Received: a', 'Received: b', '', ''))
  assert.deepEqual({ ...message.headers }, { constructor: 'x', received: 'a\nb' })
})

test('other charsets, and bytes that are not text', () => {
  const body = Buffer.concat([
    lines('Content-Type: text/plain; charset=koi8-r', '', ''),
    Buffer.from([0xeb, 0xcf, 0xc4]),
  ])
  assert.equal(parseMessage(body).text, 'Код')
  let state = 7
  for (let round = 0; round < 200; round += 1) {
    const noise = Buffer.alloc(300)
    for (let at = 0; at < noise.length; at += 1) {
      state = (Math.imul(state, 48_271) + 11) >>> 0
      noise.writeUInt8(state >>> 24, at)
    }
    assert.equal(typeof parseMessage(noise).text, 'string', `round ${round}`)
  }
})
