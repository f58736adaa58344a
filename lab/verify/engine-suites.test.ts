import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { requirements } from './assignment.ts'
import { engineRows, judgeEngines, outcomeOf } from './engine-suites.ts'

const suite = { file: 'a.slow.test.ts', engines: ['RabbitMQ'] }
const row = { suites: [suite] }

const tap = (pass: number, fail: number, ...lines: string[]) =>
  ['TAP version 13', ...lines, `# pass ${pass}`, `# fail ${fail}`, ''].join('\n')

test('each is a row of the assignment, by suites that are there', () => {
  for (const [id, { suites }] of Object.entries(engineRows)) {
    assert.ok(
      requirements.some((one) => one.id === id),
      id,
    )
    for (const { file } of suites) assert.ok(existsSync(join(import.meta.dirname, '../..', file)), file)
  }
})

test('a suite that passed all it has proves its row', () => {
  const outcome = outcomeOf(suite, tap(3, 0, 'ok 1 - one'), 0)
  assert.deepEqual(outcome, { ...suite, passed: 3, failed: 0, skipped: [] })
  assert.deepEqual(judgeEngines({}, row, [outcome]), ['PASS', []])
})

test('one failure is a FAIL, and so is an end without totals', () => {
  const branches = tap(3, 2, '    not ok 1 - a leaf', 'not ok 1 - a group', '    ok 1 - fine', 'not ok 2 - alone')
  const named = judgeEngines({}, row, [outcomeOf(suite, branches, 1)])
  assert.deepEqual(named, ['FAIL', ['a.slow.test.ts: 2 failed, 3 passed; a leaf; alone']])
  const [verdict, reasons] = judgeEngines({}, row, [outcomeOf(suite, tap(3, 1, 'not ok 1 - one'), 1)])
  assert.deepEqual([verdict, reasons], ['FAIL', ['a.slow.test.ts: 1 failed, 3 passed; one']])
  assert.equal(judgeEngines({}, row, [outcomeOf(suite, 'nothing', null)])[0], 'FAIL')
})

test('what was interrupted was not run, whatever had failed by then', () => {
  const ended = { ...outcomeOf(suite, tap(3, 1, 'not ok 1 - one'), null), interrupted: true } as const
  assert.deepEqual(judgeEngines({}, row, [ended]), ['NOT RUN', ['a.slow.test.ts was interrupted']])
})

test('what was left out is named, and never a PASS', () => {
  const left = outcomeOf(suite, tap(2, 0, 'ok 1 - one', '    ok 2 - two # SKIP not installed: consul'), 0)
  assert.deepEqual(judgeEngines({ elsewhere: 'npm test' }, row, [left]), [
    'NOT RUN',
    ['a.slow.test.ts: not installed: consul. Run: npm test'],
  ])
  assert.deepEqual(judgeEngines({}, row, [outcomeOf(suite, tap(0, 0), 0)])[1], ['a.slow.test.ts: nothing was run'])
  assert.deepEqual(judgeEngines({}, row, [])[1], ['a.slow.test.ts was not run'])
  const good = outcomeOf(suite, tap(1, 0), 0)
  assert.deepEqual(judgeEngines({}, { ...row, rest: 'a mail' }, [good]), ['NOT RUN', ['not proven by a suite: a mail']])
})

test('a runner that tries nothing says why', () => {
  const text = 'images/go.sh …\ncontainers are not tried here: images/go.sh: 403\n0 passed, 0 failed, 1 skipped\n'
  assert.deepEqual(outcomeOf(suite, text, 0), { ...suite, passed: 0, failed: 0, skipped: ['images/go.sh: 403'] })
  assert.equal(outcomeOf(suite, '7 passed, 2 failed\n', 1).failed, 2)
  const reported =
    '✖ a.test.ts: group › one\n    Error: no\n✖ [1/1] a.test.ts 7 passed, 1 failed\n\nFailed:\n✖ a.test.ts: group › one\n7 passed, 1 failed\n'
  assert.deepEqual(outcomeOf(suite, reported, 1).failures, ['a.test.ts: group › one'])
})
