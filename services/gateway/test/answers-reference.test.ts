/**
 * Answers that were made up, through the gateway's own reader and through undici, byte by byte through both: what ours
 * takes, undici reads as the same answer; and nothing well formed is refused.
 */
import assert from 'node:assert/strict'
import { hash, randomUUID } from 'node:crypto'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Client, type Dispatcher } from 'undici'
import { gatewayLimits } from '../src/config.ts'
import type { Fields } from '../src/headers.ts'
import { AnswerFault, AnswerReader } from '../src/upstream/answer-reader.ts'

interface Answer {
  status: number
  fields: Record<string, string>
  body: string
}

/** Whole, or why not. */
type Outcome = Answer | string

/** Fields in one form: ours joins lines of `Connection`, undici keeps blanks at the ends of values. */
const fieldsOf = (fields: Fields): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      [value]
        .flat()
        .map((one) => one?.trim())
        .join(', '),
    ]),
  )

/** Through ours. @param cut how many bytes come at a time */
const readByOurs = (bytes: Buffer, method: string, cut: number): Outcome => {
  const answer: Answer = { status: 0, fields: {}, body: '' }
  let whole = false
  const reader = new AnswerReader(gatewayLimits.upstream)
  reader.expect(method, {
    head: (status, fields) => Object.assign(answer, { status, fields: fieldsOf(fields) }),
    data(part) {
      answer.body += part.toString('latin1')
    },
    end(last) {
      answer.body += last?.toString('latin1') ?? ''
      whole = true
    },
  })
  try {
    for (let at = 0; at < bytes.length && !whole; at += cut) reader.read(Buffer.from(bytes.subarray(at, at + cut)))
    if (!whole) reader.ended()
    return answer
  } catch (error) {
    if (!(error instanceof AnswerFault)) throw error
    return error.message
  }
}

/** Through undici, on a connection that is a pair of buffers: it reads each part in a turn of its own. */
const readByUndici = async (bytes: Buffer, method: string, cut: number): Promise<Outcome> => {
  const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() })
  const client = new Client('http://orders', {
    connect: (_options, done) => queueMicrotask(() => done(null, socket as never)),
  })
  const answer: Answer = { status: 0, fields: {}, body: '' }
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: () => undefined,
    onResponseStart(_controller, status, fields) {
      if (status >= 200) Object.assign(answer, { status, fields: fieldsOf(fields) })
    },
    onResponseData(_controller, part) {
      answer.body += part.toString('latin1')
    },
    onResponseEnd: () => resolve(answer),
    onResponseError: (_controller, error) => resolve(String(error)),
  }
  client.dispatch({ method: method as 'GET', path: '/' }, handler)
  await turn()
  for (let at = 0; at < bytes.length && !socket.destroyed; at += cut) {
    socket.push(bytes.subarray(at, at + cut))
    await turn()
  }
  if (!socket.destroyed) socket.push(null)
  const outcome = await promise
  await client.destroy()
  return outcome
}

/** Draws in [0, 1) that are the same for the same seed. */
const drawsOf = (seed: string) => {
  let count = 0
  const draw = () => Number.parseInt(hash('sha256', `${seed} ${count++}`).slice(0, 12), 16) / 2 ** 48
  return {
    below: (end: number) => Math.floor(draw() * end),
    pick: <T>(from: readonly T[]): T => from[Math.floor(draw() * from.length)]!,
  }
}
type Draws = ReturnType<typeof drawsOf>

const fieldLines = [
  'ETag: "1"',
  'etag:W/"2"',
  'Set-Cookie: a=1',
  'Set-Cookie: b=2',
  'X-Empty:',
  'x-tab:\ta\tb\t',
  'X-Text: \xe9\xff',
  'Connection: keep-alive',
  'Connection: close',
  'connection: x, y',
  'Keep-Alive: timeout=5',
  'Content-Type: text/plain',
  "!#$%&'*+-.^_`|~: token",
]
const statuses = [200, 200, 201, 204, 206, 304, 400, 404, 500, 503, 599]
const interims = [
  '',
  '',
  '',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
  'HTTP/1.1 102 Processing\r\n\r\n'.repeat(2),
]

/** An answer that is well formed, with the method that it answers. */
const wellFormed = (draws: Draws): { text: string; method: string } => {
  const { below, pick } = draws
  const status = pick(statuses)
  const method = pick(['GET', 'GET', 'GET', 'POST', 'HEAD'])
  const lines = Array.from({ length: below(5) }, () => pick(fieldLines))
  const content = pick(['', 'a', 'hello\r\n\r\nHTTP/1.1 200 OK\r\n\r\n', '\0\xff'.repeat(40), '0\r\n\r\n'])
  const framing = pick(['length', 'chunked', 'close'])
  if (framing === 'length') lines.splice(below(lines.length + 1), 0, `Content-Length: ${content.length}`)
  if (framing === 'chunked')
    lines.splice(below(lines.length + 1), 0, pick(['Transfer-Encoding: chunked', 'transfer-encoding:CHUNKED']))
  const head = `${pick(interims)}HTTP/1.1 ${status} ${pick(['OK', '', 'Not \xe9'])}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`
  const none = method === 'HEAD' || status === 204 || status === 304
  return { method, text: none ? head : head + (framing === 'chunked' ? inChunks(content, draws) : content) }
}

const inChunks = (content: string, { below, pick }: Draws): string => {
  let text = ''
  for (let at = 0; at < content.length; ) {
    const size = 1 + below(content.length - at)
    const written = size.toString(16)
    text += `${pick([written, written.toUpperCase(), `00${written}`])}${pick(['', '', ';a', ';a=b', ';a="b c"'])}\r\n`
    text += `${content.slice(at, at + size)}\r\n`
    at += size
  }
  return `${text}0\r\n${pick(['', '', 'X-Trailer: 1\r\n'])}\r\n`
}

const oddLines = [
  'Content-Length: 5',
  'Content-Length: +5',
  'Content-Length: 5, 5',
  'Content-Length : 5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: identity',
  ' folded',
  '\tfolded',
  'X\r: y',
  'no colon',
  ': no name',
  'X: a\0b',
  'X: a\nContent-Length: 5',
  'Connection: close',
  'Upgrade: x',
]
const oddBytes = ['\r', '\n', '\0', ' ', '\t', ':', ';', ',', '0', '5', 'f', 'x', '+', '-', '\r\n', '\xff']

/** Something of it is another, more or less likely to matter. */
const mutated = (text: string, { below, pick }: Draws): string => {
  const at = below(text.length)
  const lineEnds = [...text.matchAll(/\r\n/g)].map(({ index }) => index + 2)
  switch (pick(['byte', 'insert', 'delete', 'line', 'line', 'cut'])) {
    case 'byte':
      return text.slice(0, at) + pick(oddBytes) + text.slice(at + 1)
    case 'insert':
      return text.slice(0, at) + pick(oddBytes) + text.slice(at)
    case 'delete':
      return text.slice(0, at) + text.slice(at + 1 + below(3))
    case 'cut':
      return text.slice(0, at)
    default: {
      const end = pick(lineEnds)
      return `${text.slice(0, end)}${pick(oddLines)}\r\n${text.slice(end)}`
    }
  }
}

/** The same in every run; `SVYAZ_TEST_SEED=random` and any other text draw others. */
const given = process.env.SVYAZ_TEST_SEED ?? 'svyaz'
const seed = given === 'random' ? randomUUID().slice(0, 8) : given

/** Both outcomes of each, some at a time. */
const throughBoth = async (asked: readonly { text: string; method: string }[], cut: number) => {
  const compared: { text: string; method: string; ours: Outcome; reference: Outcome }[] = []
  for (let at = 0; at < asked.length; at += 100)
    compared.push(
      ...(await Promise.all(
        asked.slice(at, at + 100).map(async ({ text, method }) => {
          const bytes = Buffer.from(text, 'latin1')
          return {
            text,
            method,
            ours: readByOurs(bytes, method, cut),
            reference: await readByUndici(bytes, method, cut),
          }
        }),
      )),
    )
  return compared
}

for (const [how, cut] of [
  ['at once', Number.MAX_SAFE_INTEGER],
  ['byte by byte', 1],
] as const) {
  test(`what is well formed is read as undici reads it, ${how}`, async () => {
    const draws = drawsOf(`${seed} well formed`)
    for (const { text, method, ours, reference } of await throughBoth(
      Array.from({ length: 150 }, () => wellFormed(draws)),
      cut,
    )) {
      assert.equal(typeof ours, 'object', `seed ${seed}, ${method} ${JSON.stringify(text)}: ${JSON.stringify(ours)}`)
      assert.deepEqual(ours, reference, `seed ${seed}, ${method} ${JSON.stringify(text)}`)
    }
  })

  test(`what is not well formed is refused, or read as undici reads it, ${how}`, async () => {
    const draws = drawsOf(`${seed} mutated`)
    const asked = Array.from({ length: 300 }, () => {
      const { text, method } = wellFormed(draws)
      return { method, text: mutated(text, draws) }
    })
    const taken = (await throughBoth(asked, cut)).filter(({ ours }) => typeof ours !== 'string')
    for (const { text, method, ours, reference } of taken)
      assert.deepEqual(ours, reference, `seed ${seed}, ${method} ${JSON.stringify(text)}`)
    assert.ok(taken.length > 20, `${taken.length} were taken`)
    assert.ok(taken.length < asked.length - 20, `${taken.length} were taken`)
  })
}
