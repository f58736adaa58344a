import { existsSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { handOver } from './hand-over.mjs'
import { BootstrapError, installNode, installPackages, packagesAreInstalled } from './install.mjs'
import { withLock } from './lock.mjs'
import { describeMachine } from './machine.mjs'
import { argumentFault, nodePackageFor, obstacle, placeFault, prefersOwn, suits } from './needs.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const node24 = join(root, 'tools', 'node24')

/**
 * Makes the project ready to run and runs one of its files. Doesn't return while that runs; its exit code
 * becomes this process's.
 *
 * @param {string | undefined} entry path of a JavaScript or TypeScript file, relative to the checkout
 * @param {string[]} args
 */
export async function enter(entry, args) {
  try {
    if (!entry) throw new BootstrapError('usage: node tools/bootstrap.mjs <file> [arguments]')
    const misplaced = placeFault(root)
    if (misplaced) throw new BootstrapError(misplaced)
    const wrong = entry === 'cli/src/main.ts' ? argumentFault(args) : undefined
    if (wrong) {
      process.stderr.write(`svyaz: ${wrong}\n`)
      process.exitCode = 2
      return
    }
    const file = join(root, entry)
    const runtime = await prepare()
    const env = { ...process.env, PATH: [...runtime.path, process.env.PATH].filter(Boolean).join(delimiter) }
    if (!existsSync(file)) throw new BootstrapError(`there is no ${entry} in ${root}`)
    handOver(runtime.node, [file, ...args], env)
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error
    process.stderr.write(`svyaz: ${error.message}\n`)
    process.exitCode = 1
  }
}

/**
 * Installs what is missing. Nothing is looked at beyond a few files when nothing is.
 *
 * @returns {Promise<{node: string, path: string[]}>} the Node 24 to run, and what goes in front of PATH
 */
async function prepare() {
  const found = findNode()
  if (found && packagesAreInstalled(root)) return found

  const reason = obstacle(describeMachine())
  if (reason) throw new BootstrapError(reason)
  return withLock(join(node24, '.lock'), async () => {
    const runtime = findNode() || (await bringNode())
    if (!packagesAreInstalled(root)) await installPackages(root, runtime)
    return runtime
  })
}

/** @returns {{node: string, npm: string | undefined, path: string[]} | undefined} */
function findNode() {
  const name = nodePackageFor(process.platform, process.arch)
  const wanted = name && JSON.parse(readFileSync(join(node24, 'package.json'), 'utf8')).optionalDependencies[name]
  const own = { node: process.execPath, npm: undefined, path: [dirname(process.execPath)] }
  if (prefersOwn(process.versions.node, wanted)) return own
  // An older 24 of the machine's runs the project too: not worth a download, but the package goes first where it is.
  return (name && packagedNode(name, wanted)) || (suits(process.versions.node) ? own : undefined)
}

function packagedNode(name, wanted) {
  const home = join(node24, 'node_modules', name)
  const manifest = join(home, 'package.json')
  const npm = join(node24, 'node_modules', 'npm', 'bin', 'npm-cli.js')
  // npm writes its own lock file last: without it the installation was cut short.
  const complete =
    existsSync(manifest) && existsSync(join(node24, 'node_modules', '.package-lock.json')) && existsSync(npm)
  if (!complete || JSON.parse(readFileSync(manifest, 'utf8')).version !== wanted) return undefined
  return { node: join(home, 'bin', 'node'), npm, path: [join(home, 'bin'), join(node24, 'node_modules', '.bin')] }
}

async function bringNode() {
  await installNode(node24)
  const runtime = findNode()
  if (!runtime)
    throw new BootstrapError(
      `Node 24 was installed in ${node24} but is not there; delete ${node24}/node_modules and try again`,
    )
  return runtime
}
