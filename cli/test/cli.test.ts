/** `svyaz` as a person runs it: a process, its output, its signals, its exit code. What it starts are fixtures. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { until } from '@svyaz/observe/until.ts'
import { identify, isAlive, type ProcessIdentity } from '../../system/src/supervisor/process-table.ts'
import { commands } from '../src/commands.ts'
import { readConfig } from '../src/config.ts'
import { runCli } from '../src/run.ts'
import { openTerminal } from '../src/terminal.ts'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const main = join(root, 'cli', 'src', 'main.ts')

interface Running {
  readonly child: ChildProcess
  output(): string
  /** Until its output matches. */
  says(pattern: RegExp): Promise<void>
  readonly exited: Promise<number | string | null>
}

/** Starts the CLI in a process group of its own, as a shell does. */
function start(t: TestContext, home: string, ...args: string[]): Running {
  const child = spawn(process.execPath, [main, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SVYAZ_HOME: home, NO_COLOR: '1', NODE_TEST_CONTEXT: '' },
  })
  let output = ''
  let check = () => {}
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      check()
    })
  }
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  t.after(() => child.exitCode ?? child.kill('SIGKILL'))
  return {
    child,
    output: () => output,
    exited,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        check = () => pattern.test(output) && resolve()
        check()
        void exited.then((code) => reject(new Error(`ended with ${code} without saying ${pattern}:\n${output}`)))
      }),
  }
}

async function cli(t: TestContext, home: string, ...args: string[]): Promise<{ code: unknown; output: string }> {
  const running = start(t, home, ...args)
  const code = await running.exited
  return { code, output: running.output() }
}

function newHome(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), 'svyaz cli связь '))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  return home
}

/** The fixture's fixed port is 8500: an offset that moves it to a free one. */
async function freeOffset(): Promise<string> {
  const { server, port } = await listen()
  server.close()
  await once(server, 'close')
  return String(port - 8500)
}

async function listen(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

async function upWith(t: TestContext, home: string, topology: string): Promise<Running> {
  const file = `system/test/fixtures/${topology}.ts`
  const running = start(t, home, 'up', '--no-bundle', '--topology', file, '--port-offset', await freeOffset())
  return running
}

interface Listed {
  name: string
  status: string
  pid: number
  ports: Record<string, number>
  restarts: number
}

async function list(t: TestContext, home: string): Promise<Listed[]> {
  const { output } = await cli(t, home, 'ps', '--json')
  return (JSON.parse(output) as { instances: Listed[] }).instances
}

const identities = (instances: Listed[]): ProcessIdentity[] => instances.flatMap(({ pid }) => identify(pid) ?? [])

const log = (home: string, instance: string) => readFileSync(join(home, 'logs', `${instance}.log`), 'utf8')

test('Ctrl-C stops everything in order, children are told by the supervisor alone', { timeout: 30_000 }, async (t) => {
  const home = newHome(t)
  const up = await upWith(t, home, 'topology')
  await up.says(/Ready in/)
  const children = identities(await list(t, home))
  assert.equal(children.length, 4)

  const beganMs = performance.now()
  process.kill(-up.child.pid!, 'SIGINT')
  assert.equal(await up.exited, 0)
  assert.ok(performance.now() - beganMs < 10_000)
  assert.deepEqual(children.filter(isAlive), [])
  const order = [...up.output().matchAll(/(\S+)-\d {2}○ stopped/g)].map(([, name]) => name)
  assert.deepEqual(order, ['edge', 'worker', 'worker', 'ground'])
  assert.match(log(home, 'edge-1'), /"why":"SIGTERM"/)
  assert.doesNotMatch(log(home, 'edge-1'), /SIGINT reached a child/)
  assert.equal(existsSync(join(home, 'state', 'supervisor.json')), false, 'the lock is given back')
})

test('Ctrl-C again, more than a second later, ends everything at once', { timeout: 30_000 }, async (t) => {
  const home = newHome(t)
  const up = await upWith(t, home, 'stubborn-topology')
  await up.says(/Ready in/)
  const children = identities(await list(t, home))

  const firstMs = performance.now()
  process.kill(-up.child.pid!, 'SIGINT')
  let ended = false
  void up.exited.then(() => {
    ended = true
  })
  // Like an impatient person; those in the first second must not count.
  while (!ended) {
    await delay(50)
    if (!ended) up.child.kill('SIGINT')
  }
  const tookMs = performance.now() - firstMs
  assert.equal(await up.exited, 1)
  assert.ok(tookMs > 1_000 && tookMs < 5_000, `${tookMs} ms`)
  await until('the children to end', () => children.every((child) => !isAlive(child)))
})

test('a second start on the same data is refused with the pid of the first', { timeout: 30_000 }, async (t) => {
  const home = newHome(t)
  const first = await upWith(t, home, 'topology')
  await first.says(/Ready in/)
  const second = await upWith(t, home, 'topology')
  assert.equal(await second.exited, 1)
  assert.match(second.output(), new RegExp(`already runs on .* \\(pid ${first.child.pid}, from .*\\)`))
  assert.equal(
    (await list(t, home)).every((instance) => instance.status === 'ready'),
    true,
  )
  const down = await cli(t, home, 'down')
  assert.equal(down.code, 0)
  assert.equal(await first.exited, 0)
  assert.match((await cli(t, home, 'down')).output, /Nothing is running/)
  const ps = await cli(t, home, 'ps')
  assert.equal(ps.code, 3)
  assert.match(ps.output, /isn't running on .*npx svyaz up/)
})

test('after kill −9 of the supervisor its children end, and the next start ends those that did not', {
  timeout: 30_000,
}, async (t) => {
  const home = newHome(t)
  const first = await upWith(t, home, 'stubborn-topology')
  await first.says(/Ready in/)
  const instances = await list(t, home)
  const stubborn = identities(instances.filter(({ name }) => name === 'stubborn-1'))
  const others = identities(instances.filter(({ name }) => name !== 'stubborn-1'))
  first.child.kill('SIGKILL')
  await first.exited
  await until('the others to end', () => others.every((child) => !isAlive(child)))
  assert.deepEqual(stubborn.map(isAlive), [true], 'it ignores the end of its input')

  const second = await upWith(t, home, 'topology')
  await second.says(/Ready in/)
  assert.deepEqual(stubborn.map(isAlive), [false])
  const ports = (all: Listed[]) => all.filter(({ name }) => /worker|edge/.test(name)).map((instance) => instance.ports)
  assert.deepEqual(ports(await list(t, home)), ports(instances), 'instances keep their ports')
  second.child.kill('SIGTERM')
  assert.equal(await second.exited, 0)
})

test('a taken port ends the start before anything ran, with port, holder and flag', { timeout: 30_000 }, async (t) => {
  const home = newHome(t)
  const { server, port } = await listen()
  t.after(() => server.close())
  const offset = String(port - 8500)
  const fixture = 'system/test/fixtures/topology.ts'
  const up = await cli(t, home, 'up', '--topology', fixture, '--port-offset', offset)
  assert.equal(up.code, 1)
  assert.match(up.output, new RegExp(`port ${port}, which ground needs, is taken by .*--port-offset`))
  assert.doesNotMatch(up.output, /\n\s+at /, 'no stack')
  assert.equal(existsSync(join(home, 'logs')), false)
  const detached = await cli(t, home, 'up', '--detach', '--topology', fixture, '--port-offset', offset)
  assert.equal(detached.code, 1)
  assert.match(detached.output, /is taken by/)
})

test('up --detach returns when all is ready; kill, restart, scale, pause and down work from outside', {
  timeout: 60_000,
}, async (t) => {
  const home = newHome(t)
  const offset = await freeOffset()
  const fixture = 'system/test/fixtures/topology.ts'
  const up = await cli(t, home, 'up', '-d', '--json', '--topology', fixture, '--port-offset', offset)
  t.after(() => cli(t, home, 'down'))
  assert.equal(up.code, 0, up.output)
  const before = await list(t, home)
  assert.deepEqual(
    before.map(({ name, status }) => `${name} ${status}`),
    ['ground-1 ready', 'worker-1 ready', 'worker-2 ready', 'edge-1 ready'],
  )
  const now = async (name: string) => (await list(t, home)).find((instance) => instance.name === name)

  assert.equal((await cli(t, home, 'kill', 'worker-1')).code, 0)
  await until('worker-1 to be ready', async () => (await now('worker-1'))?.status === 'ready')
  const killed = await now('worker-1')
  const first = before.find(({ name }) => name === 'worker-1')
  assert.notEqual(killed?.pid, first?.pid)
  assert.deepEqual(killed?.ports, first?.ports)
  assert.equal(killed?.restarts, 1)

  assert.equal((await cli(t, home, 'pause', 'edge')).code, 0)
  assert.equal((await now('edge-1'))?.status, 'paused')
  assert.equal((await cli(t, home, 'restart', 'edge')).code, 0, 'a paused one can be restarted')
  assert.equal((await now('edge-1'))?.status, 'ready')

  assert.equal((await cli(t, home, 'stop', 'edge')).code, 0)
  assert.equal((await now('edge-1'))?.status, 'stopped')
  assert.equal((await cli(t, home, 'start', 'edge')).code, 0)

  assert.equal((await cli(t, home, 'scale', 'worker=3', 'edge=2')).code, 0)
  assert.equal((await list(t, home)).filter(({ name }) => name.startsWith('worker')).length, 3)
  assert.equal((await cli(t, home, 'scale', 'worker=1')).code, 0)
  assert.deepEqual(
    (await list(t, home)).map(({ name }) => name),
    ['ground-1', 'worker-1', 'edge-1', 'edge-2'],
  )
  const refused = await cli(t, home, 'scale', 'ground=2')
  assert.equal(refused.code, 1)
  assert.match(refused.output, /ground runs once/)

  const logs = await cli(t, home, 'logs', 'worker-1', '--lines', '1')
  assert.match(logs.output, /worker-1 {2}info {3}listening {2}port=/)
  const raw = await cli(t, home, 'logs', 'edge', '--json', '-n', '1')
  assert.equal(JSON.parse(raw.output.split('\n')[0] ?? '').msg, 'listening')

  const down = await cli(t, home, 'down')
  assert.match(down.output, /Stopped in/)
})

test('the command line: help, mistakes and exit codes', { timeout: 90_000 }, async (t) => {
  const home = newHome(t)
  const help = await cli(t, home, '--help')
  assert.equal(help.code, 0)
  for (const name of 'up down demo ps logs doctor budget kill scale topics dlq db config completion'.split(' ')) {
    assert.match(help.output, new RegExp(`^ {2}${name} `, 'm'))
  }
  const one = await cli(t, home, 'kill', '--help')
  assert.match(one.output, /npx svyaz kill payments-1/)
  for (const [args, sentence] of [
    [['klil'], /did you mean `svyaz kill`/],
    [['kill'], /kill <instance\|service>/],
    [['up', '--prot-offset', '1'], /has no flag --prot-offset/],
    [['up', '--port-offset', 'many'], /takes a whole number/],
    [['logs', '-n', '-1'], /--lines takes a whole number from 0 to 1000000, not "-1"/],
    [['logs', '-n'], /--lines needs its value, --lines <n>/],
    [['logs', '--follow=yes'], /--follow takes no value/],
    [['logs', 'ordrs'], /did you mean orders\?/],
    [['scale', 'orders'], /<service>=<n>/],
    [['scale', 'orders=-1'], /whole number from 0 to 999, not "-1"/],
    [['versoin'], /did you mean `svyaz version`/],
    [['help', 'lgos'], /did you mean `svyaz logs`/],
    [['up', '--prot-offset', '1'], /did you mean --port-offset/],
    [['up', '--only', 'postgers'], /did you mean postgres\?/],
    [['up', '--only', 'nosuch,orders'], /no process "nosuch"; there are postgres, broker/],
    [['up', '--topology', 'system/nosuch.ts'], /there is no file/],
    [['completion', 'tcsh'], /bash, zsh and fish/],
    [['dlq', 'lsit'], /did you mean `svyaz dlq list`/],
    [['dlq', 'replay', 'orders.events'], /say which: --id <event id>, or --all/],
    [['dlq', 'replay', 'orders.events', '--all', '--id', 'x'], /not both/],
    [['dlq', 'show', 'orders.events'], /<topic>\/<partition>\/<offset>/],
    [['topics', '--follow'], /need the name of a topic/],
    [['topics', '--bootstrap', 'nowhere'], /host:port/],
    [['config', 'gte'], /did you mean `svyaz config get`/],
    [['config', 'set', 'orders', 'changeWindowMs'], /set <application> <key> <value>/],
    [['config', 'get', 'order'], /did you mean orders/],
    [['db', 'ordres'], /did you mean orders/],
    [['db', '-c', 'select 1'], /name a service/],
    [['mcp', '--allow-change'], /did you mean --allow-changes\?/],
  ] as const) {
    const { code, output } = await cli(t, home, ...args)
    assert.equal(code, 2, output)
    assert.match(output, sentence)
    assert.doesNotMatch(output, /\n\s+at /)
  }
})

test('every flag that takes a number refuses what is none, in our own words', { timeout: 60_000 }, async (t) => {
  const home = newHome(t)
  const numeric = commands.flatMap((command) =>
    Object.entries(command.flags).flatMap(([flag, { whole }]) => (whole ? [{ command, flag, whole }] : [])),
  )
  assert.ok(numeric.length >= 9)
  const said: string[] = []
  const config = { ...readConfig({}, home), home }
  const terminal = {
    ...openTerminal(process.stdout, process.stderr, config),
    complain: (line: string) => void said.push(line),
  }
  for (const { command, flag, whole } of numeric) {
    for (const wrong of ['-1', '1.5', '1e3', 'many', '', String(whole.max + 1)]) {
      const words = Array.from({ length: command.positionals.min }, () => 'x')
      said.length = 0
      const code = await runCli([command.name, ...words, `--${flag}`, wrong], config, terminal)
      const sentence = `--${flag} takes a whole number from ${whole.min}`
      assert.deepEqual([code, said.join().includes(sentence)], [2, true], said.join())
    }
  }
})

test('the version is package.json’s', { timeout: 30_000 }, async (t) => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  for (const asked of ['version', '--version', '-v']) {
    assert.deepEqual(await cli(t, newHome(t), asked), { code: 0, output: `${version}\n` })
  }
})

test('./svyaz works from any folder and through links, in a checkout with spaces in its path', {
  timeout: 30_000,
}, (t) => {
  const folder = newHome(t)
  const link = join(folder, 'a link')
  symlinkSync(join(root, 'svyaz'), link)
  symlinkSync('a link', join(folder, 'further'))
  for (const program of [join(root, 'svyaz'), link, join(folder, 'further')]) {
    const { stdout, stderr, status } = spawnSync(program, ['scale', 'or ders'], { cwd: folder, encoding: 'utf8' })
    assert.deepEqual([status, stdout], [2, ''], stderr)
    assert.match(stderr, /"or ders" is not of the form/)
  }
  const withoutNode = spawnSync(link, [], { env: { PATH: '/nonexistent' }, encoding: 'utf8' })
  assert.notEqual(withoutNode.status, 0)
})

test('a broker that is not there is named, with the reason', { timeout: 30_000 }, async (t) => {
  const { server, port } = await listen()
  server.close()
  await once(server, 'close')
  const { code, output } = await cli(t, newHome(t), 'topics', '--bootstrap', `127.0.0.1:${port}`)
  assert.equal(code, 1)
  assert.match(output, new RegExp(`the broker at 127\\.0\\.0\\.1:${port} did not do it: .*ECONNREFUSED`))
})
