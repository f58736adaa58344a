/** Caddy for a test or a proof, by the file that is in deploy/edge, in front of something that speaks HTTP/1.1. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { until } from './until.ts'

const caddyfile = join(import.meta.dirname, '..', '..', 'deploy', 'edge', 'Caddyfile')

/** Path of the program: SVYAZ_CADDY, in the folder of the engines, or on the PATH. Undefined where there is none. */
export function installedCaddy(environment: NodeJS.ProcessEnv): string | undefined {
  if (environment.SVYAZ_CADDY !== undefined) return environment.SVYAZ_CADDY
  const engines = environment.ENGINES_HOME ?? join(homedir(), '.cache', 'engines')
  const folders = [...(environment.PATH ?? '').split(delimiter), join(engines, 'bin')]
  return folders.map((folder) => join(folder, 'caddy')).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export interface RunningCaddy extends AsyncDisposable {
  readonly port: number
  readonly pid: number
}

/**
 * Starts it on a free port of 127.0.0.1 and waits until it takes connections.
 *
 * @param behind `host:port` of what answers
 * @param certificate paths of PEM files
 * @throws Error when it ends or takes longer than ten seconds
 */
export async function startCaddy(
  program: string,
  { behind, certificate, key }: { behind: string; certificate: string; key: string },
): Promise<RunningCaddy> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'svyaz-caddy-'))
  const child = spawn(program, ['run', '--config', caddyfile, '--adapter', 'caddyfile'], {
    stdio: 'ignore',
    env: {
      HOME: folder,
      XDG_DATA_HOME: folder,
      XDG_CONFIG_HOME: folder,
      SVYAZ_EDGE_SITE: `:${port}`,
      SVYAZ_GATEWAYS: behind,
      SVYAZ_CERTIFICATE_FILE: certificate,
      SVYAZ_CERTIFICATE_KEY_FILE: key,
    },
  })
  const onExit = () => child.kill('SIGKILL')
  process.once('exit', onExit)
  const end = async () => {
    process.off('exit', onExit)
    await ended(child)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await until(
      'Caddy to listen',
      async () => {
        if (child.exitCode !== null) throw new Error(`Caddy ended with ${child.exitCode}`)
        return accepts(port)
      },
      { timeoutMs: 10_000, everyMs: 25 },
    )
  } catch (error) {
    await end()
    throw error
  }
  return { port, pid: child.pid ?? 0, [Symbol.asyncDispose]: end }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    const end = (open: boolean) => {
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}
