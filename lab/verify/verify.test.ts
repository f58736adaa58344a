import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { requirements } from './assignment.ts'
import { conclude } from './conclude.ts'
import { proofs } from './proofs.ts'
import { exitCodeOf } from './verify.ts'

const root = join(import.meta.dirname, '..', '..')

/** Every row of the assignment's requirements, service levels apart; counted from the assignment, not from our list. */
const rowsOf: Readonly<Record<string, number>> = { R1: 9, R2: 11, R3: 2, R4: 6, R5: 6, R6: 10, R7: 6 }
const levelsAsked = [
  'gateway-latency',
  'gateway-throughput',
  'gateway-errors',
  'service-latency',
  'cpu',
  'memory',
  'database',
  'message-latency',
  'message-throughput',
  'unread-messages',
  'message-loss',
  'uptime',
  'network-latency',
]

test('every row of the requirements is in the assignment, and no other', () => {
  const asked = [
    ...Object.entries(rowsOf).flatMap(([section, count]) =>
      Array.from({ length: count }, (_, at) => `${section}.${at + 1}`),
    ),
    ...levelsAsked.map((id) => `Levels.${id}`),
  ]
  assert.deepEqual(requirements.map(({ id }) => id).sort(), asked.sort())
})

test('each row has an id of its own, and is proven or says what is missing', () => {
  const ids = requirements.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
  const open = requirements.filter(({ id, missing }) => !(id in proofs) && missing === undefined)
  assert.deepEqual(open, [])
  assert.deepEqual(
    Object.keys(proofs).filter((id) => !ids.includes(id)),
    [],
    'a proof belongs to a row',
  )
})

test('for each proof a test breaks what it looks at', () => {
  const tests = globSync('proofs/*.test.ts', { cwd: import.meta.dirname })
  const text = tests.map((file) => readFileSync(join(import.meta.dirname, file), 'utf8')).join('\n')
  const untried = Object.keys(proofs).filter((id) => !text.includes(`\n  '${id}': [\n    [`))
  assert.deepEqual(untried, [])
})

test('each file that a row names is there', () => {
  const absent = requirements.flatMap(({ id, artefacts }) =>
    artefacts.filter((path) => !existsSync(join(root, path))).map((path) => `${id}: ${path}`),
  )
  assert.deepEqual(absent, [])
})

test('a row of which something is missing is not a PASS, and a fault is a FAIL all the same', () => {
  assert.deepEqual(conclude({}, []), ['PASS', []])
  assert.equal(conclude({ missing: 'not built yet: x' }, [])[0], 'NOT RUN')
  assert.deepEqual(conclude({ missing: 'not built yet: x' }, ['broken']), ['FAIL', ['broken']])
})

test('a row that is not run here says which command runs it, unless that is not built', () => {
  const silent = requirements.filter(
    ({ missing, elsewhere }) => missing !== undefined && !missing.startsWith('not built') && !elsewhere,
  )
  assert.deepEqual(
    silent.map(({ id }) => id),
    [],
  )
  assert.deepEqual(conclude({ missing: 'no Jaeger here', elsewhere: 'npm run x' }, []), [
    'NOT RUN',
    ['no Jaeger here; the rest holds. Run: npm run x'],
  ])
})

test('each script and file in those commands is there', () => {
  const scripts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts as Record<string, string>
  const commands = requirements.map(({ elsewhere }) => elsewhere ?? '').join('\n')
  const named = [...commands.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name!)
  assert.ok(named.length > 3)
  assert.deepEqual(
    named.filter((name) => !(name in scripts)),
    [],
  )
  const files = [...commands.matchAll(/[\w./-]+\.(?:ts|md|env)/g)].map(([file]) => file)
  assert.deepEqual(
    files.filter((file) => !existsSync(join(root, file))),
    [],
  )
})

test('exit codes: 0 all PASS, 1 any FAIL, 2 some were not run', () => {
  const of = (...verdicts: ('PASS' | 'FAIL' | 'NOT RUN')[]) => exitCodeOf(verdicts.map((verdict) => ({ verdict })))
  assert.equal(of('PASS', 'PASS'), 0)
  assert.equal(of('PASS', 'FAIL', 'NOT RUN'), 1)
  assert.equal(of('PASS', 'NOT RUN'), 2)
})
