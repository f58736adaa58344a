/**
 * One proof or experiment at a time, whoever began it: a console with stand-ins for both programs, and a real supervisor
 * of small processes that knows what else examines the system.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { until } from '../../../lab/observe/until.ts'
import { ask as control } from '../../../system/src/supervisor/control-client.ts'
import { type System, startSystem } from '../../../system/src/testing.ts'
import { topology } from '../../../system/test/fixtures/topology.ts'
import type { AssignmentAnswer } from '../../assignment.ts'
import type { FaultLabAnswer } from '../../protocol.ts'
import { type Console, startConsole } from '../src/console.ts'
import { type Gateway, startGateway } from './gateway-fixture.ts'

const examination = JSON.stringify(new URL('../../../system/src/supervisor/examination.ts', import.meta.url).href)

/** A program that examines the system until it is asked to end; `--list` lists one row. */
const program = `
if (process.argv.includes('--list')) {
  const row = { id: 'R4.2', what: 'x', artefacts: [], proof: 'x', isProven: true, disturbs: true }
  process.stdout.write(JSON.stringify({ sections: [{ id: 'R4', title: 'Failures', rows: [row] }] }) + '\\n')
} else {
  const { beginExamination } = await import(${examination})
  const at = process.argv.indexOf('--home')
  const home = at < 0 ? process.env.SVYAZ_HOME : process.argv[at + 1]
  const what = at < 0 ? { kind: 'proof', of: process.argv[3] } : { kind: 'experiment', of: '7' }
  const begun = beginExamination(home, what, () => new Date().toISOString())
  process.once('SIGTERM', () => process.exit(2))
  process.stdin.on('data', () => process.exit(0)).on('end', () => {})
  // Nobody ends it when a test has failed.
  setTimeout(() => process.exit(9), 120_000)
  process.stdout.write(JSON.stringify({ type: 'said', text: 'begun' }) + '\\n')
}
`

describe('what examines the system', () => {
  let system: System
  let gateway: Gateway
  let served: Console
  let directory: string
  let headers: Record<string, string>
  const file = () => join(directory, 'program.mjs')

  const start = async () => {
    served = await startConsole({
      directory,
      pageCache: join(directory, 'pages'),
      gateway: gateway.url,
      controlSocket: system.controlSocket,
      faultLab: { program: file(), home: system.home },
      assignment: { program: file(), home: system.home, environment: process.env },
    })
    const opened = await fetch(`${served.url}/api/session`)
    headers = {
      'content-type': 'application/json',
      cookie: opened.headers.getSetCookie()[0]?.split(';')[0] ?? '',
      origin: served.url,
      'x-svyaz-csrf': ((await opened.json()) as { csrf: string }).csrf,
    }
    await until('the supervisor to be followed', async () => (await faults()).isThere)
  }

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'svyaz-examination-'))
    writeFileSync(file(), program)
    // One after the other: what is there when the next one fails is known, and ended.
    gateway = await startGateway()
    system = await startSystem({ topology, bundle: false })
    await start()
  })
  after(async () => {
    // Whatever didn't come up, the rest is ended.
    await served?.[Symbol.asyncDispose]()
    await Promise.all([gateway?.[Symbol.asyncDispose](), system?.[Symbol.asyncDispose]()])
    rmSync(directory, { recursive: true, force: true })
  })

  const get = async <T>(path: string): Promise<T> => (await fetch(served.url + path, { headers })).json() as Promise<T>
  const assignment = () => get<AssignmentAnswer>('/api/assignment')
  const faults = () => get<FaultLabAnswer>('/api/faults')
  const post = async (path: string, body: object = {}) => {
    const answer = await fetch(served.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    const { code, detail } = (await answer.json()) as { code?: string; detail?: string }
    return { status: answer.status, code, detail: detail ?? '' }
  }
  const prove = () => post('/api/assignment/run', { row: 'R4.2' })
  const experiment = () => {
    const { processes } = topology
    const [target] = processes.filter(({ kind }) => kind !== 'outside' && kind !== 'console').map(({ name }) => name)
    const asked = { seed: 7, seconds: 5, faults: 1, kinds: ['kill'], targets: [target], edges: [], ordersPerSecond: 1 }
    return post('/api/faults', asked)
  }
  const nothing = () =>
    until('nothing to be under way', async () => {
      const [{ run, other }, { experiment: own }] = [await assignment(), await faults()]
      return other === undefined && run?.isRunning !== true && own?.running !== true
    })

  test('an experiment is refused beside a proof from here, and the proof can be ended, once', async () => {
    assert.equal((await prove()).status, 200)
    const refused = await experiment()
    assert.deepEqual([refused.status, refused.code], [409, 'proof_under_way'])
    assert.match(refused.detail, /a proof of R4\.2 is under way/)
    assert.equal((await faults()).other?.of, 'R4.2')
    assert.equal((await prove()).code, 'proof_under_way')
    // It says so only when it hears signals: one that comes sooner ends it without a word.
    await until('the program to have begun', async () => (await examinationOf(system)) !== undefined)
    assert.equal((await post('/api/examination/stop')).status, 200)
    await nothing()
    const { run } = await assignment()
    assert.deepEqual([run?.asked, run?.stopped], ['R4.2', true])
    assert.equal((await post('/api/examination/stop')).status, 409)
  })

  test('a proof is refused beside an experiment from here', async () => {
    assert.equal((await experiment()).status, 200)
    const refused = await prove()
    assert.deepEqual([refused.status, refused.code], [409, 'experiment_under_way'])
    assert.match(refused.detail, /seed 7/)
    assert.deepEqual([(await assignment()).other?.kind, (await faults()).other], ['experiment', undefined])
    assert.equal((await post('/api/examination/stop')).status, 200)
    await nothing()
  })

  test('a proof that outlives its console is known to the next one, hinders a second, and is ended from there', async () => {
    assert.equal((await prove()).status, 200)
    await until('the program to have begun', async () => (await examinationOf(system)) !== undefined)
    await served[Symbol.asyncDispose]()
    await start()
    const { run, other } = await assignment()
    assert.deepEqual([run, other?.kind, other?.of], [undefined, 'proof', 'R4.2'])
    const refused = await prove()
    assert.deepEqual([refused.status, refused.code], [409, 'proof_under_way'])
    assert.match(refused.detail, new RegExp(`a proof of R4\\.2 .*process ${other?.pid}`))
    assert.equal((await experiment()).code, 'proof_under_way')
    assert.equal((await post('/api/examination/stop')).status, 200)
    await nothing()
    assert.equal((await prove()).status, 200)
    await until('the program to have begun', async () => (await examinationOf(system)) !== undefined)
    assert.equal((await post('/api/examination/stop')).status, 200)
    await nothing()
  })

  test('what was begun at a terminal counts, what it left behind when it was killed does not', async (context) => {
    const child: ChildProcess = spawn(process.execPath, [file(), 'verify', 'R4.3'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, SVYAZ_HOME: system.home },
    })
    context.after(() => child.kill('SIGKILL'))
    await until('it to be known', async () => (await assignment()).other?.of === 'R4.3')
    assert.equal((await experiment()).code, 'proof_under_way')
    child.kill('SIGKILL')
    await once(child, 'exit')
    await nothing()
    assert.equal((await experiment()).status, 200)
    assert.equal((await post('/api/examination/stop')).status, 200)
    await nothing()
  })
})

const examinationOf = (system: System): Promise<unknown> =>
  control<{ examination?: unknown }>(system.home, 'GET', '/examination').then(({ examination: found }) => found)
