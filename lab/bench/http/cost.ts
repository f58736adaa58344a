/** Processor time of a Node listener a request, and of its client, by what is spoken: in turns, so that all meet the same machine. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { get, Agent as HttpAgent, type RequestOptions } from 'node:http'
import { type ClientHttp2Session, connect } from 'node:http2'
import { get as getSecurely, Agent as HttpsAgent } from 'node:https'
import { join } from 'node:path'
import { Pool } from 'undici'

export const costWays = [
  'HTTP/1.1',
  'HTTP/1.1 in TLS',
  'HTTP/2 in TLS',
  'HTTP/2 without TLS',
  'HTTP/1.1, undici',
  'HTTP/2 in TLS, undici',
] as const
export type CostWay = (typeof costWays)[number]

export interface Cost {
  readonly way: CostWay
  readonly round: number
  /** µs of processor time a request, user and system. */
  readonly serverMicros: number
  readonly clientMicros: number
}

const atOnce = 16

/** @param certificate paths of PEM files @param requests of each way in each round, after a fifth of it to warm up */
export async function costs(
  certificate: { certificate: string; key: string; authority: string },
  { rounds, requests }: { rounds: number; requests: number },
): Promise<Cost[]> {
  const server = fork(join(import.meta.dirname, 'listener.ts'), [certificate.certificate, certificate.key])
  const [ports] = (await once(server, 'message')) as [{ plain: number; secure: number; clear: number }]
  const ca = readFileSync(certificate.authority, 'utf8')
  const found: Cost[] = []
  try {
    for (let round = 0; round < rounds; round++)
      for (const way of costWays) {
        const client = clientOf(way, ports, ca)
        await all(client.get, Math.ceil(requests / 5))
        const before = [await microsOf(server), ownMicros()] as const
        await all(client.get, requests)
        const after = [await microsOf(server), ownMicros()] as const
        client.close()
        found.push({
          way,
          round,
          serverMicros: (after[0] - before[0]) / requests,
          clientMicros: (after[1] - before[1]) / requests,
        })
      }
  } finally {
    server.kill()
  }
  return found
}

const ownMicros = (): number => {
  const { user, system } = process.cpuUsage()
  return user + system
}

async function microsOf(server: ChildProcess): Promise<number> {
  const said = once(server, 'message')
  server.send('cpu')
  const [{ micros }] = (await said) as [{ micros: number }]
  return micros
}

async function all(one: () => Promise<void>, count: number): Promise<void> {
  let left = count
  const worker = async () => {
    while (left-- > 0) await one()
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

interface Client {
  get(): Promise<void>
  close(): void
}

function clientOf(way: CostWay, ports: { plain: number; secure: number; clear: number }, ca: string): Client {
  switch (way) {
    case 'HTTP/1.1':
      return overHttp1(get, ports.plain, new HttpAgent({ keepAlive: true, maxSockets: atOnce }))
    case 'HTTP/1.1 in TLS':
      return overHttp1(getSecurely, ports.secure, new HttpsAgent({ keepAlive: true, maxSockets: atOnce, ca }))
    case 'HTTP/2 in TLS':
      return overHttp2(connect(`https://127.0.0.1:${ports.secure}`, { ca }))
    case 'HTTP/2 without TLS':
      return overHttp2(connect(`http://127.0.0.1:${ports.clear}`))
    case 'HTTP/1.1, undici':
      return overUndici(new Pool(`http://127.0.0.1:${ports.plain}`, { connections: atOnce }))
    case 'HTTP/2 in TLS, undici':
      return overUndici(
        new Pool(`https://127.0.0.1:${ports.secure}`, {
          connections: 1,
          allowH2: true,
          pipelining: atOnce,
          connect: { ca },
        }),
      )
  }
}

function overHttp1(ask: typeof get, port: number, agent: NonNullable<RequestOptions['agent']> & HttpAgent): Client {
  return {
    get: () =>
      new Promise((resolve, reject) => {
        ask({ host: '127.0.0.1', port, path: '/', agent }, (response) => {
          response.resume().once('end', () => resolve())
        }).once('error', reject)
      }),
    close: () => agent.destroy(),
  }
}

function overUndici(pool: Pool): Client {
  return {
    async get() {
      const { body } = await pool.request({ method: 'GET', path: '/' })
      await body.dump()
    },
    close: () => void pool.destroy(),
  }
}

function overHttp2(session: ClientHttp2Session): Client {
  return {
    get: () =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ':path': '/' })
        stream.resume().once('end', () => resolve())
        stream.once('error', reject)
      }),
    close: () => session.destroy(),
  }
}
