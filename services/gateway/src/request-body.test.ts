import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Failure } from '@svyaz/kit'
import { gatewayLimits } from './config.ts'
import { type BodySink, StreamedBody } from './request-body.ts'

interface Taken extends BodySink {
  text: string
  over: string[]
  ready: boolean
}

const sink = (): Taken => ({
  text: '',
  over: [],
  ready: true,
  write(chunk) {
    this.text += chunk.toString('latin1')
    return this.ready
  },
  end() {
    this.over.push('end')
  },
  fail({ code }: Failure) {
    this.over.push(code)
  },
})

const begin = (first: string[] = []) => {
  const stream = new PassThrough()
  const body = new StreamedBody(
    stream as never,
    first.map((text) => Buffer.from(text)),
  )
  return { stream, body, taken: sink() }
}

test('a streamed body flows when it is let: what was read already first', async () => {
  const { stream, body, taken } = begin(['a', 'b'])
  stream.end('c')
  assert.equal(body.started(), false)
  body.flow(taken)
  assert.equal(body.started(), true)
  await once(stream, 'end')
  assert.deepEqual([taken.text, taken.over], ['abc', ['end']])
})

test('it waits while its sink is full', async () => {
  const { stream, body, taken } = begin(['a'])
  taken.ready = false
  const flow = body.flow(taken)
  stream.write('b')
  await turn()
  stream.write('c')
  assert.ok(stream.isPaused())
  assert.equal(taken.text, 'ab')
  taken.ready = true
  flow.resume()
  stream.end('d')
  await once(stream, 'end')
  assert.deepEqual([taken.text, taken.over], ['abcd', ['end']])
})

test('it is never larger than a body may be', async () => {
  const { stream, body, taken } = begin(['x'.repeat(gatewayLimits.bodyBytesMax)])
  body.flow(taken)
  stream.write('y')
  await turn()
  assert.deepEqual([taken.text.length, taken.over], [gatewayLimits.bodyBytesMax, ['body_too_large']])
})

test('a client that leaves, now or before it flows, is said once', async () => {
  const now = begin()
  now.body.flow(now.taken)
  now.stream.destroy(new Error('reset'))
  await turn()
  const before = begin()
  before.stream.destroy()
  before.body.flow(before.taken)
  assert.deepEqual([now.taken.over, before.taken.over], [['invalid_request'], ['invalid_request']])
})

test('a sink that wants no more gets no more, and the rest is read away', async () => {
  const { stream, body, taken } = begin(['a'])
  body.flow(taken).stop()
  stream.end('b')
  await once(stream, 'end')
  assert.deepEqual([taken.text, taken.over], ['a', []])
})
