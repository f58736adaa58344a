/** Two checkouts, one after the other and at once, on one SVYAZ_HOME: an upgrade by a new clone, and the way back. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { homeSteps } from '../../system/src/supervisor/home.ts'

const here = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const folder = mkdtempSync(join(tmpdir(), 'svyaz-checkouts-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Packages are linked, those of the workspace each to their own checkout. */
function clone(name: string, change: (root: string) => void): string {
  const root = join(folder, name)
  const skipped = /\/(?:node_modules|\.svyaz|web|dist)$/
  for (const part of ['cli', 'system', 'lab', 'platform', 'contracts', 'package.json'])
    cpSync(join(here, part), join(root, part), { recursive: true, filter: (path) => !skipped.test(path) })
  mkdirSync(join(root, 'node_modules'))
  for (const entry of readdirSync(join(here, 'node_modules')))
    if (entry !== '@svyaz' && entry !== '.cache')
      symlinkSync(join(here, 'node_modules', entry), join(root, 'node_modules', entry))
  cpSync(join(here, 'node_modules', '@svyaz'), join(root, 'node_modules', '@svyaz'), {
    recursive: true,
    verbatimSymlinks: true,
  })
  change(root)
  return root
}

function edit(root: string, file: string, from: RegExp, to: string): void {
  const path = join(root, file)
  const before = readFileSync(path, 'utf8')
  assert.match(before, from)
  writeFileSync(path, before.replace(from, to))
}

const older = clone('older', () => undefined)
const newer = clone('newer', (root) => {
  edit(root, 'package.json', /"version": "[^"]+"/, '"version": "99.0.0"')
  edit(root, 'system/test/fixtures/process.ts', /'listening'/, "'listening as the newer checkout'")
})

function svyaz(root: string, home: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const environment = { ...process.env, SVYAZ_HOME: home, NO_COLOR: '1', NODE_TEST_CONTEXT: '' }
  return new Promise((resolve) =>
    execFile(process.execPath, [join(root, 'cli/src/main.ts'), ...args], { env: environment }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    ),
  )
}

async function up(root: string, home: string, ...more: string[]) {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  const offset = typeof address === 'object' && address !== null ? address.port - 8500 : 0
  const fixture = 'system/test/fixtures/topology.ts'
  return svyaz(root, home, 'up', '--detach', '--topology', fixture, '--port-offset', String(offset), ...more)
}

const newHome = () => mkdtempSync(join(folder, 'home-'))

/** What instances said since the log was last read, as the fixture's line of its start. */
const greetings = (home: string) =>
  ['ground-1', 'worker-1', 'worker-2', 'edge-1'].map((name) => {
    const said = readFileSync(join(home, 'logs', `${name}.log`), 'utf8')
      .trim()
      .split('\n')
    return said
      .filter((line) => line.includes('listening'))
      .at(-1)
      ?.includes('newer')
      ? 'newer'
      : 'older'
  })

for (const order of [
  [older, newer, older],
  [newer, older, newer],
]) {
  const names = order.map((root) => (root === newer ? 'newer' : 'older'))
  test(`each checkout runs its own code on one home: ${names.join(', then ')}`, { timeout: 180_000 }, async () => {
    const home = newHome()
    for (const [index, root] of order.entries()) {
      const started = await up(root, home)
      assert.equal(started.code, 0, started.out + started.err)
      const { out } = await svyaz(root, home, 'ps', '--json')
      const { instances } = JSON.parse(out) as { instances: { restarts: number }[] }
      assert.deepEqual(
        instances.map(({ restarts }) => restarts),
        [0, 0, 0, 0],
      )
      assert.deepEqual(greetings(home), Array(4).fill(names[index]))
      assert.equal((await svyaz(root, home, 'down')).code, 0)
    }
    assert.equal(readdirSync(join(home, 'built')).length, 2)
  })
}

test('while one checkout runs the other may not start, and says whose system it is talking to', {
  timeout: 180_000,
}, async (t) => {
  const home = newHome()
  t.after(() => svyaz(older, home, 'down'))
  const first = await up(older, home)
  assert.equal(first.code, 0, first.out + first.err)
  const log = readFileSync(join(home, 'logs', 'supervisor.log'), 'utf8')

  const second = await up(newer, home)
  assert.equal(second.code, 1)
  assert.ok(second.err.includes(`already runs on ${home}`) && second.err.includes(older), second.err)
  assert.ok(readFileSync(join(home, 'logs', 'supervisor.log'), 'utf8').startsWith(log), 'its log is still there')

  const ps = await svyaz(newer, home, 'ps', '--json')
  assert.equal(ps.code, 0)
  assert.match(ps.err, /what runs was started by .*older .*; this is .*newer \(99\.0\.0/)
  assert.equal(JSON.parse(ps.out).instances.length, 4, 'standard output is as ever')
  assert.equal((await svyaz(older, home, 'ps')).err, '')
})

test('a home from before there were versions is brought up; one of a later version is refused and left alone', {
  timeout: 180_000,
}, async () => {
  const home = newHome()
  for (const name of ['keys', 'bundles', 'compile-cache', 'pages']) mkdirSync(join(home, name))
  assert.equal((await up(older, home)).code, 0)
  assert.equal((await svyaz(older, home, 'down')).code, 0)
  assert.match(readFileSync(join(home, 'logs', 'supervisor.log'), 'utf8'), /from version 0 to 1/)
  for (const name of ['bundles', 'compile-cache', 'pages']) assert.equal(existsSync(join(home, name)), false, name)

  const future = clone('future', (root) =>
    edit(root, 'system/src/supervisor/home.ts', /\[cachesByCheckout\]/, '[cachesByCheckout, () => undefined]'),
  )
  assert.equal((await up(future, home)).code, 0)
  assert.equal((await svyaz(future, home, 'down')).code, 0)
  const record = readFileSync(join(home, 'state', 'home.json'), 'utf8')
  assert.equal(JSON.parse(record).version, homeSteps.length + 1)
  for (const way of [[], ['--detach']]) {
    const refused = await svyaz(older, home, 'up', ...way, '--topology', 'system/test/fixtures/topology.ts')
    assert.equal(refused.code, 1)
    assert.match(refused.err, /has state of version 2, last used by .*future/)
    assert.match(refused.err, /SVYAZ_HOME=<folder>/)
    assert.doesNotMatch(refused.err, /\n\s+at /)
  }
  assert.equal(readFileSync(join(home, 'state', 'home.json'), 'utf8'), record)
})
