import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProofLine } from '../../../../assignment.ts'
import { emptyOutput, linesMax, withLine } from './output.ts'

const step = (answer: string): ProofLine => ({ type: 'step', id: 'R1.5', command: 'curl', answer })

test('lines are kept in their order, the newest of very many, and the end isn’t one of them', () => {
  const many = Array.from({ length: linesMax + 3 }, (_, at) => step(String(at)))
  const output = [...many, { type: 'end', exitCode: 0 } as const].reduce(withLine, emptyOutput)
  assert.equal(output.lines.length, linesMax)
  assert.deepEqual([output.lines[0], output.exitCode], [step('3'), 0])
})

test('while it runs there is no exit status; a run that was ended has none of its own', () => {
  assert.ok(!('exitCode' in withLine(emptyOutput, step('200'))))
  assert.equal(withLine(emptyOutput, { type: 'end', exitCode: null }).exitCode, null)
})
