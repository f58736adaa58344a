import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fields } from '../headers.ts'
import { AnswerFault, AnswerReader } from './answer-reader.ts'

const limits = { headBytesMax: 512, chunkLineBytesMax: 64, interimMax: 3 }

const unexpected = () => assert.fail('nothing was to be passed on')

interface Read {
  status: number
  fields: Record<string, string | string[] | undefined>
  body: string
  whole: boolean
  reusable: boolean
}

/** What is read when the bytes come in these parts and the connection ends behind them. */
const readParts = (parts: readonly Buffer[], method = 'GET'): Read => {
  const got: Read = { status: 0, fields: {}, body: '', whole: false, reusable: false }
  const reader = new AnswerReader(limits)
  reader.expect(method, {
    head: (status: number, fields: Fields) => Object.assign(got, { status, fields: { ...fields } }),
    data(bytes) {
      got.body += bytes.toString('latin1')
    },
    end(last) {
      assert.equal(got.whole, false, 'an answer ends once')
      got.whole = true
      got.body += last?.toString('latin1') ?? ''
    },
  })
  // Copies: the reader moves bytes about.
  for (const part of parts) reader.read(Buffer.from(part))
  got.reusable = reader.reusable
  reader.ended()
  return got
}

/** The same for every way to cut it in two, and for a byte at a time. */
const readInEveryWay = (text: string, method?: string): Read => {
  const bytes = Buffer.from(text, 'latin1')
  const whole = readParts([bytes], method)
  for (let at = 1; at < bytes.length; at++)
    assert.deepEqual(readParts([bytes.subarray(0, at), bytes.subarray(at)], method), whole, `cut at ${at}`)
  const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
  assert.deepEqual(readParts(single, method), whole, 'a byte at a time')
  return whole
}

const answers: Record<string, [text: string, body: string, reusable: boolean, method?: string]> = {
  'with a length': ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'hello', true],
  'with a length of nothing': ['HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n', '', true],
  'in chunks': [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\nA;x="y"\r\n, all of u\r\n0\r\n\r\n',
    'hello, all of u',
    true,
  ],
  'in chunks, with trailers': [
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n000\r\nX-Sum: 5\r\nX: y\r\n\r\n',
    'a',
    true,
  ],
  'to the end of the connection': ['HTTP/1.1 200 OK\r\n\r\nall of it', 'all of it', false],
  'without a reason': ['HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na', 'a', true],
  'behind 1xx': [
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na',
    'a',
    true,
  ],
  'that closes': ['HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\na', 'a', false],
  'that closes, on the second of two lines': [
    'HTTP/1.1 200 OK\r\nConnection: x\r\nConnection: y, close\r\nContent-Length: 1\r\n\r\na',
    'a',
    false,
  ],
  'of HTTP/1.0': ['HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\na', 'a', false],
  'with bytes behind it': [
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb',
    'a',
    false,
  ],
  'with bytes behind its last chunk': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx', '', false],
  '204': ['HTTP/1.1 204 No Content\r\n\r\n', '', true],
  '204 that claims a body': ['HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n', '', false],
  '304': ['HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n', '', true],
  '304 with chunks': ['HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n', '', false],
  'to HEAD': ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', '', false, 'HEAD'],
}

for (const [name, [text, body, reusable, method]] of Object.entries(answers))
  test(`an answer ${name} is read however it is cut`, () => {
    const got = readInEveryWay(text, method)
    assert.deepEqual([got.body, got.whole, got.reusable], [body, true, reusable])
  })

const head = (lines: string) => `HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`
const chunked = (body: string) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`

/** RFC 9112, 2.2, 5.1, 5.2, 6.1, 6.3, 7.1 and 11.1: what two readers could take for different answers. */
const refused: Record<string, string> = {
  'a length beside a coding': `${head('Content-Length: 1\r\nTransfer-Encoding: chunked')}0\r\n\r\n`,
  'a coding beside a length': `${head('Transfer-Encoding: chunked\r\nContent-Length: 5')}0\r\n\r\n`,
  'two lengths': `${head('Content-Length: 1\r\nContent-Length: 2')}ab`,
  'the same length twice': `${head('Content-Length: 1\r\ncontent-length: 1')}a`,
  'a list of lengths': `${head('Content-Length: 1, 1')}a`,
  'a length with a sign': `${head('Content-Length: +1')}a`,
  'a length below zero': `${head('Content-Length: -1')}a`,
  'a hexadecimal length': `${head('Content-Length: 0x1')}a`,
  'a length that is empty': `${head('Content-Length:')}a`,
  'a length of too many digits': `${head('Content-Length: 9007199254740993')}a`,
  'another coding': `${head('Transfer-Encoding: gzip, chunked')}0\r\n\r\n`,
  'a trailer that frames the body': `${head('Transfer-Encoding: chunked')}0\r\nContent-Length: 5\r\n\r\n`,
  'chunked twice': `${head('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked')}0\r\n\r\n`,
  identity: `${head('Transfer-Encoding: identity')}a`,
  'a coding of HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a folded field': head('X: a\r\n b'),
  'a field folded by a tab': head('X: a\r\n\tContent-Length: 1'),
  'a folded first line': 'HTTP/1.1 200 OK\r\n Content-Length: 1\r\n\r\na',
  'a blank before the colon': `${head('Content-Length : 1')}a`,
  'a field without a colon': head('Content-Length'),
  'a field without a name': head(': 1'),
  'a name that is not a token': head('X(y): 1'),
  'CR within a value': head('X: a\rb'),
  'LF within a value': head('X: a\nContent-Length: 1'),
  'NUL within a value': head('X: a\0b'),
  'lines that end by LF alone': 'HTTP/1.1 200 OK\nContent-Length: 1\n\na',
  'an empty line first': `\r\n${head('Content-Length: 0')}`,
  'another protocol': 'SSH-2.0-OpenSSH_9.6\r\n\r\n',
  'another version': 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n',
  'a version in lower case': 'http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'two blanks before the status': 'HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n',
  'a status of two digits': 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n',
  'a status beyond 599': 'HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n',
  'a status below 100': 'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n',
  '101': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n',
  '1xx with a length': `HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\n${head('Content-Length: 0')}`,
  '1xx with a coding': `HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n${head('Content-Length: 0')}`,
  '1xx that closes': `HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n${head('Content-Length: 0')}`,
  '1xx without end': `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(4)}${head('Content-Length: 0')}`,
  'a head without end': head(`X: ${'x'.repeat(600)}`),
  'many fields': head('X: y\r\n'.repeat(100).trimEnd()),
  'a size that is not a number': chunked('x\r\n\r\n'),
  'a size with a sign': chunked('+1\r\na\r\n0\r\n\r\n'),
  'a size that begins with 0x': chunked('0x1\r\na\r\n0\r\n\r\n'),
  'a size behind a blank': chunked(' 1\r\na\r\n0\r\n\r\n'),
  'a size that is empty': chunked('\r\n\r\n'),
  'a size that overflows': chunked('fffffffffffffffff\r\na\r\n0\r\n\r\n'),
  'a size that ends by LF alone': chunked('1\na\r\n0\r\n\r\n'),
  'CR within an extension': chunked('1;a\rb\r\na\r\n0\r\n\r\n'),
  'an extension without a name': chunked('1;=b\r\na\r\n0\r\n\r\n'),
  'a string within an extension that is not ended': chunked('1;a="b\r\na\r\n0\r\n\r\n'),
  'a blank before an extension': chunked('1 ;a\r\na\r\n0\r\n\r\n'),
  'an extension without end': chunked(`1;${'x'.repeat(100)}\r\na\r\n0\r\n\r\n`),
  'a chunk that is longer than its size': chunked('1\r\nab\r\n0\r\n\r\n'),
  'a chunk that ends by LF alone': chunked('1\r\na\n0\r\n\r\n'),
  'a trailer without a colon': chunked('0\r\nx\r\n\r\n'),
  'a folded trailer': chunked('0\r\nX: y\r\n z\r\n\r\n'),
  'a trailer that ends by LF alone': chunked('0\r\nX: y\n\r\n'),
  'trailers without end': chunked(`0\r\n${'X: yyyyyyyyyyyyyyyy\r\n'.repeat(30)}\r\n`),
  'an end within the head': 'HTTP/1.1 200 OK\r\nContent-Le',
  'an end within a body': `${head('Content-Length: 5')}hell`,
  'an end within a chunk': chunked('5\r\nhell'),
  'an end before the last chunk': chunked('1\r\na\r\n'),
  'an end before the trailers': chunked('0\r\n'),
  'no answer at all': '',
}

for (const [name, text] of Object.entries(refused))
  test(`${name}: refused, however it is cut`, () => {
    const bytes = Buffer.from(text, 'latin1')
    const isRefused = (parts: readonly Buffer[], how: string) => assert.throws(() => readParts(parts), AnswerFault, how)
    isRefused([bytes], 'whole')
    for (let at = 1; at < bytes.length; at++) isRefused([bytes.subarray(0, at), bytes.subarray(at)], `cut at ${at}`)
    isRefused(
      Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)),
      'a byte at a time',
    )
  })

test('fields are taken as they are: names in lower case, values trimmed, several in their order', () => {
  const { fields } = readInEveryWay(
    head(
      'ETag:\t"1" \r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nSET-COOKIE: c\r\n__proto__: x\r\nX-Text: \xe9\r\nEmpty:\r\nContent-Length: 0',
    ),
  )
  assert.deepEqual(Object.entries(fields), [
    ['etag', '"1"'],
    ['set-cookie', ['a=1', 'b=2', 'c']],
    ['__proto__', 'x'],
    ['x-text', '\xe9'],
    ['empty', ''],
    ['content-length', '0'],
  ])
})

test('a line that never comes is refused before the limit when it can’t become an answer', () => {
  const reader = new AnswerReader(limits)
  const nobody = { head: unexpected, data: unexpected, end: unexpected }
  for (const text of ['SSH', 'HTTP/1.1 200 OK\nX', 'HTTP/1.1 200 OK\rX', 'HTTP/2']) {
    reader.expect('GET', nobody)
    assert.throws(() => reader.read(Buffer.from(text)), AnswerFault, text)
  }
})

test('how long a connection is kept is what the service says', () => {
  const keptMs = (lines: string) => {
    const reader = new AnswerReader(limits)
    reader.expect('GET', { head: () => undefined, data: unexpected, end: () => undefined })
    reader.read(Buffer.from(head(`${lines}Content-Length: 0`)))
    return reader.keptMs
  }
  assert.equal(keptMs('Keep-Alive: timeout=5, max=100\r\n'), 5_000)
  assert.equal(keptMs('Keep-Alive: max=100,timeout=0\r\n'), 0)
  assert.equal(keptMs('Keep-Alive: xtimeout=5\r\n'), undefined)
  assert.equal(keptMs(''), undefined)
})

test('bytes of several chunks leave together', () => {
  const pieces: string[] = []
  const reader = new AnswerReader(limits)
  reader.expect('GET', {
    head: () => undefined,
    data: (bytes) => void pieces.push(bytes.toString('latin1')),
    end: (last) => void pieces.push(`end ${last?.toString('latin1')}`),
  })
  reader.read(Buffer.from(chunked('1\r\na\r\n2\r\nbc\r\n3\r\nd')))
  reader.read(Buffer.from('ef\r\n1\r\ng\r\n0\r\n\r\n'))
  assert.deepEqual(pieces, ['abcd', 'end efg'])
})
