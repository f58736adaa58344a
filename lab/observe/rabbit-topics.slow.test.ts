import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { startTestRabbit, withoutRabbit } from '../../system/test/engines/rabbitmq.ts'
import { RabbitTopics } from './rabbit-topics.ts'

test('a tap is closed in whatever state its connection is', { skip: withoutRabbit(), timeout: 240_000 }, async () => {
  await using rabbit = await startTestRabbit()
  await using between = await openBetween(Number(new URL(rabbit.url).port))
  const url = new URL(rabbit.url)
  url.port = String(between.port)

  await (await RabbitTopics.open(url.href))[Symbol.asyncDispose]()

  const opening = await RabbitTopics.open(url.href)
  const held = between.hold()
  between.cut()
  await held
  const disposed = opening[Symbol.asyncDispose]()
  between.release()
  await disposed

  const lost = await RabbitTopics.open(url.href)
  await rabbit.kill()
  await lost[Symbol.asyncDispose]()
})

/** Connections go through it, and wait in it while it holds them. */
async function openBetween(port: number) {
  const sockets = new Set<Socket>()
  let waiting = Promise.withResolvers<void>()
  let gate: PromiseWithResolvers<void> | undefined
  const server = createServer(async (inner) => {
    waiting.resolve()
    sockets.add(inner.on('error', () => undefined))
    await gate?.promise
    const outer = connect(port, '127.0.0.1').on('error', () => inner.destroy())
    sockets.add(outer)
    inner.pipe(outer).pipe(inner)
    inner.once('close', () => outer.destroy())
    outer.once('close', () => inner.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      for (const socket of sockets) socket.destroy()
      sockets.clear()
    },
    /** Resolves when the next connection waits. */
    hold() {
      gate = Promise.withResolvers()
      waiting = Promise.withResolvers()
      return waiting.promise
    },
    release: () => gate?.resolve(),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
