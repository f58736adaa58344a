/**
 * The balancer of the embedded system: nginx or Angie in front of the gateways that the supervisor runs. A process of its
 * own that lives and dies with nginx, and writes its file again when there are other gateways.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { portFlag, runCommand } from '@svyaz/stage'
import { gatewaysOf, type SeenInstance } from './gateways.ts'
import { nginxConf } from './nginx-conf.ts'

const startedWithinMs = 5_000
const lookEveryMs = 250

await runCommand({
  service: 'balancer',
  about: 'runs nginx in front of the gateways',
  flags: {
    port: portFlag('HTTP port', 8000),
    host: { kind: 'text', about: 'address to listen on', default: '127.0.0.1' },
    'data-dir': { kind: 'text', about: 'folder that nginx may write to', default: '.svyaz/balancer' },
    gateway: { kind: 'text', about: 'address of the first gateway', default: 'http://127.0.0.1:8080' },
    'control-socket': { kind: 'text', about: 'socket of the supervisor, which knows the others', default: '' },
    nginx: { kind: 'text', about: 'the program', default: 'nginx' },
  },
  start: async (flags, log) => {
    const folder = resolve(flags['data-dir'])
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const file = join(folder, 'nginx.conf')
    let gateways: readonly string[] = [new URL(flags.gateway).host]
    const write = () =>
      writeFileSync(
        file,
        nginxConf({
          listen: `${flags.host.includes(':') ? `[${flags.host}]` : flags.host}:${flags.port}`,
          gateways,
          folder,
          // A folder of root's is closed to everybody else.
          ...(process.getuid?.() === 0 ? { user: userInfo().username } : {}),
          workers: 2,
        }),
      )
    write()
    await endEarlier(folder)
    const nginx = spawn(flags.nginx, ['-p', folder, '-c', file, '-g', 'daemon off;'], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    let stopping = false
    nginx.once('exit', (code, signal) => {
      if (stopping) return
      log('error', 'nginx ended', { code, signal })
      process.exit(1)
    })
    // Whatever ends this process: nothing that was started stays behind.
    process.once('exit', () => nginx.kill('SIGTERM'))
    await once(nginx, 'spawn')
    await accepts(flags.host, flags.port)
    const follow = async () => {
      const found = await gatewaysSeen(flags['control-socket'], flags.host).catch(() => gateways)
      if (found.length === 0 || found.join() === gateways.join()) return
      gateways = found
      write()
      log('info', 'other gateways', { gateways })
      reload(nginx)
    }
    const timer = flags['control-socket'] === '' ? undefined : setInterval(() => void follow(), lookEveryMs)
    return {
      addresses: { port: flags.port, url: `http://${flags.host}:${flags.port}` },
      async [Symbol.asyncDispose]() {
        stopping = true
        clearInterval(timer)
        const gone = once(nginx, 'exit')
        nginx.kill('SIGTERM')
        await gone
      },
    }
  },
})

/** A process of this kind that was killed leaves its nginx behind, which holds the port. */
async function endEarlier(folder: string): Promise<void> {
  for (let times = 0; times < startedWithinMs / 25; times++) {
    const pid = readOrNothing(join(folder, 'balancer.pid')).trim()
    // Its number may be another's by now; nginx writes the whole command line into its title.
    if (!/^\d+$/.test(pid) || !readOrNothing(`/proc/${pid}/cmdline`).includes(folder)) return
    process.kill(Number(pid), 'SIGTERM')
    await new Promise((again) => setTimeout(again, 25))
  }
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Workers end what they have begun; new ones take what comes. */
function reload(nginx: ChildProcess): void {
  nginx.kill('SIGHUP')
}

/** What the supervisor runs. @throws Error when it doesn't answer */
async function gatewaysSeen(socketPath: string, host: string): Promise<string[]> {
  const asked = request({ socketPath, path: '/instances', agent: false, timeout: lookEveryMs * 4 })
  asked.once('timeout', () => asked.destroy())
  asked.end()
  const [answer] = await once(asked, 'response')
  const { instances } = JSON.parse(await text(answer)) as { instances: SeenInstance[] }
  return gatewaysOf(instances, host)
}

/** Resolves when something listens there. Throws after {@link startedWithinMs}. */
async function accepts(host: string, port: number): Promise<void> {
  const giveUpAt = performance.now() + startedWithinMs
  for (;;) {
    const socket = connect({ host, port })
    try {
      await once(socket, 'connect')
      return
    } catch (error) {
      if (performance.now() > giveUpAt) throw error
      await new Promise((again) => setTimeout(again, 25))
    } finally {
      socket.destroy()
    }
  }
}
