import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { explainFailure, matchesLock } from './needs.mjs'

/** A failure with a sentence for the person at the terminal. */
export class BootstrapError extends Error {}

/**
 * Scripts stay off: nothing here needs one, and a machine with ignore-scripts=true then runs the same
 * thing. Development and optional packages are asked for by name, because NODE_ENV=production or a
 * person's .npmrc may leave them out, and Node 24 and PostgreSQL are such optional packages.
 * Few retries: without a network the answer should come in seconds.
 */
const npmArguments = [
  'ci',
  '--ignore-scripts',
  '--include=dev',
  '--include=optional',
  '--package-lock=true',
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  '--no-progress',
  '--prefer-offline',
  '--fetch-retries=2',
  '--fetch-retry-mintimeout=1000',
  '--fetch-retry-maxtimeout=3000',
]

/**
 * Installs Node 24 and its npm from tools/node24/package-lock.json, with the npm that the machine has.
 *
 * @param {string} directory tools/node24
 */
export async function installNode(directory) {
  const { optionalDependencies } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  const newest = Object.values(optionalDependencies).sort().at(-1)
  const what = `Node.js ${newest} (for this project only; yours is ${process.versions.node})`
  await runNpm(what, machineNpm(), directory, process.env)
  for (const name of Object.keys(optionalDependencies)) {
    const program = join(directory, 'node_modules', name, 'bin', 'node')
    if (existsSync(program) && (statSync(program).mode & 0o111) !== 0o111) chmodSync(program, 0o755)
  }
}

/**
 * Installs the project's packages with Node 24's npm.
 *
 * @param {string} root of the checkout
 * @param {{node: string, npm: string | undefined, path: string[]}} runtime
 */
export async function installPackages(root, runtime) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const env = { ...process.env, PATH: [...runtime.path, process.env.PATH].filter(Boolean).join(delimiter) }
  const npm = runtime.npm ? { file: runtime.node, args: [runtime.npm] } : machineNpm()
  await runNpm(`about ${Object.keys(packages).length} packages`, npm, root, env)
  stamp(root)
}

/**
 * Whether node_modules is what package-lock.json asks for. The hash of the lock file, kept in node_modules
 * after an installation, answers at once; without it npm's own record is compared, so that an `npm install`
 * by hand counts too.
 *
 * @param {string} root of the checkout
 */
export function packagesAreInstalled(root) {
  const lockText = readFileSync(join(root, 'package-lock.json'))
  const hash = createHash('sha256').update(lockText).digest('hex')
  if (readIfThere(stampFile(root)) === hash) return true
  const record = readIfThere(join(root, 'node_modules', '.package-lock.json'))
  if (!record || !matchesLock(JSON.parse(lockText.toString()), JSON.parse(record))) return false
  stamp(root)
  return true
}

function stampFile(root) {
  return join(root, 'node_modules', '.svyaz-installed')
}

function stamp(root) {
  const hash = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  try {
    writeFileSync(stampFile(root), hash)
  } catch {
    // A read-only checkout: the next start compares again.
  }
}

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** The npm that runs us, else the one beside our Node, else the first on PATH. */
function machineNpm() {
  const beside = join(dirname(dirname(process.execPath)), 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js')
  const candidates = [process.env.npm_execpath, beside].filter(
    (file) => file && /npm-cli\.c?js$/.test(file) && existsSync(file),
  )
  return candidates[0] ? { file: process.execPath, args: [candidates[0]] } : { file: 'npm', args: [] }
}

async function runNpm(what, npm, directory, env) {
  const progress = showProgress(`Installing ${what}`, directory)
  const { status, output } = await capture(npm.file, [...npm.args, ...npmArguments], directory, withoutLifecycle(env))
  progress.end(status === 0)
  if (status === 'ENOENT')
    throw new BootstrapError('npm is not on the PATH; it comes with Node.js (https://nodejs.org/en/download)')
  if (status !== 0) throw new BootstrapError(explainFailure(what, output))
}

function capture(file, args, cwd, env) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output = (output + text).slice(-100_000)
      })
    }
    child.once('error', (error) => resolve({ status: error.code, output: String(error) }))
    child.once('close', (status, signal) => {
      // Ctrl-C reached npm too: end as it did, in silence.
      if (signal) process.kill(process.pid, signal)
      resolve({ status, output })
    })
  })
}

/** An npm started by `npm start` would take that run's package and script for its own. */
function withoutLifecycle(env) {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) =>
        !/^npm_(package|lifecycle|command|node_execpath|execpath|config_(local_prefix|prefix|global_prefix|workspaces?|ignore_scripts|omit|production))/.test(
          name,
        ),
    ),
  )
}

/** On a terminal a line that is rewritten; elsewhere one line when it begins and one when it ends. */
function showProgress(title, directory) {
  const startedAt = Date.now()
  const seconds = () => Math.round((Date.now() - startedAt) / 1000)
  if (!process.stderr.isTTY) {
    process.stderr.write(`svyaz: ${title} …\n`)
    return { end: (ok) => ok && process.stderr.write(`svyaz: installed in ${seconds()} s\n`) }
  }
  // What is wider than the terminal wraps, and a wrapped line is not rewritten but repeated.
  const draw = () => {
    const state = ` … ${entries(join(directory, 'node_modules'))} ready, ${seconds()} s`
    const room = (process.stderr.columns || 80) - 1 - state.length
    process.stderr.write(`\r\x1b[K${title.slice(0, Math.max(room, 0))}${state}`)
  }
  draw()
  const timer = setInterval(draw, 1_000)
  return {
    end(ok) {
      clearInterval(timer)
      process.stderr.write(`\r\x1b[K${ok ? `${title}: done in ${seconds()} s\n` : ''}`)
    },
  }
}

function entries(directory) {
  try {
    return readdirSync(directory).filter((name) => !name.startsWith('.')).length
  } catch {
    return 0
  }
}
