/** Starts servers for tests as processes of their own: ours, or a real Consul agent. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'

const command = join(import.meta.dirname, '../bin/svyaz-discovery.js')

export interface RunningServer extends AsyncDisposable {
  readonly url: string
  readonly child: ChildProcess
  /** Log lines so far, parsed. */
  readonly log: readonly Readonly<Record<string, unknown>>[]
  /** kill -9, awaited. */
  kill(): Promise<void>
}

export function temporaryDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'svyaz-discovery-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** Our server on a free port, once it listens. Rejects with what it said when it ends instead. */
export async function startOurs(
  dataDirectory: string,
  flags: readonly string[] = ['--port', '0'],
): Promise<RunningServer> {
  const child = spawn(process.execPath, [command, '--data-dir', dataDirectory, ...flags], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const log: Record<string, unknown>[] = []
  let complaints = ''
  child.stderr.on('data', (chunk) => {
    complaints += chunk
  })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    const entry = JSON.parse(line) as Record<string, unknown>
    log.push(entry)
    if (entry.msg === 'listening') resolve(entry.url as string)
  })
  child.once('exit', (code) => reject(new Error(`ended with ${code}: ${complaints}`)))
  const url = await promise
  return {
    url,
    child,
    log,
    kill: () => endChild(child, 'SIGKILL'),
    [Symbol.asyncDispose]: () => endChild(child, 'SIGTERM'),
  }
}

/** Runs the command to its end. */
export async function runToEnd(
  flags: readonly string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [command, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

/**
 * A real Consul: the address in SVYAZ_TEST_CONSUL, or a dev agent from a binary under the engines' home or on the PATH.
 *
 * @returns null when there is none
 */
export async function startConsul(): Promise<(AsyncDisposable & { readonly url: string }) | null> {
  const address = process.env.SVYAZ_TEST_CONSUL
  if (address !== undefined && address !== '') {
    return { url: address.replace(/\/$/, ''), [Symbol.asyncDispose]: async () => undefined }
  }
  const binary = findConsul()
  if (binary === null) return null
  const ports = await freePorts(7)
  const names = ['http', 'dns', 'grpc', 'serf-lan', 'serf-wan', 'server', 'grpc-tls']
  const child = spawn(
    binary,
    [
      ...['agent', '-dev', '-bind', '127.0.0.1', '-client', '127.0.0.1', '-hcl', 'disable_update_check=true'],
      ...names.flatMap((name, position) => [`-${name}-port`, String(ports[position])]),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // The agent's own sign that it takes part: before it, the catalog does not have its node.
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.includes('Synced node info')) resolve()
  })
  child.once('exit', (code) => reject(new Error(`consul ended with ${code}`)))
  await promise
  return { url: `http://127.0.0.1:${ports[0]}`, [Symbol.asyncDispose]: () => endChild(child, 'SIGTERM') }
}

function findConsul(): string | null {
  const home = process.env.ENGINES_HOME ?? join(homedir(), '.cache/engines')
  const places = [join(home, 'bin'), ...(process.env.PATH ?? '').split(delimiter)]
  for (const place of places) {
    const candidate = join(place, 'consul')
    try {
      accessSync(candidate, constants.X_OK)
      return candidate
    } catch {}
  }
  return null
}

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}
