/** Listens, admits connections, and ends them in good order. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { holdErrors } from '@svyaz/listener'
import type { Broker } from '../broker.ts'
import type { Logger } from '../logger.ts'
import { Connection } from './connection.ts'
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
export async function listen(host: string, port: number): Promise<Listening> {
  const server = createServer({ noDelay: true })
  const connections = new Map<Socket, Connection>()
  const early: Socket[] = []
  let failed: (error: Error) => void = () => undefined
  holdErrors(server, (error) => failed(error))
  let admit: (socket: Socket) => void = (socket) => early.push(socket)
  server.on('connection', (socket) => admit(socket))
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
      admit = (socket) => {
        if (connections.size >= broker.limits.connectionsMax) {
          traffic.closed('too many connections')
          logger.warn('connection closed', { peer: socket.remoteAddress, rule: 'too many connections' })
          socket.destroy()
          return
        }
        traffic.connectionsTotal++
        traffic.connections++
        connections.set(socket, new Connection(broker, socket, traffic, logger))
        socket.once('close', () => {
          traffic.connections--
          connections.delete(socket)
        })
      }
      for (const socket of early.splice(0)) admit(socket)
    },
    close: (graceMs) => close(server, connections, graceMs),
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
