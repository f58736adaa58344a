/**
 * Answers of 1 MiB over TLS, four at once, in turns: HTTP/1.1 and HTTP/2 of our listeners, and Node's own HTTP/2, by the
 * client's window: `npm run bench:http:large -- [--rounds 3] [--requests 100]`. Prints medians, with the least and the greatest.
 */
import { fork } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { Agent, get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { serverCertificate } from '@svyaz/listener/certificate.ts'
import { spread } from '../protocols/figures.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, requests: { type: 'string', default: '100' } },
})
const [rounds, requests] = [Number(values.rounds), Number(values.requests)]
const atOnce = 4
const MiB = 1024 * 1024

interface Client {
  get(): Promise<void>
  close(): void
}

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const dayMs = 86_400_000
const ca = serverCertificate(
  {
    name: 'localhost',
    publicKey: pair.publicKey,
    serial: Buffer.alloc(16, 1),
    fromMs: Date.now() - dayMs,
    untilMs: Date.now() + dayMs,
  },
  { name: 'localhost', privateKey: pair.privateKey },
  ['localhost', '127.0.0.1'],
)

function overHttp1(port: number): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce, ca })
  return {
    get: () =>
      new Promise((resolve, reject) => {
        get({ host: '127.0.0.1', port, path: '/large', agent }, (response) => {
          response.resume().once('end', () => resolve())
        }).once('error', reject)
      }),
    close: () => agent.destroy(),
  }
}

/** @param windowBytes of each stream; Node's default, and RFC 9113's, is 65,535 */
async function overHttp2(port: number, windowBytes: number): Promise<Client> {
  const session = connect(`https://127.0.0.1:${port}`, { ca, settings: { initialWindowSize: windowBytes } })
  await once(session, 'connect')
  if (windowBytes > 65_535) session.setLocalWindowSize(atOnce * windowBytes)
  return {
    async get() {
      const stream = session.request({ ':path': '/large' })
      await once(stream.resume(), 'end')
    },
    close: () => session.close(),
  }
}

async function all(one: () => Promise<void>, count: number): Promise<void> {
  let left = count
  const worker = async () => {
    while (left-- > 0) await one()
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

async function measure({ secure, bare }: { secure: number; bare: number }): Promise<Map<string, number[]>> {
  const ways: [string, () => Client | Promise<Client>][] = [
    ['HTTP/1.1', () => overHttp1(secure)],
    ['HTTP/2, 64 KiB window', () => overHttp2(secure, 65_535)],
    ["Node's HTTP/2, 64 KiB window", () => overHttp2(bare, 65_535)],
    ['HTTP/2, 4 MiB window', () => overHttp2(secure, 4 * MiB)],
    ["Node's HTTP/2, 4 MiB window", () => overHttp2(bare, 4 * MiB)],
  ]
  const found = new Map<string, number[]>(ways.map(([name]) => [name, []]))
  for (let round = 0; round < rounds; round++)
    for (const [name, make] of ways) {
      const client = await make()
      await all(client.get, Math.ceil(requests / 5))
      const beganAt = performance.now()
      await all(client.get, requests)
      found.get(name)?.push((requests * 1_000) / (performance.now() - beganAt))
      client.close()
    }
  return found
}

const folder = mkdtempSync(join(tmpdir(), 'svyaz-large-'))
const [certificateFile, keyFile] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')]
writeFileSync(certificateFile, ca)
writeFileSync(keyFile, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
const server = fork(join(import.meta.dirname, 'listener.ts'), [certificateFile, keyFile])
try {
  const [ports] = (await once(server, 'message')) as [{ secure: number; bare: number }]
  for (const [name, rates] of await measure(ports)) {
    const { median, min, max } = spread(rates)
    process.stdout.write(`${name}: ${median.toFixed(0)} MiB/s (${min.toFixed(0)}–${max.toFixed(0)})\n`)
  }
} finally {
  server.kill()
  rmSync(folder, { recursive: true })
}
