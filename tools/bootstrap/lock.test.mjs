import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { withLock } from './lock.mjs'

const sandbox = (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'svyaz-lock-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Appends "in" and "out" around a little work done under the lock. */
const worker = `
  import { appendFileSync } from 'node:fs'
  import { setTimeout as delay } from 'node:timers/promises'
  const [lock, journal, library] = process.argv.slice(1)
  const { withLock } = await import(library)
  await withLock(lock, async () => {
    appendFileSync(journal, 'in\\n')
    await delay(30)
    appendFileSync(journal, 'out\\n')
  })`

test('processes take turns, after a holder that was killed too', async (context) => {
  const directory = sandbox(context)
  const [lock, journal] = [join(directory, 'lock'), join(directory, 'journal')]
  const dead = spawn(process.execPath, ['-e', ''])
  await once(dead, 'exit')
  writeFileSync(lock, JSON.stringify({ pid: dead.pid, host: hostname() }))
  const library = new URL('lock.mjs', import.meta.url).href
  const workers = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', worker, lock, journal, library], { stdio: 'ignore' }),
  )
  const statuses = await Promise.all(workers.map(async (child) => (await once(child, 'exit'))[0]))
  assert.deepEqual(statuses, [0, 0, 0, 0])
  assert.equal(readFileSync(journal, 'utf8'), 'in\nout\n'.repeat(4))
  assert.ok(!existsSync(lock))
})

test('a holder silent for too long has lost it, whatever its process id', async (context) => {
  const lock = join(sandbox(context), 'lock')
  writeFileSync(lock, JSON.stringify({ pid: process.pid, host: 'another-container' }))
  const longAgo = new Date(Date.now() - 60_000)
  utimesSync(lock, longAgo, longAgo)
  assert.equal(await withLock(lock, async () => 'done'), 'done')
})

test('it is given back when the work fails', async (context) => {
  const lock = join(sandbox(context), 'lock')
  await assert.rejects(
    withLock(lock, () => Promise.reject(new Error('no disk'))),
    /no disk/,
  )
  assert.ok(!existsSync(lock))
})
