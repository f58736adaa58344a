/** Listens, admits connections, and ends them in good order. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { boundConnections, defaultConnectionBounds, holdErrors } from '@svyaz/listener'
import type { Broker } from '../broker.ts'
import type { Limits } from '../limits.ts'
import type { Logger } from '../logger.ts'
import { Connection } from './connection.ts'
import { FrameBudget } from './frame-budget.ts'
import type { Traffic } from './traffic.ts'

export interface Listening {
  readonly port: number
  /** From now on connections are served. */
  serve(broker: Broker, traffic: Traffic, logger: Logger): void
  /** Stops listening, answers what is under way, and after `graceMs` cuts what is left. */
  close(graceMs: number): Promise<void>
}

/**
 * Takes the port. Connections wait in the kernel's queue until `serve`: the port must be known before the broker can
 * advertise it. Rejects with the system's error (EADDRINUSE, EACCES …).
 */
export async function listen(host: string, port: number, limits: Limits): Promise<Listening> {
  const server = createServer({ noDelay: true })
  const connections = new Map<Socket, Connection>()
  const early: Socket[] = []
  let failed: (error: Error) => void = () => undefined
  holdErrors(server, (error) => failed(error))
  let admit: (socket: Socket) => void = (socket) => early.push(socket)
  let closed: (rule: string, peer?: string) => void = () => undefined
  const table = boundConnections(server, {
    bounds: { ...defaultConnectionBounds, ...limits },
    refuse(socket) {
      closed('too many connections', socket.remoteAddress)
      socket.destroy()
    },
    cut: () => closed('made room'),
  })
  server.on('connection', (socket) => {
    if (!socket.destroyed) admit(socket)
  })
  const budget = new FrameBudget<Connection>(Math.max(limits.arrivingBytesMax, limits.requestBytesMax))
  const checks = setInterval(() => {
    const now = performance.now()
    for (const connection of connections.values()) connection.check(now)
  }, limits.checkEveryMs)
  checks.unref()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })

  return {
    port: (server.address() as AddressInfo).port,
    serve(broker, traffic, logger) {
      failed = (error) => logger.error('a connection could not be accepted', { error: error.message })
      closed = (rule, peer) => {
        traffic.closed(rule)
        if (peer !== undefined) logger.warn('connection closed', { peer, rule })
      }
      const shared = { traffic, logger, table, budget }
      admit = (socket) => {
        if (socket.destroyed) return
        traffic.connectionsTotal++
        traffic.connections++
        connections.set(socket, new Connection(broker, socket, shared))
        socket.once('close', () => {
          traffic.connections--
          connections.delete(socket)
        })
      }
      for (const socket of early.splice(0)) admit(socket)
    },
    close(graceMs) {
      clearInterval(checks)
      for (const socket of early.splice(0)) socket.destroy()
      return close(server, connections, graceMs)
    },
  }
}

async function close(server: Server, connections: Map<Socket, Connection>, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  for (const connection of connections.values()) connection.drain()
  const cut = setTimeout(() => {
    for (const connection of connections.values()) connection.destroy()
  }, graceMs)
  await closed
  clearTimeout(cut)
}
