/**
 * The other side, a process of its own: answers the same question over REST, gRPC and WebSocket with the libraries that
 * the system's services use, and takes messages. It tells its parent its ports, and its CPU time when asked.
 */
import grpc from '@grpc/grpc-js'
import { Admin, Consumer } from '@platformatic/kafka'
import { OrderServiceService } from '@svyaz/contracts/proto/generated/orders.ts'
import Fastify from 'fastify'
import { WebSocketServer } from 'ws'
import { orderId, orderJson, orderMessage } from './order.ts'
import { type FromAnswerer, nowNs, type ToAnswerer, topic } from './shape.ts'

const host = '127.0.0.1'
const say = (message: FromAnswerer): void => void process.send?.(message)

const rest = Fastify()
rest.get<{ Params: { id: string } }>('/orders/:id', async ({ params }, reply) =>
  params.id === orderId ? orderJson : reply.code(404).send(),
)
await rest.listen({ host, port: 0 })

const grpcServer = new grpc.Server()
const unimplemented = (_: unknown, callback: grpc.sendUnaryData<never>) => callback({ code: grpc.status.UNIMPLEMENTED })
grpcServer.addService(OrderServiceService, {
  getOrder: (
    call: grpc.ServerUnaryCall<{ id: string }, typeof orderMessage>,
    callback: grpc.sendUnaryData<typeof orderMessage>,
  ) => (call.request.id === orderId ? callback(null, orderMessage) : callback({ code: grpc.status.NOT_FOUND })),
  getUserDetails: unimplemented,
  followOrder: unimplemented,
})
const grpcPort = await new Promise<number>((resolve, reject) =>
  grpcServer.bindAsync(`${host}:0`, grpc.ServerCredentials.createInsecure(), (error, port) =>
    error ? reject(error) : resolve(port),
  ),
)

const sockets = new WebSocketServer({ host, port: 0 })
sockets.on('connection', (socket) =>
  socket.on('message', (data) => {
    const { n, id } = JSON.parse(String(data)) as { n: number; id: string }
    socket.send(JSON.stringify(id === orderId ? { n, order: orderJson } : { n, error: 'not_found' }))
  }),
)
await new Promise((resolve) => sockets.once('listening', resolve))

const bootstrapBrokers = [process.argv[2] ?? '']
const admin = new Admin({ clientId: 'bench-admin', bootstrapBrokers })
await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 })
await admin.close()

/** Nanoseconds from when each message was due to when it was here. */
let received: number[] = []

const consumer = new Consumer<string, string, string, string>({
  clientId: 'answerer',
  groupId: 'answerer',
  bootstrapBrokers,
  deserializers: {
    value: (bytes) => String(bytes),
    key: (bytes) => String(bytes),
    headerKey: (bytes) => String(bytes),
    headerValue: (bytes) => String(bytes),
  },
  autocommit: false,
})
const stream = await consumer.consume({ topics: [topic], mode: 'earliest', minBytes: 1, maxWaitTime: 5_000 })
stream.on('data', ({ headers }) => {
  received.push(Number(nowNs() - BigInt(headers.get('due') ?? 0)))
})

process.on('message', (message: ToAnswerer) => {
  if (message === 'stop') {
    void Promise.allSettled([rest.close(), stream.close().then(() => consumer.close(true))]).then(() => process.exit(0))
  } else {
    say({ cpu: process.cpuUsage(), received })
    received = []
  }
})
const address = (value: unknown): number => (value as { port: number }).port
say({ ports: { rest: address(rest.server.address()), grpc: grpcPort, webSocket: address(sockets.address()) } })
