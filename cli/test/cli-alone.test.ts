/** What `svyaz` can do while the system is stopped: look into a database, judge the machine. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { encodeLine } from '@svyaz/stage'
import { startSystem } from '../../system/src/testing.ts'
import type { Finding } from '../src/doctor/checks.ts'
import { runSvyaz, svyazEnvironment, svyazMain } from './svyaz-process.ts'

function newHome(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), 'svyaz-alone-'))
  t.after(() => rmSync(home, { recursive: true, force: true, maxRetries: 3 }))
  return home
}

test('db on a stopped system starts PostgreSQL alone, as the service’s role, and stops it again', {
  timeout: 90_000,
}, async (t) => {
  const home = newHome(t)
  const never = await runSvyaz(home, ['db', 'orders', '-c', 'select 1'])
  assert.equal(never.code, 1)
  assert.match(never.err, /nothing was ever started on/)

  await (await startSystem({ home, only: ['postgres'], exactly: true }))[Symbol.asyncDispose]()
  const made = await runSvyaz(home, ['db', 'orders', '-c', 'create table kept (n int); insert into kept values (7)'])
  assert.deepEqual([made.code, made.err], [0, ''])
  const read = await runSvyaz(home, ['db', 'orders', '--json', '-c', 'select n, current_user::text as who from kept'])
  assert.deepEqual(JSON.parse(read.out).rows, [{ n: 7, who: 'orders' }])
  const elsewhere = await runSvyaz(home, ['db', 'payments', '-c', 'select * from kept'])
  assert.equal(elsewhere.code, 1)
  assert.match(elsewhere.err, /relation "kept" does not exist/)
  assert.equal((await runSvyaz(home, ['db', 'orders', '--url'])).code, 1, 'nothing will listen there')

  const withoutPsql = await runSvyaz(home, ['db', 'orders'], 'select n + 1 as next from kept', '/nonexistent')
  assert.match(withoutPsql.out, /^next\n8\n\(1 row\)/)

  const sleeping = spawn(process.execPath, [svyazMain, 'db', 'orders', '-c', 'select pg_sleep(60)'], {
    stdio: 'ignore',
    env: svyazEnvironment(home),
  })
  t.after(() => sleeping.kill('SIGKILL'))
  while (!existsSync(join(home, 'state', 'supervisor.json'))) await delay(20)
  const up = await runSvyaz(home, ['up', '--topology', 'system/test/fixtures/topology.ts'])
  assert.equal(up.code, 1)
  assert.match(up.err, new RegExp(`svyaz db. uses the data on .* \\(pid ${sleeping.pid}\\): end it first`))
  assert.equal((await runSvyaz(home, ['ps'])).code, 3, 'there is no running system')
  sleeping.kill('SIGKILL')
  await once(sleeping, 'close')
  const after = await runSvyaz(home, ['db', 'orders', '--json', '-c', 'select n from kept'])
  assert.deepEqual(JSON.parse(after.out).rows, [{ n: 7 }], 'a killed one leaves nothing in the way')
})

/** On a free port that leaves room for the highest of the fixed ones beside it. */
async function listenLow(): Promise<{ server: Server; port: number }> {
  for (let port = 8_600 + (process.pid % 5_000); ; port += 1) {
    const server = createServer()
    const listening = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    if (listening) return { server, port }
  }
}

async function findings(home: string, ...flags: string[]): Promise<{ code: number; findings: Finding[] }> {
  const { code, out } = await runSvyaz(home, ['doctor', '--json', ...flags])
  return { code, findings: JSON.parse(out).findings }
}

test('doctor names who holds a port, and what others may read; mended, it finds nothing wrong', {
  timeout: 60_000,
}, async (t) => {
  const home = newHome(t)
  const { server, port } = await listenLow()
  t.after(() => server.close())
  const offset = String(port - 8500)
  mkdirSync(join(home, 'keys'))
  writeFileSync(join(home, 'keys', 'orders.json'), '{}', { mode: 0o644 })
  chmodSync(join(home, 'keys', 'orders.json'), 0o644)
  mkdirSync(join(home, 'postgres', 'data'), { recursive: true })
  writeFileSync(join(home, 'postgres', 'data', 'PG_VERSION'), '17\n')

  const ill = await findings(home, '--port-offset', offset)
  assert.equal(ill.code, 1)
  const wrong = ill.findings.filter(({ level }) => level === 'wrong')
  const about = (check: string) => wrong.filter((finding) => finding.check === check).map(({ what }) => what)
  assert.ok(
    about('ports').some((what) => what.includes(`port ${port}`) && what.includes(`pid ${process.pid}`)),
    JSON.stringify(wrong),
  )
  assert.match(about('home').join(), /keys\/orders\.json/)
  assert.match(about('data').join(), /PostgreSQL 17/)

  server.close()
  await once(server, 'close')
  chmodSync(join(home, 'keys', 'orders.json'), 0o600)
  rmSync(join(home, 'postgres'), { recursive: true })
  const well = await findings(home, '--port-offset', offset)
  const left = well.findings.filter(({ level, check }) => level === 'wrong' && check !== 'ports')
  assert.deepEqual(left, [])
  assert.equal(well.code, well.findings.some(({ level }) => level === 'wrong') ? 1 : 0)
})

test('doctor reads what every process has stored, and names who lost what', { timeout: 60_000 }, async (t) => {
  const home = newHome(t)
  const file = (path: string, text: string) => {
    mkdirSync(join(home, path, '..'), { recursive: true })
    writeFileSync(join(home, path), text, { mode: 0o600 })
  }
  file('payment-processor/ledger.ndjson', `damaged\n${encodeLine({ v: 1, sequence: 2 })}`)
  file('mail-sink/mails-0000000001.ndjson.synced', '')
  file('discovery/journal-1.ndjson', '')
  file('state/home.json', '{')
  const { code, findings: found } = await findings(home)
  assert.equal(code, 1)
  const stored = found.filter(({ check }) => check === 'stored data').map(({ what }) => what)
  const expected = [
    /home\.json doesn't say/,
    /^discovery: .*snapshot\.json is missing/,
    /^payment-processor: .*ledger/,
    /^mail-sink: .*mails-0000000001/,
  ]
  assert.equal(stored.length, expected.length, stored.join('\n'))
  for (const [at, words] of expected.entries()) assert.match(stored[at] ?? '', words)
  for (const left of ['discovery/snapshot.json', 'mail-sink/mails-0000000001.ndjson'])
    assert.ok(!existsSync(join(home, left)), `${left} was not made by looking`)
})
