import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LogOutput } from './log-output.ts'

const failure = (code: string) => Object.assign(new Error(code), { code })

/** What each write does: take this many bytes, or throw; after the list everything is taken. */
function outputWith(...steps: (number | string)[]) {
  const written: string[] = []
  let slept = 0
  const output = new LogOutput(
    (bytes) => {
      const step = steps.shift() ?? bytes.length
      if (typeof step === 'string') throw failure(step)
      written.push(Buffer.from(bytes.subarray(0, step)).toString())
      return step
    },
    (ms) => {
      slept += ms
    },
    { waitMsMax: 50, stepMs: 10 },
  )
  return { output, written, slept: () => slept }
}

test('a line is written whole, in as many pieces as the system takes', () => {
  const { output, written } = outputWith(2, 3)
  output.write('{"a":"ж"}\n')
  assert.equal(written.join(''), '{"a":"ж"}\n')
})

test('when the reader is gone nothing waits, and nothing is written any more', () => {
  const { output, written, slept } = outputWith('EPIPE')
  output.write('one\n')
  output.write('two\n')
  assert.deepEqual([written, slept(), output.lost], [[], 0, 2])
})

test('a reader without room is waited for a while, then its lines are tried once each', () => {
  const { output, written, slept } = outputWith(...Array<string>(6).fill('EAGAIN'), 'EAGAIN')
  output.write('lost\n')
  assert.equal(slept(), 50)
  output.write('lost too\n')
  assert.equal(slept(), 50)
  output.write('room again\n')
  assert.deepEqual([written, output.lost], [['room again\n'], 2])
})

test('a line that was begun is finished', () => {
  const { output, written } = outputWith(2, 'EAGAIN', 'EAGAIN')
  output.write('whole\n')
  assert.equal(written.join(''), 'whole\n')
})
