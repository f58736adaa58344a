/** Listens, admits connections, and ends them in good order. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { boundConnections, type ConnectionTable, defaultConnectionBounds, holdErrors } from '@svyaz/listener'
import type { Broker } from '../broker.ts'
import type { Limits } from '../limits.ts'
import type { Logger } from '../logger.ts'
import { Connection, type Shared } from './connection.ts'
import { FrameBudget } from './frame-budget.ts'
import type { Traffic } from './traffic.ts'

/**
 * Takes the port. Connections wait in the kernel's queue until `serve`: the port must be known before the broker can
 * advertise it. Rejects with the system's error (EADDRINUSE, EACCES …).
 */
export async function listen(host: string, port: number, limits: Limits): Promise<Listening> {
  const listening = new Listening(limits)
  await listening.open(host, port)
  return listening
}

/** What connections are served with; there is none before `serve`. */
interface Serving {
  readonly broker: Broker
  readonly shared: Shared
}

export class Listening {
  readonly #server: Server
  readonly #limits: Limits
  readonly #table: ConnectionTable<Socket>
  readonly #budget: FrameBudget<Connection>
  readonly #connections = new Map<Socket, Connection>()
  readonly #early: Socket[] = []
  #checks: NodeJS.Timeout | undefined
  #serving: Serving | undefined

  constructor(limits: Limits) {
    this.#limits = limits
    this.#server = createServer({ noDelay: true })
    holdErrors(this.#server, (error) =>
      this.#serving?.shared.logger.error('a connection could not be accepted', { error: error.message }),
    )
    this.#table = boundConnections(this.#server, {
      bounds: { ...defaultConnectionBounds, ...limits },
      refuse: (socket) => {
        this.#closed('too many connections', socket.remoteAddress)
        socket.destroy()
      },
      cut: () => this.#closed('made room'),
    })
    this.#budget = new FrameBudget(Math.max(limits.arrivingBytesMax, limits.requestBytesMax))
    this.#server.on('connection', (socket) => {
      if (!socket.destroyed) this.#admit(socket)
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async open(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    this.#checks = setInterval(() => {
      const now = performance.now()
      for (const connection of this.#connections.values()) connection.check(now)
    }, this.#limits.checkEveryMs)
    this.#checks.unref()
  }

  /** From now on connections are served. */
  serve(broker: Broker, traffic: Traffic, logger: Logger): void {
    this.#serving = { broker, shared: { traffic, logger, table: this.#table, budget: this.#budget } }
    for (const socket of this.#early.splice(0)) this.#admit(socket)
  }

  /** Stops listening, answers what is under way, and after `graceMs` cuts what is left. */
  close(graceMs: number): Promise<void> {
    clearInterval(this.#checks)
    for (const socket of this.#early.splice(0)) socket.destroy()
    return close(this.#server, this.#connections, graceMs)
  }

  #admit(socket: Socket): void {
    if (socket.destroyed) return
    if (this.#serving === undefined) {
      this.#early.push(socket)
      return
    }
    const { broker, shared } = this.#serving
    const { traffic } = shared
    traffic.connectionsTotal++
    traffic.connections++
    this.#connections.set(socket, new Connection(broker, socket, shared))
    socket.once('close', () => {
      traffic.connections--
      this.#connections.delete(socket)
    })
  }

  #closed(rule: string, peer?: string): void {
    if (this.#serving === undefined) return
    const { traffic, logger } = this.#serving.shared
    traffic.closed(rule)
    if (peer !== undefined) logger.warn('connection closed', { peer, rule })
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
