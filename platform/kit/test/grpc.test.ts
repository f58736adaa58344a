/**
 * gRPC from client to server over real channels: the four kinds, deadlines, cancellation, errors, access, reflection.
 * long because all of them share one pair of client and server.
 */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import * as library from '@grpc/grpc-js'
import { DeliveryServiceService } from '@svyaz/contracts/proto/generated/delivery.ts'
import { InventoryServiceService } from '@svyaz/contracts/proto/generated/inventory.ts'
import { type OrderResponse, OrderServiceService } from '@svyaz/contracts/proto/generated/orders.ts'
import type { GrpcCall, TokenSigner } from '../src/api.ts'
import { serveGrpc } from '../src/declare.ts'
import { Failure } from '../src/failure.ts'
import { type AllGrpcClients, createGrpcClients } from '../src/grpc/client.ts'
import { healthDefinition } from '../src/grpc/health.ts'
import { startGrpcServer } from '../src/grpc/server.ts'
import type { RunningServer } from '../src/http/server.ts'
import { createSigner, createVerifier } from '../src/identity/identity.ts'
import { type TestCore, testCore, until } from './core-fixture.ts'
import { instanceAt, knownInstances } from './instance-fixture.ts'
import { createKeys, type Keys } from './key-fixture.ts'

const order = (status: string): OrderResponse => ({
  id: 'o1',
  userId: 'u1',
  status,
  items: [],
  total: { amountMinor: 1250, currency: 'EUR' },
  version: 1,
  createdAt: '',
  updatedAt: '',
  reason: '',
  payment: 'queue',
  paymentMethod: 'pm_ok',
  deliveryMethod: 'dm_ok',
})

describe('gRPC between two services', () => {
  let keys: Keys
  let core: TestCore
  let callerCore: TestCore
  let server: RunningServer
  let signer: TokenSigner
  let clients: AllGrpcClients
  const calls: GrpcCall[] = []
  let followClosed = 0
  let written = 0
  let taken = 0
  let failures = 0
  let tries = 0

  const aborted = ({ signal }: GrpcCall) =>
    new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))

  async function getOrder({ id }: { id: string }, call: GrpcCall): Promise<OrderResponse> {
    calls.push(call)
    tries++
    if (id === 'missing')
      throw new Failure('order_not_changeable', 'it is past that', {
        faults: [{ in: 'body', pointer: '/id', detail: 'gone' }],
        retryAfterSeconds: 3,
      })
    if (id === 'broken') throw new Error('secret password')
    if (id === 'flaky' && tries <= failures) throw new Failure('unavailable', 'not now')
    if (id === 'slow') await aborted(call)
    return order('pending')
  }

  async function* followOrder({ id }: { id: string }, call: GrpcCall) {
    try {
      if (id === 'flood') {
        for (; written < 100_000; written++) yield order('x'.repeat(1000))
        return
      }
      yield order('pending')
      if (id === 'fails') throw new Failure('not_found', 'it is gone')
      if (id === 'endless') await aborted(call)
      yield order('paid')
    } finally {
      followClosed++
    }
  }

  async function bulkRestock(requests: AsyncIterable<{ quantity: number }>) {
    let units = 0
    taken = 0
    for await (const request of requests) {
      taken++
      if (request.quantity < 0) throw new Failure('invalid_request', 'less than nothing')
      units += request.quantity
    }
    return { lines: taken, units, unknownProductIds: [] }
  }

  async function* trackDeliveries(requests: AsyncIterable<{ addOrderIds: string[] }>) {
    for await (const { addOrderIds } of requests)
      for (const orderId of addOrderIds)
        yield { orderId, userId: 'u', status: 'shipped', progress: 0.5, place: 'A', at: '' }
  }

  before(async () => {
    keys = await createKeys('orders', 'gateway', 'delivery')
    const coreOf = (service: string) => testCore({ service, keyFile: keys.keyFile(service), jwksFile: keys.jwksFile })
    core = coreOf('orders')
    callerCore = coreOf('gateway')
    signer = await createSigner(callerCore)
    server = await startGrpcServer(core, {
      verifier: await createVerifier(core),
      host: '127.0.0.1',
      port: 0,
      handlers: [
        serveGrpc(
          OrderServiceService,
          { getOrder: ['gateway'], getUserDetails: ['users'], followOrder: ['gateway'] },
          { getOrder, getUserDetails: async () => ({ orders: [], ordersTotal: 0, spent: undefined }), followOrder },
        ),
        serveGrpc(
          InventoryServiceService,
          { checkAvailability: [], bulkRestock: ['gateway'] },
          { checkAvailability: async () => ({ lines: [] }), bulkRestock },
        ),
        serveGrpc(DeliveryServiceService, { trackDeliveries: ['*'] }, { trackDeliveries }),
      ],
    })
    const discovery = knownInstances([instanceAt('orders-1', { grpc: server.port })])
    clients = createGrpcClients(callerCore, { discovery, signer })
  })
  after(async () => {
    await clients?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
    await keys?.[Symbol.asyncDispose]()
  })
  const orders = () => clients('orders').client(OrderServiceService)
  const inventory = () => clients('orders').client(InventoryServiceService)
  const failsWith = (code: string) => (error: unknown) => {
    assert.ok(error instanceof Failure, String(error))
    assert.equal(error.code, code, error.message)
    return true
  }

  it('asks and answers once', async () => {
    const answer = await orders().getOrder({ id: 'o1' }, { onBehalfOf: { userId: 'u1', roles: ['user'] } })
    assert.deepEqual(answer, order('pending'))
    const call = calls.at(-1)
    assert.deepEqual(call?.caller, {
      kind: 'service',
      service: 'gateway',
      onBehalfOf: { userId: 'u1', roles: ['user'] },
    })
    const remaining = call?.deadline === undefined ? 0 : call.deadline.getTime() - Date.now()
    assert.ok(remaining > 1_000 && remaining <= 2_000, String(remaining))
  })

  it('joins the trace on both sides', async () => {
    const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await callerCore.tracer.span('test', { parent }, () => orders().getOrder({ id: 'o1' }))
    const client = callerCore.spans.find(
      (span) => span.name.endsWith('GetOrder') && span.traceparent.includes('0af765'),
    )
    assert.equal(client?.name, 'svyaz.orders.v1.OrderService/GetOrder')
    assert.equal(client?.options.kind, 'client')
    const served = core.spans.find((span) => span.parent === client?.traceparent)
    assert.equal(served?.name, 'svyaz.orders.v1.OrderService/GetOrder')
    assert.equal(served?.options.kind, 'server')
  })

  it('an abort that comes while the call is being opened ends it', async () => {
    const discovery = knownInstances([instanceAt('orders-1', { grpc: server.port })])
    let leaving = new AbortController()
    const leavingSigner: typeof signer = {
      ...signer,
      serviceToken: async (...wanted) => {
        const token = await signer.serviceToken(...wanted)
        leaving.abort(new Failure('unavailable', 'the client went away'))
        return token
      },
    }
    await using mine = createGrpcClients(callerCore, { discovery, signer: leavingSigner })
    const client = mine('orders').client(OrderServiceService)
    await assert.rejects(async () => {
      for await (const _ of client.followOrder({ id: 'endless' }, { signal: leaving.signal }));
    })
    leaving = new AbortController()
    await assert.rejects(client.getOrder({ id: 'slow' }, { signal: leaving.signal, timeoutMs: 60_000 }))
  })

  it('a stream that is aborted before its call is made fails alone', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown) => void unhandled.push(error)
    process.on('unhandledRejection', note)
    try {
      const answers = orders().followOrder({ id: 'o1' }, { signal: AbortSignal.abort() })
      await assert.rejects(async () => {
        for await (const _ of answers) assert.fail('nothing was asked')
      })
      await new Promise((resolve) => setImmediate(resolve))
      assert.deepEqual(unhandled, [])
    } finally {
      process.off('unhandledRejection', note)
    }
  })

  it('sends a stream and gets one answer', async () => {
    async function* lines() {
      for (let lineNumber = 1; lineNumber <= 500; lineNumber++)
        yield { batchId: 'b', lineNumber, productId: 'P-1001', quantity: 2 }
    }
    assert.deepEqual(await inventory().bulkRestock(lines()), { lines: 500, units: 1000, unknownProductIds: [] })
  })

  it('ends a stream of requests at the first refusal, and stops its source', async () => {
    let closed = false
    async function* lines() {
      try {
        for (let lineNumber = 0; ; lineNumber++) {
          yield { batchId: 'b', lineNumber, productId: 'P-1001', quantity: lineNumber === 3 ? -1 : 1 }
          await new Promise((resolve) => setImmediate(resolve))
        }
      } finally {
        closed = true
      }
    }
    await assert.rejects(inventory().bulkRestock(lines()), failsWith('invalid_request'))
    await until('the source is closed', () => closed)
  })

  it('gives up a stream of requests whose source fails', async () => {
    async function* lines() {
      yield { batchId: 'b', lineNumber: 1, productId: 'P-1001', quantity: 1 }
      throw new Failure('conflict', 'the source broke')
    }
    await assert.rejects(inventory().bulkRestock(lines()), failsWith('conflict'))
  })

  it('reads a stream of answers to its end', async () => {
    const seen: string[] = []
    for await (const { status } of orders().followOrder({ id: 'o1' })) seen.push(status)
    assert.deepEqual(seen, ['pending', 'paid'])
  })

  it('cancels the service when the reader leaves', async () => {
    followClosed = 0
    for await (const { status } of orders().followOrder({ id: 'endless' })) {
      assert.equal(status, 'pending')
      break
    }
    await until('the service knows', () => followClosed === 1)
  })

  it('cancels the service when the signal says so', async () => {
    followClosed = 0
    const abort = new AbortController()
    const seen: string[] = []
    await assert.rejects(async () => {
      for await (const { status } of orders().followOrder({ id: 'endless' }, { signal: abort.signal })) {
        seen.push(status)
        abort.abort()
      }
    }, failsWith('unavailable'))
    assert.deepEqual(seen, ['pending'])
    await until('the service knows', () => followClosed === 1)
  })

  it('cancels a call of each kind whose caller went away while it was being made', async () => {
    let abort = new AbortController()
    const discovery = knownInstances([instanceAt('orders-1', { grpc: server.port })])
    const leaving: TokenSigner = {
      userToken: (...of) => signer.userToken(...of),
      async serviceToken(...of) {
        const token = await signer.serviceToken(...of)
        abort.abort()
        return token
      },
    }
    await using others = createGrpcClients(callerCore, { discovery, signer: leaving })
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) }
    const client = others('orders')
    const first = async (answers: AsyncIterable<unknown>) => {
      for await (const answer of answers) return answer
    }
    const kinds: ((options: { signal: AbortSignal }) => Promise<unknown>)[] = [
      (options) => client.client(OrderServiceService).getOrder({ id: 'slow' }, options),
      (options) => client.client(InventoryServiceService).bulkRestock(silent, options),
      (options) => first(client.client(OrderServiceService).followOrder({ id: 'endless' }, options)),
      (options) => first(client.client(DeliveryServiceService).trackDeliveries(silent, options)),
    ]
    for (const call of kinds) {
      abort = new AbortController()
      await assert.rejects(call({ signal: abort.signal }), failsWith('unavailable'))
    }
  })

  it('brings the failure in the middle of a stream', async () => {
    const seen: string[] = []
    await assert.rejects(async () => {
      for await (const { status } of orders().followOrder({ id: 'fails' })) seen.push(status)
    }, failsWith('not_found'))
    assert.deepEqual(seen, ['pending'])
  })

  it('writes no faster than the reader reads', async () => {
    written = 0
    followClosed = 0
    for await (const { status } of orders().followOrder({ id: 'flood' })) {
      assert.equal(status.length, 1000)
      await until('the writer waits', async () => {
        const before = written
        await new Promise((resolve) => setTimeout(resolve, 50))
        return before === written
      })
      break
    }
    assert.ok(written < 50_000, `${written} were written for one read`)
    await until('the writer is stopped', () => followClosed === 1)
  })

  it('speaks both ways at once', async () => {
    const added = Promise.withResolvers<void>()
    async function* requests() {
      yield { addOrderIds: ['a'], dropOrderIds: [] }
      await added.promise
      yield { addOrderIds: ['b', 'c'], dropOrderIds: [] }
    }
    const seen: string[] = []
    for await (const { orderId } of clients('orders').client(DeliveryServiceService).trackDeliveries(requests())) {
      seen.push(orderId)
      added.resolve()
    }
    assert.deepEqual(seen, ['a', 'b', 'c'])
  })

  it('brings the code, the faults and the delay back', async () => {
    await assert.rejects(orders().getOrder({ id: 'missing' }), (error: Failure) => {
      assert.equal(error.code, 'order_not_changeable')
      assert.equal(error.detail, 'it is past that')
      assert.deepEqual(error.faults, [{ in: 'body', pointer: '/id', detail: 'gone' }])
      assert.equal(error.retryAfterSeconds, 3)
      return true
    })
  })

  it('sends an unknown error bare, and logs it in full', async () => {
    await assert.rejects(orders().getOrder({ id: 'broken' }), (error: Failure) => {
      assert.equal(error.code, 'internal')
      assert.doesNotMatch(error.detail, /secret/)
      return true
    })
    assert.ok(core.logs.some((line) => line.message === 'call broke'))
  })

  it('gives up at the deadline on both sides', async () => {
    await assert.rejects(orders().getOrder({ id: 'slow' }, { timeoutMs: 100 }), failsWith('deadline_exceeded'))
    await until('the service knows', () => calls.at(-1)?.signal.aborted === true)
  })

  it('repeats only what the caller calls safe', async () => {
    failures = 1
    tries = 0
    await assert.rejects(orders().getOrder({ id: 'flaky' }), failsWith('unavailable'))
    tries = 0
    assert.equal((await orders().getOrder({ id: 'flaky' }, { retry: true })).status, 'pending')
    assert.equal(tries, 2)
  })

  it('denies what the method does not name', async () => {
    await assert.rejects(orders().getUserDetails({ userId: 'u', ordersMax: 1 }), failsWith('forbidden'))
    await assert.rejects(inventory().checkAvailability({ lines: [] }), failsWith('forbidden'))
  })

  const rawCall = (token: string | undefined, definition = OrderServiceService.getOrder) =>
    new Promise<library.ServiceError | null>((resolve) => {
      const client = new library.Client(`127.0.0.1:${server.port}`, library.credentials.createInsecure())
      const metadata = new library.Metadata()
      if (token !== undefined) metadata.set('authorization', `Bearer ${token}`)
      const { path, requestSerialize, responseDeserialize } = definition
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { id: 'o1' }, metadata, (error) => {
        client.close()
        resolve(error)
      })
    })

  it('denies a call without a token, with a user token, and with one for another service', async () => {
    assert.equal((await rawCall(undefined))?.code, library.status.UNAUTHENTICATED)
    const user = await signer.userToken('orders', { userId: 'u1', roles: ['admin'] })
    assert.equal((await rawCall(user))?.code, library.status.PERMISSION_DENIED)
    assert.equal((await rawCall(await signer.serviceToken('payments')))?.code, library.status.UNAUTHENTICATED)
    assert.equal(await rawCall(await signer.serviceToken('orders')), null)
  })

  it('answers health checks without a token', async () => {
    const client = new library.Client(`127.0.0.1:${server.port}`, library.credentials.createInsecure())
    const { path, requestSerialize, responseDeserialize } = healthDefinition.check
    const status = await new Promise((resolve, reject) =>
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service: '' }, (error, answer) =>
        error ? reject(error) : resolve(answer),
      ),
    )
    client.close()
    assert.equal(status, 1)
  })

  /** Whatever is listed, and whatever a failed call carries. */
  const described = [
    'svyaz.orders.v1.OrderService',
    'svyaz.inventory.v1.InventoryService',
    'grpc.health.v1.Health',
    'grpc.health.v1.Health.Check',
    'google.rpc.Status',
    'google.rpc.ErrorInfo',
    'google.rpc.RetryInfo',
    'google.rpc.BadRequest',
  ]
  for (const version of ['v1', 'v1alpha'])
    it(`reflects as ${version}: services, and the file of a symbol with all its imports`, async () => {
      // The raw bytes of ServerReflectionRequest: list_services = 7, file_containing_symbol = 4.
      const ask = (field: number, value: string) =>
        Buffer.concat([Buffer.from([(field << 3) | 2, value.length]), Buffer.from(value)])
      const client = new library.Client(`127.0.0.1:${server.port}`, library.credentials.createInsecure())
      const stream = client.makeBidiStreamRequest(
        `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
      )
      const answers: string[] = []
      stream.write(ask(7, '*'))
      stream.write(ask(4, 'svyaz.orders.v1.OrderService.GetOrder'))
      stream.write(ask(3, 'money.proto'))
      stream.write(ask(4, 'no.such.Thing'))
      for (const name of described) stream.write(ask(4, name))
      stream.end()
      for await (const bytes of stream) answers.push((bytes as Buffer).toString('latin1'))
      client.close()
      assert.equal(answers.length, 4 + described.length)
      for (const name of [
        'svyaz.orders.v1.OrderService',
        'svyaz.inventory.v1.InventoryService',
        'grpc.health.v1.Health',
      ])
        assert.ok(answers[0]?.includes(name), name)
      assert.ok(answers[1]?.includes('orders.proto') && answers[1].includes('svyaz.money.v1'))
      assert.ok(answers[2]?.includes('money.proto'))
      assert.ok(answers[3]?.includes('no.such.Thing is not known here'))
      for (const [index, name] of described.entries())
        assert.ok(!answers[4 + index]?.includes('is not known here'), name)
    })

  it('says unavailable, and never more than three times, when nobody listens', async () => {
    const free = await startGrpcServer(core, {
      verifier: await createVerifier(core),
      host: '127.0.0.1',
      port: 0,
      handlers: [],
    })
    await free[Symbol.asyncDispose]()
    await until(
      'the port is free',
      () =>
        new Promise((resolve) => {
          const socket = connect(free.port, '127.0.0.1')
          socket.once('error', () => resolve(true))
          socket.once('connect', () => {
            socket.destroy()
            resolve(false)
          })
        }),
    )
    const discovery = knownInstances([instanceAt('gone', { grpc: free.port })])
    const lonely = createGrpcClients(callerCore, { discovery, signer })
    const spansBefore = callerCore.spans.length
    await assert.rejects(
      lonely('orders').client(OrderServiceService).getOrder({ id: 'x' }, { retry: true }),
      failsWith('unavailable'),
    )
    assert.equal(callerCore.spans.length - spansBefore, 3)
    await lonely[Symbol.asyncDispose]()
  })

  it('drains: ends a stream that would never end, as unavailable', async () => {
    const other = await startGrpcServer(core, {
      verifier: await createVerifier(core),
      host: '127.0.0.1',
      port: 0,
      handlers: [
        serveGrpc(
          DeliveryServiceService,
          { trackDeliveries: ['*'] },
          {
            async *trackDeliveries(requests) {
              for await (const { addOrderIds } of requests)
                yield { orderId: addOrderIds[0] ?? '', userId: '', status: '', progress: 1, place: '', at: '' }
            },
          },
        ),
      ],
    })
    const discovery = knownInstances([instanceAt('orders-3', { grpc: other.port })])
    const mine = createGrpcClients(callerCore, { discovery, signer })
    const never = Promise.withResolvers<void>()
    async function* requests() {
      yield { addOrderIds: ['a'], dropOrderIds: [] }
      await never.promise
    }
    let drained: Promise<void> | undefined
    const seen: string[] = []
    await assert.rejects(async () => {
      for await (const { orderId } of mine('orders').client(DeliveryServiceService).trackDeliveries(requests())) {
        seen.push(orderId)
        drained = other.drain(60_000)
      }
    }, failsWith('unavailable'))
    assert.deepEqual(seen, ['a'])
    await drained
    assert.equal(other.inFlight(), 0)
    never.resolve()
    await mine[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
  })

  it('drains: finishes the call under way', async () => {
    const gate = Promise.withResolvers<void>()
    const other = await startGrpcServer(core, {
      verifier: await createVerifier(core),
      host: '127.0.0.1',
      port: 0,
      handlers: [
        serveGrpc(
          DeliveryServiceService,
          { trackDeliveries: ['*'] },
          {
            async *trackDeliveries() {
              await gate.promise
              yield { orderId: 'last', userId: '', status: '', progress: 1, place: '', at: '' }
            },
          },
        ),
      ],
    })
    const discovery = knownInstances([instanceAt('orders-2', { grpc: other.port })])
    const mine = createGrpcClients(callerCore, { discovery, signer })
    const seen: string[] = []
    const reading = (async () => {
      for await (const { orderId } of mine('orders')
        .client(DeliveryServiceService)
        .trackDeliveries((async function* () {})()))
        seen.push(orderId)
    })()
    await until('it is under way', () => other.inFlight() === 1)
    const drained = other.drain(10_000)
    gate.resolve()
    await Promise.all([reading, drained])
    assert.deepEqual(seen, ['last'])
    await mine[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
  })
})
