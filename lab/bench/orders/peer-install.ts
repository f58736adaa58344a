/** The peer's packages, apart from the project's own: installed and compiled when it is first asked for. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const peerFolder = join(import.meta.dirname, 'peer')

const installMsMax = 600_000
const compileMsMax = 180_000

/** Whether the peer could start without the network. */
export const peerIsInstalled = (): boolean => stampOf('lock') === readStamp('lock')

/**
 * Brings what package-lock.json says and compiles the sources, each when it changed since.
 * @throws Error with the last words of npm or of the compiler
 */
export async function installPeer(say: (line: string) => void): Promise<void> {
  if (!peerIsInstalled()) {
    say('installing the packages of the peer (once, about 400 of them)')
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier'], installMsMax)
    writeStamp('lock')
  }
  if (stampOf('sources') === readStamp('sources') && existsSync(join(peerFolder, 'dist'))) return
  const compiler = join(peerFolder, 'node_modules', 'typescript', 'bin', 'tsc')
  await run(process.execPath, [compiler, '-p', 'tsconfig.json'], compileMsMax)
  writeStamp('sources')
}

type Stamped = 'lock' | 'sources'
const files: Record<Stamped, () => string[]> = {
  lock: () => ['package-lock.json'],
  sources: () => ['package-lock.json', 'tsconfig.json', ...globSync('src/**/*.ts', { cwd: peerFolder }).sort()],
}

function stampOf(what: Stamped): string {
  const hash = createHash('sha256')
  for (const file of files[what]()) hash.update(file).update(readFileSync(join(peerFolder, file)))
  return hash.digest('hex')
}

const stampFile = (what: Stamped) => join(peerFolder, 'node_modules', `.svyaz-${what}`)
const readStamp = (what: Stamped) => (existsSync(stampFile(what)) ? readFileSync(stampFile(what), 'utf8') : undefined)
const writeStamp = (what: Stamped) => writeFileSync(stampFile(what), stampOf(what))

function run(file: string, args: readonly string[], limitMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: peerFolder, stdio: ['ignore', 'pipe', 'pipe'], timeout: limitMs })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-4_000)
      })
    child.once('error', (cause) => reject(new Error(`cannot run ${file} in ${peerFolder}`, { cause })))
    child.once('close', (status) =>
      status === 0
        ? resolve()
        : reject(new Error(`${file} ${args.join(' ')} failed in ${peerFolder} (${status}):\n${output}`)),
    )
  })
}
