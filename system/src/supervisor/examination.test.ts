import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { beginExamination, examinationOn, stopExamination } from './examination.ts'
import { placesIn } from './places.ts'
import { identify } from './process-table.ts'
import { writeJson } from './state-files.ts'

const now = () => '2026-11-27T12:00:00.000Z'
const newHome = () => mkdtempSync(join(tmpdir(), 'svyaz-examination-'))

test('one at a time: the second is refused by the name of the first, until that is over', () => {
  const home = newHome()
  assert.equal(examinationOn(home), undefined)
  const proof = beginExamination(home, { kind: 'proof', of: 'R4.2' }, now)
  assert.deepEqual(examinationOn(home), { kind: 'proof', of: 'R4.2', since: now(), pid: process.pid })
  assert.throws(() => beginExamination(home, { kind: 'experiment', of: '7' }, now), /a proof of R4\.2 is under way/)
  proof.stopping()
  assert.equal(examinationOn(home)?.stopping, true)
  assert.throws(() => stopExamination(home), /being stopped already/)
  proof[Symbol.dispose]()
  proof.stopping()
  assert.equal(existsSync(placesIn(home).examination), false)
  using experiment = beginExamination(home, { kind: 'experiment', of: '7' }, now)
  assert.ok(experiment)
  assert.equal(examinationOn(home)?.kind, 'experiment')
})

test('a record that was left behind hinders nobody, not even when its process id is another’s by now', () => {
  const self = identify(process.pid)
  assert.ok(self)
  for (const left of [
    { ...self, startedAt: `not ${self.startedAt}` },
    { pid: 2 ** 30, startedAt: self.startedAt },
  ]) {
    const home = newHome()
    writeJson(placesIn(home).examination, { ...left, kind: 'proof', of: 'R4.1', since: now() })
    assert.equal(examinationOn(home), undefined)
    assert.throws(() => stopExamination(home), /neither/)
    using begun = beginExamination(home, { kind: 'proof', of: 'R4.2' }, now)
    assert.ok(begun)
    assert.equal(examinationOn(home)?.of, 'R4.2')
  }
})

test('one of another process is asked to end; a process that is killed leaves nothing that counts', async () => {
  const home = newHome()
  const program = `
    const { beginExamination } = await import(${JSON.stringify(new URL('./examination.ts', import.meta.url).href)})
    const begun = beginExamination(${JSON.stringify(home)}, { kind: 'proof', of: 'R4.2' }, () => '')
    process.once('SIGTERM', () => {
      begun.stopping()
      process.stdout.write('asked')
    })
    setInterval(() => {}, 60_000)
    process.stdout.write('begun')
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    assert.equal(String(await once(child.stdout, 'data')), 'begun')
    assert.equal(stopExamination(home).pid, child.pid)
    assert.equal(String(await once(child.stdout, 'data')), 'asked')
    assert.equal(examinationOn(home)?.stopping, true)
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  assert.equal(existsSync(placesIn(home).examination), true)
  assert.equal(examinationOn(home), undefined)
})
