/**
 * A socket's `error` without a listener ends the process, and node:http takes its own listener away when it hands a
 * socket over (CONNECT, Upgrade). So each socket has one of our error listeners from its first moment to its last.
 */
import type { Server } from 'node:net'

/** Whoever reads or writes the socket notices by its `close`. */
const outlive = (): void => undefined

/**
 * @param failed an error of the listening socket itself after it listens, such as EMFILE: it goes on listening
 */
export function holdErrors(server: Server, failed: (error: Error) => void): void {
  server.on('connection', (socket) => socket.on('error', outlive))
  server.on('error', (error) => {
    if (server.listening) failed(error)
  })
}
