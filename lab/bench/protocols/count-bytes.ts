/** A TCP proxy that counts what passes: bytes of a call as they are on the wire, the same way for every protocol. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Counter extends AsyncDisposable {
  readonly port: number
  /** Bytes so far, both directions. */
  counted(): { readonly sent: number; readonly received: number }
}

/** @param targetPort a function where the target is told this proxy's port before it has one of its own */
export async function countBytes(targetPort: number | (() => number)): Promise<Counter> {
  const target = typeof targetPort === 'number' ? () => targetPort : targetPort
  let sent = 0
  let received = 0
  const open = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(target(), '127.0.0.1')
    for (const socket of [near, far]) {
      open.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => open.delete(socket))
    }
    near.on('data', (bytes) => {
      sent += bytes.length
    })
    far.on('data', (bytes) => {
      received += bytes.length
    })
    near.pipe(far).pipe(near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    counted: () => ({ sent, received }),
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
