/** Fetches what the images are made of, each once, and lays out the folders that they are built from. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { copyBinaries, installedBinaries } from '@svyaz/system/binaries'
import { runStep } from './step.ts'

const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
const home = process.env.SVYAZ_CONTAINERS_HOME ?? join(cache, 'svyaz-containers')
const scripts = join(import.meta.dirname, 'images')

/**
 * Scripts that fetch or build, and their most seconds: side by side, as one waits for the network while another
 * compiles. Go keeps what it has compiled, so a run after one that ran out of time goes on from there.
 */
const secondsMax = { 'debian.sh': 480, 'kafka.sh': 240, 'go.sh': 600 }

/** A folder below the one that everything is kept in (SVYAZ_CONTAINERS_HOME). */
export const place = (...names: string[]): string => join(home, ...names)

const logOf = (step: string): string => place(`${step.replace('.', '-')}.log`)
const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** A build context: `images/<name>` and what is too big or too foreign to be in the repository. */
export const contextOf = (name: string): string => place('contexts', name)

/**
 * @param root the checkout
 * @throws NotPrepared when a registry, a mirror or a compiler here doesn't give what an image is made of
 */
export async function prepare(root: string): Promise<void> {
  const ends = await Promise.allSettled(
    Object.entries(secondsMax).map(([script, most]) =>
      runStep(
        {
          name: `images/${script}`,
          program: 'bash',
          args: [join(scripts, script)],
          log: logOf(script),
          secondsMax: most,
        },
        say,
      ),
    ),
  )
  // Not before all have ended: what one leaves done, the next run need not do.
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  for (const name of globSync('*/', { cwd: scripts })) {
    rmSync(contextOf(name), { recursive: true, force: true })
    cpSync(join(scripts, name), contextOf(name), { recursive: true })
  }
  linkTree(place('kafka/libs'), join(contextOf('kafka'), 'libs'))
  link(place('bin/consul'), join(contextOf('consul'), 'consul'))
  link(place('bin/jaeger'), join(contextOf('jaeger'), 'jaeger'))
  layOutMongo(root)
  linkTree(copyBinaries(installedBinaries(), place('postgres')), join(contextOf('postgres'), 'server'))
  await layOutNode(root)
}

/** FerretDB, and the gate before it, which is a program for Node. */
function layOutMongo(root: string): void {
  const context = contextOf('mongo')
  link(place('bin/ferretdb'), join(context, 'ferretdb'))
  cpSync(process.execPath, join(context, 'node'), { dereference: true })
  for (const file of ['system/test/engines/gate.ts', 'system/test/engines/one-at-a-time.ts'])
    cpSync(join(root, file), join(context, basename(file)))
}

/** Node and npm as they are here, and npm's cache with every package of the lock file: a build has no way out. */
async function layOutNode(root: string): Promise<void> {
  const context = contextOf('node')
  cpSync(process.execPath, join(context, 'bin/node'), { dereference: true })
  const npm = dirname(dirname(npmProgram()))
  cpSync(npm, join(context, 'npm'), { recursive: true })

  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8')
  const kept = place('npm-cache.lock')
  if (!existsSync(kept) || readFileSync(kept, 'utf8') !== lock) {
    const copy = place('npm-install')
    rmSync(copy, { recursive: true, force: true })
    const manifests = globSync(['**/package.json', 'package-lock.json', '.npmrc'], {
      cwd: root,
      exclude: ['**/node_modules/**', '**/.svyaz/**'],
    })
    for (const file of manifests) {
      mkdirSync(join(copy, dirname(file)), { recursive: true })
      cpSync(join(root, file), join(copy, file))
    }
    // Its scripts find the Node that runs this one: an older one would pick other packages.
    const path = `${dirname(process.execPath)}:${process.env.PATH}`
    const ci = ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--cache', place('npm-cache')]
    await runStep(
      {
        name: 'npm ci',
        program: process.execPath,
        args: [npmProgram(), ...ci],
        log: logOf('npm-ci'),
        secondsMax: 300,
        cwd: copy,
        env: { PATH: path },
      },
      say,
    )
    rmSync(copy, { recursive: true, force: true })
    writeFileSync(kept, lock)
  }
  linkTree(place('npm-cache'), join(context, 'cache'))
}

/** npm tells the scripts that it runs where it lies. */
function npmProgram(): string {
  const beside = join(dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js')
  const found = [process.env.npm_execpath, beside].find((path) => path !== undefined && existsSync(path))
  if (found === undefined) throw new Error('npm is not found: start this by `npm run test:containers`')
  return found
}

function link(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  linkSync(from, to)
}

/** Hard links: hundreds of megabytes are not copied. */
function linkTree(from: string, to: string): void {
  const { status } = spawnSync('cp', ['--archive', '--link', from, to], { stdio: 'inherit' })
  if (status !== 0) throw new Error(`${from} could not be linked to ${to}`)
}
