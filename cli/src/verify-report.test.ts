import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assignment, requirements } from '../../lab/verify/assignment.ts'
import type { Finding, Verdict } from '../../lab/verify/proof.ts'
import type { Terminal } from './terminal.ts'
import { findingLines, summary, wrap } from './verify-report.ts'

const terminal = (columns: number, live = true): Terminal => ({
  live,
  columns,
  print() {},
  complain() {},
  json() {},
  paint: (_style, text) => text,
  redraw() {},
})

const finding = (id: string, verdict: Verdict, reasons: string[] = []): Finding => ({
  id,
  what: requirements.find((row) => row.id === id)!.what,
  verdict,
  reasons,
  steps: [{ command: `curl http://127.0.0.1:8080/${'x'.repeat(100)}`, answer: `200 ${'y'.repeat(300)}` }],
  tookMs: 1_234,
})

test('the table names every row with its verdict, and fits the terminal', () => {
  const findings = requirements.map((row) =>
    finding(row.id, row.missing ? 'NOT RUN' : 'PASS', row.missing ? [row.missing] : []),
  )
  for (const columns of [60, 80, 132]) {
    const lines = summary(assignment, findings, 51_000, terminal(columns))
    assert.deepEqual(
      lines.filter((line) => line.length > columns),
      [],
      `${columns} columns`,
    )
    for (const { id } of requirements)
      assert.equal(
        lines
          .filter((line) => line.startsWith('PASS    ') || line.startsWith('NOT RUN '))
          .filter((line) => line.split(/\s+/).includes(id)).length,
        1,
        id,
      )
    assert.match(lines.at(-1)!, /^\d+ passed, 0 failed, \d+ not run, in 51 s$/)
  }
})

test('a row that is not a PASS says why, in full', () => {
  const lines = summary(assignment, [finding('R1.4', 'NOT RUN', ['not built yet: HTTP/2 and HTTP/3'])], 0, terminal(80))
  assert.deepEqual(lines.slice(1, -2), [
    'Ways to talk',
    'NOT RUN R1.4   HTTP/2 and HTTP/3 where they pay off, measured, HTTP/1.1 beside',
    '               them',
    '               not built yet: HTTP/2 and HTTP/3',
  ])
})

test('evidence: a command is never cut, an answer only where a person looks', () => {
  const command = `        $ curl http://127.0.0.1:8080/${'x'.repeat(100)}`
  const looked = findingLines(finding('R1.1', 'PASS'), terminal(80))
  assert.ok(looked.includes(command))
  assert.ok(looked.filter((line) => line !== command).every((line) => line.length <= 80))
  const piped = findingLines(finding('R1.1', 'PASS'), terminal(80, false))
  assert.ok(piped.some((line) => line.endsWith('y'.repeat(300))))
})

test('words are kept whole', () => {
  assert.deepEqual(wrap('one two three', 7), ['one two', 'three'])
  assert.deepEqual(wrap('incomprehensible word', 7), ['incomprehensible', 'word'])
})
