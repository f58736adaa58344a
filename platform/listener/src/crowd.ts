/** The connection table (connections.ts) on real sockets: who comes, who works, who is cut. */
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'
import { addressKey } from './addresses.ts'
import { type ConnectionBounds, ConnectionTable } from './connections.ts'
import { hasBody } from './http2-form.ts'

export interface CrowdOptions {
  readonly bounds: ConnectionBounds
  /** A newcomer for whom there is no room. It must be ended. */
  readonly refuse: (socket: Socket) => void
  /** A waiting connection was closed to make room; for metrics. */
  readonly cut?: () => void
  /** Says goodbye to that connection and ends it; destroyed at once when left out. */
  readonly dismiss?: (socket: Socket) => void
  /** Whether an address is a proxy's, with many clients behind it; none when left out. */
  readonly isShared?: (address: string) => boolean
  /** Where they are counted; a table of its own when left out. Listeners that share one have the bounds together. */
  readonly table?: ConnectionTable<Socket>
}

/** Follows every connection of a server. The table's `began` and `ended` are for the caller to tell. */
export function boundConnections(server: Server, options: CrowdOptions): ConnectionTable<Socket> {
  const table = options.table ?? new ConnectionTable<Socket>(options.bounds)
  server.on('connection', (socket) => {
    if (!admit(socket, table, options)) options.refuse(socket)
  })
  return table
}

/**
 * Takes a new connection into a table, at the cost of another one where that is needed, until it is closed.
 *
 * @returns false when there is no room for it: it must be ended
 */
export function admit(
  socket: Socket,
  table: ConnectionTable<Socket>,
  { cut, isShared, dismiss = (socket) => void socket.destroy() }: Pick<CrowdOptions, 'cut' | 'isShared' | 'dismiss'>,
): boolean {
  const address = socket.remoteAddress ?? ''
  const admission = table.opened(socket, addressKey(address), performance.now(), isShared?.(address))
  if (admission.cut !== undefined) {
    cut?.()
    dismiss(admission.cut)
  }
  if (admission.admitted) socket.once('close', () => table.closed(socket))
  return admission.admitted
}

/**
 * The same for an HTTP server, whose requests tell: one is complete with its last byte, and over with its answer. An
 * upgraded connection works until its own end is closed; how many of those there may be is for whoever upgrades.
 */
export function boundHttpConnections(server: HttpServer, options: CrowdOptions): void {
  const table = boundConnections(server, options)
  function answered(this: ServerResponse): void {
    table.ended(this.req.socket)
  }
  const complete = (request: IncomingMessage, response: ServerResponse) => {
    // Refused before its body was there, and the rest only read away.
    if (response.closed) return
    table.began(request.socket)
    response.once('close', answered)
  }
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    if (hasBody(request)) request.once('end', () => complete(request, response))
    else complete(request, response)
  }
  const onUpgrade = (_request: IncomingMessage, socket: Socket) => {
    table.began(socket)
    socket.once('finish', () => table.ended(socket))
  }
  server.prependListener('request', onRequest)
  beside(server, 'checkContinue', onRequest)
  beside(server, 'upgrade', onUpgrade)
}

/** A listener that is there only when somebody else's is: node:http treats these events by whether anybody listens. */
function beside(server: HttpServer, event: string, listener: (...details: never[]) => void): void {
  const add = (name: string | symbol) => {
    if (name !== event) return
    server.off('newListener', add)
    server.prependListener(event, listener as () => void)
  }
  if (server.listenerCount(event) > 0) server.prependListener(event, listener as () => void)
  else server.on('newListener', add)
}
