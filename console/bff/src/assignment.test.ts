import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ProofLine } from '../../assignment.ts'
import { Assignment } from './assignment.ts'
import { limits } from './limits.ts'

/** A command line that lists two rows, and whose proof says what it was told, in the end what its folder is. */
const program = `
const [, , , what, how] = process.argv
const say = (value) => process.stdout.write(JSON.stringify(value) + '\\n')
const row = (id) => ({ id, what: id, artefacts: [], proof: id, isProven: true, disturbs: false })
if (what === '--list') {
  const long = { id: 'R2', title: 'Until it is asked to end', rows: [] }
  say({ sections: [{ id: 'R1', title: 'Talk', rows: [row('R1.1'), row('R1.2')] }, long] })
} else {
  process.once('SIGTERM', () => {
    say({ type: 'finding', finding: { id: 'R1.1', verdict: 'NOT RUN', reasons: [], tookMs: 5, stopped: true } })
    process.exitCode = 2
    clearTimeout(soon)
  })
  say({ type: 'step', id: what, command: 'curl', answer: how })
  process.stderr.write('careful\\n')
  const soon = setTimeout(() => {
    const verdict = what === 'R1.2' ? 'FAIL' : 'PASS'
    say({ type: 'finding', finding: { id: what, verdict, reasons: [process.env.SVYAZ_HOME], tookMs: 5 } })
    say({ type: 'end', exitCode: 0 })
    process.exitCode = verdict === 'FAIL' ? 1 : 0
  }, what === 'R2' ? 60_000 : 50)
}
`
function assignmentIn(directory: string) {
  const file = join(directory, 'program.mjs')
  writeFileSync(file, program)
  return new Assignment({ program: file, home: '/home/of/it', environment: {}, directory })
}
const folder = () => mkdtempSync(join(tmpdir(), 'svyaz-assignment-'))
const now = () => '2026-11-27T12:00:00.000Z'
const forever = new AbortController().signal
async function linesOf(assignment: Assignment): Promise<ProofLine[]> {
  const lines: ProofLine[] = []
  for await (const line of assignment.output(forever)) lines.push(line)
  return lines
}

test('a row is proven by the command line; whoever looks later reads the same from the first line on', async () => {
  using assignment = assignmentIn(folder())
  await assignment.start('R1.1', 'olga', now)
  assert.deepEqual(assignment.run, { asked: 'R1.1', startedAt: now(), isRunning: true })
  const [early, late] = await Promise.all([linesOf(assignment), linesOf(assignment)])
  assert.deepEqual(early, late)
  assert.deepEqual(early.map(({ type }) => type).sort(), ['end', 'finding', 'said', 'step'])
  assert.deepEqual(early.at(-1), { type: 'end', exitCode: 0 })
  assert.deepEqual(await linesOf(assignment), early, 'after its end too')
  assert.equal(assignment.run?.isRunning, false)
  assert.deepEqual(assignment.found, [
    { id: 'R1.1', verdict: 'PASS', reasons: ['/home/of/it'], tookMs: 5, at: now(), who: 'olga' },
  ])
})

test('one at a time, and nothing that is neither a row nor a section', async () => {
  using assignment = assignmentIn(folder())
  await assert.rejects(assignment.start('R9', '', now), /no such row/)
  await assert.rejects(assignment.start('--help', '', now), /no such row/)
  await assignment.start('R1', '', now)
  await assert.rejects(assignment.start('R1.2', '', now), /under way/)
  await linesOf(assignment)
  await assignment.start('R1.2', '', now)
  assert.deepEqual((await linesOf(assignment)).at(-1), { type: 'end', exitCode: 1 })
})

test('a proof is asked to end once; what it says of a row that it cut short is not kept', async () => {
  using assignment = assignmentIn(folder())
  const stop = () => {
    try {
      assignment.stop()
      return 'asked'
    } catch (error) {
      return (error as Error).message
    }
  }
  const answers = [stop()]
  await assignment.start('R2', '', now)
  const heard: ProofLine[] = []
  for await (const line of assignment.output(forever)) {
    heard.push(line)
    // It hears signals now.
    if (line.type === 'step') answers.push(stop(), stop())
  }
  assert.deepEqual(answers, ['no proof is under way', 'asked', 'it is being stopped already'])
  assert.ok(heard.some((line) => line.type === 'finding' && line.finding.verdict === 'NOT RUN'))
  assert.deepEqual(heard.at(-1), { type: 'end', exitCode: 2 })
  assert.deepEqual(assignment.found, [])
  assert.deepEqual(assignment.run, { asked: 'R2', startedAt: now(), isRunning: false, stopped: true })
})

/** A proof that mends for as long as its folder has no file `mended`; a second signal ends it in the middle. */
const mending = `
import { existsSync } from 'node:fs'
const say = (text) => process.stdout.write(JSON.stringify({ type: 'said', text }) + '\\n')
if (process.argv[3] === '--list')
  process.stdout.write(JSON.stringify({ sections: [{ id: 'R4', title: 'Failures', rows: [] }] }) + '\\n')
else {
  let signals = 0
  process.on('SIGTERM', () => {
    signals += 1
    if (signals > 1) process.exit(70)
    say('mending')
    setInterval(() => existsSync(process.env.SVYAZ_HOME + '/mended') && process.exit(2), 20)
  })
  // Nobody ends it when a test has failed.
  setTimeout(() => process.exit(9), 60_000)
  say('broken')
}
`
/** One under way: what it says, as it comes. */
async function mendingIn(directory: string) {
  const file = join(directory, 'mending.mjs')
  writeFileSync(file, mending)
  const assignment = new Assignment({ program: file, home: directory, environment: {}, directory })
  await assignment.start('R4', 'olga', now)
  const lines = assignment.output(forever)
  const said = async (text: string) => {
    const { value } = await lines.next()
    assert.deepEqual(value, { type: 'said', text })
  }
  const exitCode = async () => {
    const { value } = await lines.next()
    return value?.type === 'end' ? value.exitCode : value
  }
  return { assignment, said, exitCode }
}

test('a proof that mends when its time is up is left to mend: it was asked to end already', async (t) => {
  const directory = folder()
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { assignment, said, exitCode } = await mendingIn(directory)
  using _ = assignment
  await said('broken')
  t.mock.timers.tick(limits.proofMs - 1)
  assignment.stop()
  await said('mending')
  t.mock.timers.tick(1)
  writeFileSync(join(directory, 'mended'), '')
  assert.equal(await exitCode(), 2)
})

for (const [who, ask] of [
  ['a person', (assignment: Assignment) => assignment.stop()],
  ['its own time', (_: Assignment, tick: (ms: number) => void) => tick(limits.proofMs)],
] as const)
  test(`a proof that ${who} ended, and that never mends, is ended in the middle`, async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { assignment, said, exitCode } = await mendingIn(folder())
    using _ = assignment
    await said('broken')
    ask(assignment, (ms) => t.mock.timers.tick(ms))
    await said('mending')
    assert.equal(assignment.run?.stopped, true)
    assert.throws(() => assignment.stop(), /being stopped already/)
    t.mock.timers.tick(limits.proofMendMs)
    assert.equal(await exitCode(), 70)
  })

test('what came of a row is there after a restart of the console', async () => {
  const directory = folder()
  using before = assignmentIn(directory)
  await before.start('R1.2', '', now)
  await linesOf(before)
  using after = assignmentIn(directory)
  assert.deepEqual(
    after.found.map(({ id, verdict }) => [id, verdict]),
    [['R1.2', 'FAIL']],
  )
  assert.equal(after.run, undefined)
})

test('without the command line there is neither a list nor a proof', async () => {
  using assignment = new Assignment({ program: undefined, home: '', environment: {}, directory: folder() })
  assert.equal(assignment.isThere, false)
  await assert.rejects(assignment.start('R1.1', '', now), /no proofs/)
})
