/** gRPC through the gateway by a real client, and gRPC-Web by fetch; the service behind is a kit gRPC client stood in for. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { test } from 'node:test'
import * as grpc from '@grpc/grpc-js'
import { CheckAvailabilityResponse } from '@svyaz/contracts/proto/generated/inventory.ts'
import { OrderRequest, OrderResponse, OrderServiceService } from '@svyaz/contracts/proto/generated/orders.ts'
import { Failure, type GrpcCallOptions, type GrpcClients } from '@svyaz/kit'
import { until } from '../../../platform/kit/test/core-fixture.ts'
import { frame } from '../src/grpc-wire.ts'
import { publicMethods } from '../src/public-methods.ts'
import { openSecurely } from './certificate-fixture.ts'
import { alice, bearer, rawExchange, startGateway, type TestGateway } from './gateway-fixture.ts'

const orderAt = (version: number): OrderResponse => ({
  ...OrderResponse.decode(Buffer.alloc(0)),
  id: 'o1',
  userId: alice.userId,
  version,
})

interface Seen {
  readonly input: unknown
  readonly options: GrpcCallOptions
}

/** Orders o1, o2 …; what was asked for them. */
const services = (seen: Seen[]) => (): GrpcClients => ({
  client: () =>
    ({
      async getOrder(input: { id: string }, options: GrpcCallOptions) {
        seen.push({ input, options })
        if (input.id === 'missing') throw new Failure('not_found', 'there is no order “missing”')
        return orderAt(1)
      },
      async *followOrder(input: { id: string }, options: GrpcCallOptions) {
        seen.push({ input, options })
        yield orderAt(1)
        yield orderAt(2)
        if (input.id === 'broken') throw new Failure('unavailable', 'orders is away')
        if (input.id === 'endless') await new Promise((_, leave) => options.signal?.addEventListener('abort', leave))
      },
      async checkAvailability(input: unknown, options: GrpcCallOptions) {
        seen.push({ input, options })
        return CheckAvailabilityResponse.decode(Buffer.alloc(0))
      },
    }) as never,
})

const { getOrder, followOrder } = OrderServiceService
const metadataOf = (token?: string) => {
  const metadata = new grpc.Metadata()
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`)
  return metadata
}

async function withClient(edge: TestGateway, use: (client: grpc.Client) => Promise<void>): Promise<void> {
  await using secure = await openSecurely(edge)
  const client = new grpc.Client(`localhost:${secure.port}`, grpc.credentials.createSsl(Buffer.from(secure.authority)))
  try {
    await use(client)
  } finally {
    client.close()
  }
}

const get = (client: grpc.Client, id: string, token?: string, options: grpc.CallOptions = {}) =>
  new Promise<OrderResponse | undefined>((resolve, reject) => {
    client.makeUnaryRequest(
      getOrder.path,
      getOrder.requestSerialize,
      getOrder.responseDeserialize,
      { id },
      metadataOf(token),
      options,
      (error, answer) => (error === null ? resolve(answer) : reject(error)),
    )
  })

const follow = (client: grpc.Client, id: string) =>
  client.makeServerStreamRequest(
    followOrder.path,
    followOrder.requestSerialize,
    followOrder.responseDeserialize,
    { id },
    metadataOf('alice-token'),
  )

const refusedWith = (code: number, words: RegExp) => (error: unknown) => {
  const { code: said, details } = error as grpc.ServiceError
  assert.equal(said, code, details)
  assert.match(details, words)
  return true
}

test('a call of a user reaches its service in the user’s name, with the deadline and a trace', async () => {
  const seen: Seen[] = []
  await using edge = await startGateway({ grpc: services(seen) })
  await withClient(edge, async (client) => {
    const answer = await get(client, 'o1', 'alice-token', { deadline: Date.now() + 4_000 })
    assert.deepEqual(answer, orderAt(1))
  })
  const [{ input, options }] = seen as [Seen]
  assert.deepEqual([input, options.onBehalfOf], [{ id: 'o1' }, alice])
  assert.ok(options.timeoutMs !== undefined && options.timeoutMs > 0 && options.timeoutMs <= 4_000)
})

test('what is refused has the status of gRPC: no token, a wrong one, no such order, a limit', async () => {
  await using edge = await startGateway({ grpc: services([]), settings: { userRequestsPerMinute: 2 } })
  await withClient(edge, async (client) => {
    await assert.rejects(get(client, 'o1'), refusedWith(grpc.status.UNAUTHENTICATED, /token is needed/))
    await assert.rejects(get(client, 'o1', 'wrong'), refusedWith(grpc.status.UNAUTHENTICATED, /not valid/))
    await assert.rejects(get(client, 'missing', 'alice-token'), (error: grpc.ServiceError) => {
      refusedWith(grpc.status.NOT_FOUND, /“missing”/)(error)
      assert.equal(error.metadata.get('grpc-status-details-bin').length, 1)
      return true
    })
    await get(client, 'o1', 'alice-token')
    await assert.rejects(
      get(client, 'o1', 'alice-token'),
      refusedWith(grpc.status.RESOURCE_EXHAUSTED, /at most 2 requests/),
    )
  })
})

test('a method that is not public is not there, whoever asks', async () => {
  await using edge = await startGateway({ grpc: services([]) })
  await withClient(edge, async (client) => {
    const call = (path: string) =>
      new Promise((resolve, reject) => {
        const bytes = (value: Buffer) => value
        client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), metadataOf('admin-token'), {}, (error, answer) =>
          error === null ? resolve(answer) : reject(error),
        )
      })
    for (const path of [
      OrderServiceService.getUserDetails.path,
      '/svyaz.users.v1.UserService/GetUser',
      '/svyaz.payments.v1.PaymentService/ProcessPayment',
      '/svyaz.inventory.v1.InventoryService/BulkRestock',
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    ])
      await assert.rejects(call(path), refusedWith(grpc.status.UNIMPLEMENTED, /404/), path)
  })
})

test('a stream of answers: each as it comes, and a failure in the middle is its status', async () => {
  await using edge = await startGateway({ grpc: services([]) })
  await withClient(edge, async (client) => {
    const versions: number[] = []
    for await (const { version } of follow(client, 'o1')) versions.push(version)
    assert.deepEqual(versions, [1, 2])
    const broken: number[] = []
    await assert.rejects(
      async () => {
        for await (const { version } of follow(client, 'broken')) broken.push(version)
      },
      refusedWith(grpc.status.UNAVAILABLE, /orders is away/),
    )
    assert.deepEqual(broken, [1, 2])
  })
})

test('a stream ends with its user’s session, and with its caller', async () => {
  const seen: Seen[] = []
  await using edge = await startGateway({ grpc: services(seen) })
  await withClient(edge, async (client) => {
    await assert.rejects(
      async () => {
        for await (const { version } of follow(client, 'endless'))
          if (version === 2) edge.gateway.userBlocked(alice.userId)
      },
      refusedWith(grpc.status.UNAVAILABLE, /blocked/),
    )

    const left = follow(client, 'endless')
    left.on('error', () => undefined)
    left.on('data', () => left.cancel())
    await until('the call to the service is given up', () => seen[1]?.options.signal?.aborted === true)
    await until('nothing is under way', () => edge.running.inFlight() === 0)
  })
})

/** A gRPC-Web exchange over HTTP/1.1: the messages, and the trailers as text. */
const web = async (edge: TestGateway, path: string, body: Buffer, headers: Record<string, string> = {}) => {
  const answer = await fetch(`${edge.base}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/grpc-web+proto', ...bearer('alice-token'), ...headers },
    body: new Uint8Array(body),
  })
  const bytes = Buffer.from(await answer.arrayBuffer())
  const frames: { flag: number; payload: Buffer }[] = []
  for (let at = 0; at < bytes.length && answer.headers.get('content-type')?.startsWith('application/grpc') === true; ) {
    const length = bytes.readUInt32BE(at + 1)
    frames.push({ flag: bytes[at]!, payload: bytes.subarray(at + 5, at + 5 + length) })
    at += 5 + length
  }
  return {
    answer,
    frames,
    status: answer.headers.get('grpc-status') ?? /grpc-status: (\d+)/.exec(String(frames.at(-1)?.payload))?.[1],
  }
}
const requestOf = (id: string) => frame(OrderRequest.encode({ id }).finish())

test('gRPC-Web over HTTP/1.1: the trailers are the last frame; a refusal is in the head', async () => {
  await using edge = await startGateway({ grpc: services([]) })
  const one = await web(edge, getOrder.path, requestOf('o1'))
  assert.deepEqual(
    one.frames.map(({ flag }) => flag),
    [0, 0x80],
  )
  assert.equal(one.status, '0')
  assert.deepEqual(OrderResponse.decode(one.frames[0]!.payload), orderAt(1))
  const stream = await web(edge, followOrder.path, requestOf('broken'))
  assert.deepEqual([stream.frames.map(({ flag }) => flag), stream.status], [[0, 0, 0x80], '14'])
  const missing = await web(edge, getOrder.path, requestOf('missing'))
  assert.deepEqual([missing.answer.status, missing.status, missing.frames.length], [200, '5', 0])
  const allowed = await web(edge, getOrder.path, requestOf('o1'), { origin: 'http://localhost:8090' })
  assert.match(allowed.answer.headers.get('access-control-expose-headers') ?? '', /Grpc-Status/)
})

test('Expect: 100-continue is answered when the body is wanted, and with the refusal when it is not', async () => {
  await using edge = await startGateway({ grpc: services([]) })
  const head = (length: number, token: string) =>
    `POST ${getOrder.path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/grpc-web+proto\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`
  const said = (text: string) => text.includes('100 Continue') || text.includes('grpc-status')
  assert.match(await rawExchange(edge.port, head(9, 'alice-token'), said), /^HTTP\/1\.1 100 Continue/)
  assert.match(await rawExchange(edge.port, head(70_000, 'alice-token'), said), /^HTTP\/1\.1 200 .*grpc-status: 8/is)
  assert.match(await rawExchange(edge.port, head(9, 'stranger'), said), /^HTTP\/1\.1 200 .*grpc-status: 16/is)
})

test('over HTTP/2 a body that waits for 100 is sent, and its call answered', async () => {
  await using edge = await startGateway({ grpc: services([]) })
  await using secure = await openSecurely(edge)
  const session = connect(`https://localhost:${secure.port}`, { ca: secure.authority })
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': getOrder.path,
      authorization: 'Bearer alice-token',
      'content-type': 'application/grpc',
      expect: '100-continue',
    })
    stream.once('continue', () => stream.end(requestOf('o1')))
    const signal = AbortSignal.timeout(10_000)
    const [trailers] = (await once(stream.resume(), 'trailers', { signal })) as [Record<string, string>]
    assert.equal(trailers['grpc-status'], '0')
  } finally {
    session.destroy()
  }
})

test('nonsense is the caller’s fault and reaches no service', async () => {
  const seen: Seen[] = []
  await using edge = await startGateway({ grpc: services(seen) })
  const garbage = frame(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]))
  for (const [body, headers] of [
    [Buffer.alloc(0), {}],
    [garbage, {}],
    [frame(Buffer.alloc(3), 1), {}],
    [Buffer.concat([requestOf('o1'), requestOf('o1')]), {}],
    [requestOf('o1'), { 'grpc-timeout': 'soon' }],
  ] as [Buffer, Record<string, string>][])
    assert.equal((await web(edge, getOrder.path, body, headers)).status, '3')
  const large = await web(edge, getOrder.path, frame(Buffer.alloc(70_000)))
  assert.equal(large.status, '8')
  const overHttp1 = await web(edge, getOrder.path, requestOf('o1'), { 'content-type': 'application/grpc' })
  assert.equal(overHttp1.answer.status, 415)
  assert.equal((await fetch(`${edge.base}${getOrder.path}`)).status, 405)
  assert.equal(seen.length, 0)
})

test('every public method only reads: it is repeated when a service is away', () => {
  assert.deepEqual(
    publicMethods.map(({ path }) => path.split('/').at(-1)),
    ['GetOrder', 'FollowOrder', 'CheckAvailability'],
  )
})
