import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { until } from '../../lab/observe/until.ts'
import { NotPrepared } from './outcome.ts'
import { runStep, type Step } from './step.ts'

const folder = mkdtempSync(join(tmpdir(), 'svyaz-step-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const shell = (script: string, more: Partial<Step> = {}): Step => ({
  name: 'images/x.sh',
  program: 'sh',
  args: ['-c', script],
  log: join(folder, 'x.log'),
  secondsMax: 60,
  ...more,
})

test('what a step writes is in its log, and the terminal hears of beginning and end', async () => {
  const lines: string[] = []
  await runStep(shell('echo one; echo two >&2'), (line) => lines.push(line))
  assert.equal(readFileSync(join(folder, 'x.log'), 'utf8'), 'one\ntwo\n')
  assert.deepEqual(lines, ['images/x.sh …', 'images/x.sh: 0 s'])
})

test('a long one shows meanwhile what it last wrote', async () => {
  const lines: string[] = []
  const go = join(folder, 'go')
  const running = runStep(
    shell(`echo compiling agent; until [ -e ${go} ]; do sleep 0.02; done`, { everySeconds: 0.02 }),
    (line) => lines.push(line),
  )
  await until('a line of progress', () => lines.some((line) => /^images\/x\.sh: \d+ s, compiling agent$/.test(line)))
  await runStep(shell(`touch ${go}`, { log: join(folder, 'touch.log') }), () => {})
  await running
})

test('one that fails names its last line and its log', async () => {
  const failing = runStep(shell('echo no such module; exit 3'), () => {})
  await assert.rejects(failing, (error) => {
    assert.ok(error instanceof NotPrepared)
    assert.equal(error.message, `images/x.sh: no such module (${join(folder, 'x.log')})`)
    return true
  })
})

test('a program that is not there is named', async () => {
  await assert.rejects(
    runStep(shell('', { program: 'no-such-program' }), () => {}),
    /images\/x\.sh: spawn no-such-program ENOENT/,
  )
})

test('one that takes too long is ended with all that it started', async () => {
  const late = runStep(shell('echo compiling agent; sleep 300 & echo $!; wait', { secondsMax: 0.3 }), () => {})
  await assert.rejects(late, /images\/x\.sh: not through within 0\.3 s, at: \d+ \(/)
  const below = Number(readFileSync(join(folder, 'x.log'), 'utf8').split('\n')[1])
  await until('the end of its child', () => !running(below))
})

function running(pid: number): boolean {
  try {
    // A zombie that nobody has waited for yet has ended all the same.
    return !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
