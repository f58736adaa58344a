/** Stands between clients and the broker, and loses the answer to a record when it is told to: the wire breaks. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface LosingAnswers extends AsyncDisposable {
  readonly port: number
  /** Where the broker listens, which is told this port and so starts later. */
  leadTo(brokerPort: number): void
  /** The next record is written, and nobody hears of it. */
  loseNext(): void
  /** The next record never arrives. */
  swallowNext(): void
  /** Answers and records lost so far. */
  readonly lost: number
}

/** Kafka's requests begin with their length (4 bytes) and the key of the API (2 bytes); Produce has the key 0. */
const isProduce = (bytes: Buffer): boolean => bytes.length >= 6 && bytes.readInt16BE(4) === 0

export async function losingAnswers(): Promise<LosingAnswers> {
  let brokerPort = 0
  let lost = 0
  let armed: 'answer' | 'record' | undefined
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const broker = connect(brokerPort, '127.0.0.1')
    let writing = false
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        other.destroy()
      })
    }
    client.on('data', (bytes) => {
      writing = isProduce(bytes)
      if (writing && armed === 'record') {
        armed = undefined
        lost += 1
        return
      }
      broker.write(bytes)
    })
    broker.on('data', (bytes) => {
      if (!writing || armed !== 'answer') {
        client.write(bytes)
        return
      }
      armed = undefined
      lost += 1
      client.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    leadTo(port) {
      brokerPort = port
    },
    loseNext() {
      armed = 'answer'
    },
    swallowNext() {
      armed = 'record'
    },
    get lost() {
      return lost
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
