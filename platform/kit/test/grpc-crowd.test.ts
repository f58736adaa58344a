/** Strangers at a gRPC port: connections and calls that do nothing keep no service out. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { DeliveryServiceService } from '@svyaz/contracts/proto/generated/delivery.ts'
import type { TokenSigner } from '../src/api.ts'
import { serveGrpc } from '../src/declare.ts'
import { Failure } from '../src/failure.ts'
import { type AllGrpcClients, createGrpcClients } from '../src/grpc/client.ts'
import { startGrpcServer } from '../src/grpc/server.ts'
import type { RunningServer } from '../src/http/server.ts'
import { createSigner, createVerifier } from '../src/identity/identity.ts'
import { type TestCore, testCore, until } from './core-fixture.ts'
import { instanceAt, knownInstances } from './instance-fixture.ts'
import { createKeys, type Keys } from './key-fixture.ts'

describe('a crowd at a gRPC port', () => {
  let keys: Keys
  let core: TestCore
  let callerCore: TestCore
  let signer: TokenSigner

  before(async () => {
    keys = await createKeys('delivery', 'notifications')
    const coreOf = (service: string) => testCore({ service, keyFile: keys.keyFile(service), jwksFile: keys.jwksFile })
    core = coreOf('delivery')
    callerCore = coreOf('notifications')
    signer = await createSigner(callerCore)
  })
  after(() => keys?.[Symbol.asyncDispose]())

  class Place implements AsyncDisposable {
    readonly server: RunningServer
    readonly clients: AllGrpcClients
    readonly #strangers: (Socket | ClientHttp2Session)[] = []
    readonly #end = Promise.withResolvers<void>()

    constructor(server: RunningServer) {
      this.server = server
      const discovery = knownInstances([instanceAt('delivery-1', { grpc: server.port })])
      this.clients = createGrpcClients(callerCore, { discovery, signer })
    }
    /** A stream of a service that stays until the end of the test; resolves with its answers after the first one. */
    async follow(orderId: string): Promise<AsyncIterator<{ orderId: string }>> {
      const { promise: end } = this.#end
      async function* requests() {
        yield { addOrderIds: [orderId], dropOrderIds: [] }
        await end
        yield { addOrderIds: ['last'], dropOrderIds: [] }
      }
      const client = this.clients('delivery').client(DeliveryServiceService)
      const answers = client.trackDeliveries(requests())[Symbol.asyncIterator]()
      const { value } = await answers.next()
      assert.equal(value.orderId, orderId)
      return answers
    }
    async silent(): Promise<Socket> {
      const socket = connect(this.server.port, '127.0.0.1')
      socket.on('error', () => undefined)
      this.#strangers.push(socket)
      socket.resume()
      await once(socket, 'connect')
      return socket
    }
    session(): ClientHttp2Session {
      const session = connectHttp2(`http://127.0.0.1:${this.server.port}`)
      session.on('error', () => undefined)
      this.#strangers.push(session)
      return session
    }
    finish(): void {
      this.#end.resolve()
    }
    async [Symbol.asyncDispose](): Promise<void> {
      this.finish()
      for (const stranger of this.#strangers) stranger.destroy()
      await this.clients[Symbol.asyncDispose]()
      await this.server[Symbol.asyncDispose]()
    }
  }

  const place = async (limits: object): Promise<Place> =>
    new Place(
      await startGrpcServer(core, {
        verifier: await createVerifier(core),
        host: '127.0.0.1',
        port: 0,
        limits,
        handlers: [
          serveGrpc(
            DeliveryServiceService,
            { trackDeliveries: ['notifications'] },
            {
              async *trackDeliveries(requests) {
                for await (const { addOrderIds } of requests)
                  yield { orderId: addOrderIds[0] ?? '', userId: '', status: '', progress: 1, place: '', at: '' }
              },
            },
          ),
        ],
      }),
    )

  /** A call whose message never comes. */
  const wordless = (session: ClientHttp2Session, path = '/grpc.health.v1.Health/Check') => {
    const call = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' })
    call.on('error', () => undefined)
    call.resume()
    return call
  }

  it('of connections that say nothing makes room, at the cost of the longest silent', async () => {
    await using here = await place({ connectionsPerAddressMax: 3, firstRequestMs: 0 })
    const working = await here.follow('works')
    const [first, second] = [await here.silent(), await here.silent()]
    const cut = once(first, 'close')
    await here.silent()
    await cut
    assert.ok(!second.destroyed)
    here.finish()
    assert.equal((await working.next()).value?.orderId, 'last', 'what works is never cut')
  })

  it('of calls that say nothing, or watch the health for ever, makes room and loses its connection', async () => {
    await using here = await place({ callsMax: 3, callsPerAddressMax: 3, firstMessageMs: 0 })
    const working = await here.follow('works')
    const stranger = here.session()
    const closed = once(stranger, 'close')
    wordless(stranger)
    const watch = wordless(stranger, '/grpc.health.v1.Health/Watch')
    watch.end(Buffer.alloc(5))
    await once(watch, 'response')
    await here.follow('newcomer')
    await closed
    here.finish()
    assert.equal((await working.next()).value?.orderId, 'last')
  })

  it('of calls that all work is told when to come again', async () => {
    await using here = await place({ callsMax: 1, callsPerAddressMax: 1 })
    const working = await here.follow('works')
    await assert.rejects(here.follow('too many'), (error) => {
      assert.ok(error instanceof Failure)
      assert.deepEqual([error.code, error.retryAfterSeconds], ['unavailable', 1])
      return true
    })
    here.finish()
    assert.equal((await working.next()).value?.orderId, 'last', 'the connection of one that works stays')
    await until('nothing is under way', () => here.server.inFlight() === 0)
    await here.follow('next')
  })
})
