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
  const wire = new BreakableWire()
  await wire.listen()
  return wire
}

class BreakableWire implements LosingAnswers {
  lost = 0
  #brokerPort = 0
  #armed: 'answer' | 'record' | undefined
  readonly #open = new Set<Socket>()
  readonly #server = createServer((client) => this.#lead(client))

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  leadTo(port: number): void {
    this.#brokerPort = port
  }

  loseNext(): void {
    this.#armed = 'answer'
  }

  swallowNext(): void {
    this.#armed = 'record'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #lead(client: Socket): void {
    const broker = connect(this.#brokerPort, '127.0.0.1')
    let writing = false
    this.#endTogether(client, broker)
    this.#endTogether(broker, client)
    client.on('data', (bytes) => {
      writing = isProduce(bytes)
      if (!writing || !this.#loses('record')) broker.write(bytes)
    })
    broker.on('data', (bytes) => {
      if (writing && this.#loses('answer')) client.destroy()
      else client.write(bytes)
    })
  }

  #endTogether(socket: Socket, other: Socket): void {
    this.#open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#open.delete(socket)
      other.destroy()
    })
  }

  #loses(what: 'answer' | 'record'): boolean {
    if (this.#armed !== what) return false
    this.#armed = undefined
    this.lost += 1
    return true
  }
}
