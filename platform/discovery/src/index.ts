/** Service discovery with the Consul HTTP API: one node, one process, nothing but Node. */
import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { defaultHttpLimits, guardHttp, serverOptions } from '@svyaz/listener'
import { lockDirectory } from '@svyaz/stage/directory-lock'
import { type Clock, systemClock } from './clock.ts'
import { Edge } from './http-edge.ts'
import { openJournal, readStored } from './journal.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { type Log, silentLog } from './log.ts'
import { RequestMetrics } from './metrics.ts'
import { Prober } from './prober.ts'
import { RegistryHost } from './registry-host.ts'

export { type Clock, systemClock } from './clock.ts'
export { defaultLimits, type Limits } from './limits.ts'
export type { Log, LogFields } from './log.ts'

/** Why a start would refuse the data directory; undefined when it wouldn't, or there is none. Changes nothing. */
export async function findLoss(directory: string): Promise<string | undefined> {
  if (!existsSync(directory)) return undefined
  try {
    await readStored(directory, { name: '', address: '', datacenter: '' }, silentLog)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

export interface DiscoveryOptions {
  /** Address to listen on; 127.0.0.1 unless given. */
  readonly host?: string
  /** 0 takes a free one. */
  readonly port: number
  /** Where services, checks, keys and the index are kept; made when absent. */
  readonly directory: string
  /** Names, beside the loopback ones and `host`, under which callers may reach this server (no port). */
  readonly allowedHosts?: readonly string[]
  /** Name of the one node in every answer; the machine's name unless given. */
  readonly nodeName?: string
  readonly datacenter?: string
  readonly clock?: Clock
  readonly random?: () => number
  readonly limits?: Partial<Limits>
  readonly log?: Log
}

export interface Discovery extends AsyncDisposable {
  /** `http://host:port`, with the port that was taken. */
  readonly url: string
  readonly port: number
}

/**
 * Starts the server on a data directory.
 *
 * Disposing it: readiness turns off, waiting queries are answered, open requests get `drainMs`, the last snapshot is
 * written, the directory is free.
 *
 * @throws Error when the directory is in use or damaged; `EADDRINUSE` and the like from listening
 */
export async function startDiscovery(options: DiscoveryOptions): Promise<Discovery> {
  const { host: listenHost = '127.0.0.1', directory, log = silentLog } = options
  const { clock = systemClock, random = Math.random } = options
  const limits: Limits = { ...defaultLimits, ...options.limits }
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(await lockDirectory(directory))
  const advertised = listenHost === '0.0.0.0' || listenHost === '::' ? '127.0.0.1' : listenHost
  const facts = { name: options.nodeName ?? hostname(), address: advertised, datacenter: options.datacenter ?? 'dc1' }
  const { state: restored, generation } = await readStored(directory, facts, log)

  const prober: Prober = cleanup.use(
    new Prober({
      clock,
      limits,
      random,
      report: (checkId, { status, output }) => void host.apply({ type: 'probed', checkId, status, output }),
    }),
  )
  const host: RegistryHost = new RegistryHost(restored, {
    clock,
    limits,
    log,
    // The journal is opened with the state that the first event leaves: that event needs no entry of its own.
    store: (index, rows) => journal?.append(index, rows),
    probe: (check) => prober.start(check),
    stopProbe: (checkId) => prober.stop(checkId),
  })
  let journal: Awaited<ReturnType<typeof openJournal>> | undefined
  host.apply({ type: 'started', indexGap: limits.journalPendingMax })
  const currentState = () => host.state
  journal = cleanup.use(await openJournal({ directory, generation, currentState, limits, clock, log }))
  cleanup.use(host)

  let stopping = false
  const server = guardedServer(limits, log)
  const about = { host, journal, metrics: new RequestMetrics(), startedAt: clock.date(), stopping: () => stopping }
  let port = 0
  const allowedHosts = options.allowedHosts ?? []
  const edge = new Edge({ process: about, limits, clock, log, random, listenHost, allowedHosts, port: () => port })
  server.on('request', edge.listener)
  await listen(server, listenHost, options.port)
  port = (server.address() as AddressInfo).port
  const url = `http://${advertised.includes(':') ? `[${advertised}]` : advertised}:${port}`
  log.info('listening', { url, directory, index: host.state.index, services: host.state.services.size })

  const owned = cleanup.move()
  return {
    url,
    port,
    async [Symbol.asyncDispose]() {
      if (stopping) return
      stopping = true
      prober[Symbol.dispose]()
      host[Symbol.dispose]()
      await closeServer(server, limits.drainMs, clock)
      await owned.disposeAsync()
      log.info('stopped', { index: host.state.index })
    },
  }
}

function guardedServer(limits: Limits, log: Log): Server {
  const server = createServer(
    serverOptions({ ...defaultHttpLimits, headersMs: limits.headerTimeoutMs, requestMs: limits.requestTimeoutMs }),
  )
  guardHttp(server, {
    connections: limits,
    refused: ({ code, detail }, cause) => log.warn('refused', { code, detail, error: String(cause) }),
  })
  return server
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host, port }, resolve)
  await promise
  server.off('error', reject)
}

async function closeServer(server: Server, drainMs: number, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  server.closeIdleConnections()
  const cancel = clock.after(drainMs, () => server.closeAllConnections())
  await promise
  cancel()
}
