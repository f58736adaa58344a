/** Commands that wait for what runs in the background: they end with the reason, and give the prompt back. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../../lab/observe/until.ts'
import { lockHolder } from '../../system/src/supervisor/lock.ts'
import { placesIn } from '../../system/src/supervisor/places.ts'
import type { Invocation } from '../src/command.ts'
import { readConfig } from '../src/config.ts'
import { openTerminal } from '../src/terminal.ts'
import { up } from '../src/up.ts'
import { runSvyaz, svyazEnvironment, svyazMain } from './svyaz-process.ts'

function newHome(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), 'svyaz-detach-'))
  t.after(async () => {
    await runSvyaz(home, ['down'])
    rmSync(home, { recursive: true, force: true })
  })
  return home
}

/** Flags that start the fixtures on free ports. */
async function fixture(name: string): Promise<string[]> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  const offset = typeof address === 'object' && address !== null ? address.port - 8500 : 0
  return ['--no-bundle', '--topology', `system/test/fixtures/${name}.ts`, '--port-offset', String(offset)]
}

test('a start that does not get ready names the process and its last words, exits with 1 and keeps trying', {
  timeout: 60_000,
}, async (t) => {
  const home = newHome(t)
  const up = await runSvyaz(home, ['up', '--detach', '--ready-within', '3', ...(await fixture('broken-topology'))])
  assert.equal(up.code, 1)
  assert.match(up.err, /^svyaz: broken-1 ended and is started again/m)
  assert.match(up.err, /not done after 3 s:\n {2}broken-1 is [a-z-]+\n(?: {6}.*\n)* {6}this one never starts/)
  assert.doesNotMatch(up.err, /worker-1/)
  assert.ok(lockHolder(placesIn(home).lock), 'the supervisor is still there')

  const { err, code } = await runSvyaz(home, ['up', '--detach', '--ready-within', 'soon'])
  assert.equal(code, 2, err)
})

test('a supervisor that ends while it is waited for ends the wait at once', { timeout: 60_000 }, async (t) => {
  const home = newHome(t)
  const { lock } = placesIn(home)
  const child: ChildProcess = spawn(
    process.execPath,
    [svyazMain, 'up', '--detach', ...(await fixture('broken-topology'))],
    { env: svyazEnvironment(home), stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const exited = new Promise((resolve) => child.once('close', resolve))
  while (!said.includes('broken-1 ended')) await delay(20)
  const holder = lockHolder(lock)
  assert.ok(holder)
  process.kill(holder.pid, 'SIGKILL')
  // Two minutes would go by otherwise, beyond this test's own limit.
  assert.equal(await exited, 1)
  assert.match(said, /svyaz: .*(?:SIGKILL|ended)/)
})

test('a command whose supervisor is killed under it says so', { timeout: 60_000 }, async (t) => {
  const home = newHome(t)
  const up = await runSvyaz(home, ['up', '--detach', ...(await fixture('stubborn-topology'))])
  assert.equal(up.code, 0, up.err)
  const holder = lockHolder(placesIn(home).lock)
  assert.ok(holder)
  // It ends on SIGKILL only, after a minute: the answer is still owed when the supervisor goes.
  const stopping = runSvyaz(home, ['stop', 'stubborn'])
  const log = join(home, 'logs', 'stubborn-1.log')
  while (!existsSync(log) || !readFileSync(log, 'utf8').includes('"stopping"')) await delay(20)
  const stubborn = JSON.parse((await runSvyaz(home, ['ps', '--json'])).out).instances.at(-1) as { pid: number }
  process.kill(holder.pid, 'SIGKILL')
  const { code, err } = await stopping
  process.kill(stubborn.pid, 'SIGKILL')
  assert.equal(code, 1)
  assert.match(err, /the supervisor ended while it was asked/)
  assert.doesNotMatch(err, /fault in svyaz itself/)
})

test('a start for the proofs that does not get ready leaves nothing running for the next one to judge', {
  timeout: 60_000,
}, async (t) => {
  const home = newHome(t)
  const started = up(await startOf(home, { 'ready-within': '3' }), { whenLate: 'is stopped' })
  await assert.rejects(started, /not done after 3 s:[\s\S]*What was started is stopped again/)
  assert.equal(lockHolder(placesIn(home).lock), undefined)
})

test('a start that is given up while it is under way leaves nothing running, whenever that is', {
  timeout: 60_000,
}, async (t) => {
  const home = newHome(t)
  const moments: readonly ((complaint: Promise<void>) => Promise<unknown>)[] = [
    async () => undefined,
    () => until('a supervisor to have begun', () => lockHolder(placesIn(home).lock)),
    (complaint) => complaint,
  ]
  for (const moment of moments) {
    const complained = Promise.withResolvers<void>()
    const giveUp = new AbortController()
    const invocation = await startOf(home, {}, complained.resolve)
    const started = assert.rejects(up(invocation, { signal: giveUp.signal }), /the start was given up/)
    await moment(complained.promise)
    giveUp.abort()
    await started
    assert.equal(lockHolder(placesIn(home).lock), undefined)
  }
})

test('svyaz verify that is ended while it starts the system leaves nothing running, and says what was not run', {
  timeout: 60_000,
}, async (t) => {
  const home = newHome(t)
  // The whole system: its ports begin at 4318 and end at 54329.
  const offset = String(100 + (process.pid % 10_000))
  const child = spawn(process.execPath, [svyazMain, 'verify', 'R7', '--lines', '--port-offset', offset], {
    env: svyazEnvironment(home),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const ended = once(child, 'close')
  await until('a supervisor to have begun', () => lockHolder(placesIn(home).lock))
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [2, null])
  const { type, stopped } = JSON.parse(said) as { type: string; stopped: string[] }
  assert.deepEqual([type, stopped.length > 3, stopped.every((id) => id.startsWith('R7.'))], ['end', true, true])
  assert.doesNotMatch(readFileSync(join(home, 'logs', 'supervisor.log'), 'utf8'), /Ctrl-C stops/, 'it got ready first')
  assert.equal(lockHolder(placesIn(home).lock), undefined)
})

/** What `svyaz up --detach` of the fixture that is never ready is asked. */
async function startOf(home: string, more: Invocation['flags'], complain: () => void = () => {}): Promise<Invocation> {
  const [, , topology = '', , offset = ''] = await fixture('broken-topology')
  const config = { ...readConfig(process.env, home), home }
  const terminal = { ...openTerminal(process.stdout, process.stderr, config), print() {}, complain, json() {} }
  const flags = { detach: true, 'no-bundle': true, topology, 'port-offset': offset, ...more }
  return { positionals: [], flags, rest: [], config, terminal }
}
