import assert from 'node:assert/strict'
import { test } from 'node:test'
import { questionOf, readable } from './question.ts'

const question = (text: string) => Object.fromEntries(new URLSearchParams(questionOf(new URLSearchParams(text))))

test('without a word it is the newest; filters go along', () => {
  assert.deepEqual(question(''), { limit: '200' })
  assert.deepEqual(question('key=a%2Fb&header=ce_type%3Dorder&partition=3&path=a.b%3D1'), {
    limit: '200',
    path: 'a.b=1',
    partition: '3',
    key: 'a/b',
    header: 'ce_type=order',
  })
})

test('a time of this machine is told with its zone; one that is half written asks for the newest', () => {
  const local = '2026-11-26T12:30:05'
  assert.deepEqual(question(`from=time&time=${local}`), {
    limit: '200',
    from: 'time',
    time: new Date(local).toISOString(),
  })
  assert.deepEqual(question('from=time&time=2026-'), { limit: '200' })
})

test('an offset is a whole number, or the first', () => {
  assert.deepEqual(question('from=offset&offset=12'), { limit: '200', from: 'offset', offset: '12' })
  assert.deepEqual(question('from=offset&offset=-1'), { limit: '200', from: 'offset', offset: '0' })
})

test('JSON is spread over lines, anything else stays', () => {
  assert.equal(readable('{"a":[1]}'), '{\n  "a": [\n    1\n  ]\n}')
  assert.equal(readable('not {json'), 'not {json')
})
