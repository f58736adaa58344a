/**
 * The edge of the embedded system: Caddy in front of the gateway, run by the file that is in deploy/edge, so that HTTP/3
 * is spoken here too. A process of its own that lives and dies with Caddy.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import { resolve } from 'node:path'
import { portFlag, runCommand } from '@svyaz/stage'

const startedWithinMs = 5_000
const lookAgainMs = 25

await runCommand({
  service: 'edge',
  about: 'runs Caddy in front of the gateway, for HTTP/3',
  flags: {
    port: portFlag('HTTPS port, TCP and UDP', 8444),
    host: { kind: 'text', about: 'address to listen on', default: '127.0.0.1' },
    'data-dir': { kind: 'text', about: 'folder that Caddy may write to', default: '.svyaz/edge' },
    gateway: { kind: 'text', about: 'address of the gateway', default: 'http://127.0.0.1:8080' },
    certificate: { kind: 'text', about: 'certificate, PEM', default: '' },
    'certificate-key': { kind: 'text', about: 'its key, PEM', default: '' },
    caddy: { kind: 'text', about: 'the program', default: 'caddy' },
    file: { kind: 'text', about: 'its configuration', default: 'deploy/edge/Caddyfile' },
  },
  start: async (flags, log) => {
    const folder = resolve(flags['data-dir'])
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const caddy = spawn(flags.caddy, ['run', '--config', resolve(flags.file), '--adapter', 'caddyfile'], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        XDG_DATA_HOME: folder,
        XDG_CONFIG_HOME: folder,
        SVYAZ_EDGE_SITE: `:${flags.port}`,
        SVYAZ_EDGE_HOST: flags.host,
        SVYAZ_GATEWAYS: new URL(flags.gateway).host,
        SVYAZ_CERTIFICATE_FILE: resolve(flags.certificate),
        SVYAZ_CERTIFICATE_KEY_FILE: resolve(flags['certificate-key']),
      },
    })
    let stopping = false
    caddy.once('exit', (code, signal) => {
      if (stopping) return
      log('error', 'Caddy ended', { code, signal })
      process.exit(1)
    })
    // Whatever ends this process: nothing that was started stays behind.
    process.once('exit', () => caddy.kill('SIGKILL'))
    await once(caddy, 'spawn')
    await accepts(flags.host, flags.port)
    return {
      addresses: { port: flags.port, url: `https://${flags.host}:${flags.port}` },
      async [Symbol.asyncDispose]() {
        stopping = true
        const gone = once(caddy, 'exit')
        caddy.kill('SIGTERM')
        await gone
      },
    }
  },
})

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
      await new Promise((again) => setTimeout(again, lookAgainMs))
    } finally {
      socket.destroy()
    }
  }
}
