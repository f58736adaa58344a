/** A Docker daemon of our own: private socket, private data, nothing on TCP. Its end ends its containers. */
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export interface DockerDaemon extends AsyncDisposable {
  /** Variables that point the clients at it. */
  readonly environment: Readonly<Record<string, string>>
}

const startMs = 60_000

/**
 * @param data where images and volumes are kept
 * @param run short-lived files: socket, pid, log
 * @throws Error with the end of its log when it does not start
 */
export async function startDockerDaemon(data: string, run: string): Promise<DockerDaemon> {
  mkdirSync(data, { recursive: true })
  mkdirSync(run, { recursive: true })
  const socket = join(run, 'docker.sock')
  const log = join(run, 'dockerd.log')
  rmSync(join(run, 'docker.pid'), { force: true })
  const output = openSync(log, 'w')
  const flags = [
    '-H',
    `unix://${socket}`,
    '--data-root',
    data,
    '--exec-root',
    join(run, 'exec'),
    '--pidfile',
    join(run, 'docker.pid'),
  ]
  // A group of its own: Ctrl-C reaches the tests, which take their containers down first.
  const child = spawn('dockerd', flags, { stdio: ['ignore', output, output], detached: true })
  closeSync(output)
  // BuildKit of such a daemon fetches its front end from a registry of images; the builder before it needs none.
  const environment = { DOCKER_HOST: `unix://${socket}`, DOCKER_BUILDKIT: '0', COMPOSE_BAKE: 'false' }
  const env = { ...process.env, ...environment }
  const deadline = performance.now() + startMs
  while (spawnSync('docker', ['info'], { env, stdio: 'ignore' }).status !== 0) {
    if (child.exitCode !== null || performance.now() > deadline) {
      const end = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-5).join('\n')
      child.kill('SIGKILL')
      throw new Error(`dockerd does not start:\n${end}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return {
    environment,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    },
  }
}
