/** Every gRPC method of the table in ARCHITECTURE.md, on a real server with the real declaration of its service. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { loadGrpc } from '../../platform/kit/src/grpc/library.ts'
import { startGrpcServer } from '../../platform/kit/src/grpc/server.ts'
import { decodeDetails, detailsKey, grpcStatus } from '../../platform/kit/src/grpc/status.ts'
import type { RunningServer } from '../../platform/kit/src/http/server.ts'
import { createSigner, createVerifier } from '../../platform/kit/src/identity/identity.ts'
import { testCore } from '../../platform/kit/test/core-fixture.ts'
import { createKeys, type Keys } from '../../platform/kit/test/key-fixture.ts'
import { grpcEdge as delivery } from '../../services/delivery/src/grpc.ts'
import { edges, grpcMethods, type MethodName } from './grpc.ts'

const uuid = '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4e'

type Grpc = Awaited<ReturnType<typeof loadGrpc>>
/** The status of a call that was refused. */
interface Refused {
  readonly code: number
  readonly message: string
  readonly metadata: InstanceType<Grpc['Metadata']>
}

/** By method: requests with an id that is empty, or that no service can have made,, and the fields that the answer must name. */
const wrong: Record<MethodName, readonly (readonly [request: object, fields: readonly string[]])[]> = {
  getOrder: [
    [{ id: '' }, ['/id']],
    [{ id: 'a\nb' }, ['/id']],
  ],
  getUserDetails: [
    [{ userId: '', ordersMax: 1 }, ['/userId']],
    [{ userId: 'a/b', ordersMax: 1 }, ['/userId']],
  ],
  followOrder: [
    [{ id: '' }, ['/id']],
    [{ id: 'x'.repeat(101) }, ['/id']],
  ],
  checkAvailability: [
    [
      {
        lines: [
          { productId: 'P-1001', quantity: 1 },
          { productId: '', quantity: 1 },
        ],
      },
      ['/lines/1/productId'],
    ],
  ],
  bulkRestock: [[{ batchId: '', lineNumber: 1, productId: '', quantity: 1 }, ['/batchId', '/productId']]],
  processPayment: [
    [{ orderId: '', userId: '', amount: { amountMinor: 1, currency: 'EUR' }, method: '' }, ['/orderId', '/userId']],
    [{ orderId: '7', userId: uuid, amount: undefined, method: '' }, ['/orderId']],
  ],
  trackDeliveries: [
    [{ addOrderIds: [''], dropOrderIds: [] }, ['/addOrderIds/0']],
    [{ addOrderIds: [uuid, '7\u0000'], dropOrderIds: [''] }, ['/addOrderIds/1', '/dropOrderIds/0']],
  ],
  getUser: [
    [{ id: '' }, ['/id']],
    [{ id: 'ada\u2028' }, ['/id']],
  ],
}

describe('an id that is empty or can be none is INVALID_ARGUMENT and named', { concurrency: 1 }, () => {
  const servers = new Map<string, RunningServer>()
  let keys: Keys

  before(async () => {
    keys = await createKeys(...new Set(edges.flatMap(({ service }) => service)), 'gateway', 'notifications')
    for (const { service, handler } of edges) {
      const core = testCore({ service, keyFile: keys.keyFile(service), jwksFile: keys.jwksFile })
      const verifier = await createVerifier(core)
      // Its stream looks at the clock between two messages; the others have nothing behind them.
      const handlers = [service === 'delivery' ? delivery({ clock: core.clock } as never) : handler]
      servers.set(service, await startGrpcServer(core, { verifier, host: '127.0.0.1', port: 0, handlers }))
    }
  })
  after(async () => {
    for (const server of servers.values()) await server[Symbol.asyncDispose]()
    await keys?.[Symbol.asyncDispose]()
  })

  /** The status of a call, whatever its kind, as the client's library says it. */
  async function call(service: string, method: string, caller: string, request: object): Promise<Refused> {
    const { Client, credentials, Metadata } = await loadGrpc()
    const { handler } = edges.find((edge) => edge.service === service) ?? assert.fail(service)
    const { path, requestStream, responseStream, requestSerialize, responseDeserialize } =
      handler.definition[method] ?? assert.fail(method)
    const signer = await createSigner(
      testCore({ service: caller, keyFile: keys.keyFile(caller), jwksFile: keys.jwksFile }),
    )
    const metadata = new Metadata()
    metadata.set('authorization', `Bearer ${await signer.serviceToken(service)}`)
    const client = new Client(`127.0.0.1:${servers.get(service)?.port}`, credentials.createInsecure())
    // Where a wrong id is let through, the declaration has nothing behind it that would answer.
    const options = { deadline: Date.now() + 10_000 }
    try {
      return await new Promise((resolve, reject) => {
        const answered = (error: Refused | null) =>
          error === null ? reject(new Error(`${path} took it`)) : resolve(error)
        if (requestStream && responseStream) {
          const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, options)
          stream.on('error', answered).on('data', () => answered(null))
          stream.end(request)
        } else if (requestStream) {
          client
            .makeClientStreamRequest(path, requestSerialize, responseDeserialize, metadata, options, answered)
            .end(request)
        } else if (responseStream) {
          const stream = client.makeServerStreamRequest(
            path,
            requestSerialize,
            responseDeserialize,
            request,
            metadata,
            options,
          )
          stream.on('error', answered).on('data', () => answered(null))
        } else
          client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, options, answered)
      })
    } finally {
      client.close()
    }
  }

  for (const { name, method, service, callers } of grpcMethods())
    for (const [request, fields] of wrong[method as MethodName])
      test(`${name} ${JSON.stringify(request)}`, async () => {
        const error = await call(service, method, callers[0] ?? assert.fail(name), request)
        assert.equal(error.code, grpcStatus.INVALID_ARGUMENT, error.message)
        const [details] = error.metadata.get(detailsKey)
        const said = decodeDetails(details as Buffer)
        assert.equal(said?.code, 'invalid_request')
        assert.deepEqual(said?.faults.map(({ pointer }) => pointer).sort(), fields)
      })
})
