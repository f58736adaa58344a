/**
 * A real gateway between real sockets: upstream servers on free ports, tokens signed and verified with real keys.
 * Only discovery and the identity provider are stood in for, behind their narrow interfaces.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Caller, Clock, DiscoveryClient, GrpcClients, Instance } from '@svyaz/kit'
import { createSigner, createVerifier } from '../../../platform/kit/src/identity/identity.ts'
import { type TestCore, testCore } from '../../../platform/kit/test/core-fixture.ts'
import { knownInstances } from '../../../platform/kit/test/instance-fixture.ts'
import { createKeys } from '../../../platform/kit/test/key-fixture.ts'
import { type Settings, settings as settingsSchema } from '../src/config.ts'
import type { SignedIn } from '../src/introspection.ts'
import type { RouteInput } from '../src/routes.ts'
import { createGateway, type Gateway, type GatewayParts, type RunningGateway } from '../src/server.ts'

export interface Upstream extends AsyncDisposable {
  instance: Instance
  port: number
  server: Server
  seen: { method: string; url: string; headers: IncomingHttpHeaders; body: string }[]
}

/** A service that keeps what it was asked; by default it answers 200 with a short JSON body. */
export const startUpstream = async (
  id: string,
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void = (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ from: id }))
  },
): Promise<Upstream> => {
  const seen: Upstream['seen'] = []
  const server = createServer(async (request, response) => {
    let body = ''
    try {
      for await (const chunk of request) body += chunk
    } catch {
      return
    }
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body })
    answer(request, response, body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    server,
    seen,
    instance: { id, host: '127.0.0.1', ports: { http: port } },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export interface TestGateway extends AsyncDisposable {
  base: string
  port: number
  core: TestCore
  gateway: Gateway
  running: RunningGateway
  /** Who the identity provider knows, by access token; what it was asked. */
  users: Map<string, SignedIn>
  asked: string[]
  /** Makes the identity provider unreachable. */
  provider: { away: boolean }
  /** The kit's own verifier of a service: what the exchanged token says there. */
  callerAt(service: string, authorization: string | undefined): Promise<Caller>
  change(settings: object): void
}

export interface GatewayOptions {
  routes?: RouteInput[]
  settings?: object
  instances?: Record<string, Instance[]>
  /** Instead of `instances`: a real client. */
  discovery?: DiscoveryClient
  clock?: Clock
  grpc?: (service: string) => GrpcClients
  parts?: Partial<GatewayParts>
}

export const alice: SignedIn = {
  userId: '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4e',
  roles: ['user'],
  tokenEndsAt: Number.POSITIVE_INFINITY,
}
export const admin: SignedIn = {
  userId: '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4f',
  roles: ['user', 'admin'],
  tokenEndsAt: Number.POSITIVE_INFINITY,
}

export const startGateway = async (options: GatewayOptions = {}): Promise<TestGateway> => {
  const keys = await createKeys('gateway', 'orders')
  const files = { keyFile: keys.keyFile('gateway'), jwksFile: keys.jwksFile }
  const core = testCore({ service: 'gateway', instance: 'gateway-1', ...files })
  if (options.clock) core.clock = options.clock
  const balancers = new Map(Object.entries(options.instances ?? {}).map(([name, list]) => [name, knownInstances(list)]))
  const discovery: DiscoveryClient = options.discovery ?? {
    instances: (service) => balancers.get(service)?.instances() ?? [],
    watch: async () => undefined,
    pick: (service) => balancers.get(service)?.pick(service),
  }
  let current: Settings = settingsSchema.parse({
    ...(options.routes ? { routes: options.routes } : {}),
    ...options.settings,
  })
  const listeners: ((settings: Readonly<Settings>) => void)[] = []
  const users = new Map([
    ['alice-token', alice],
    ['admin-token', admin],
  ])
  const asked: string[] = []
  const provider = { away: false }
  const gateway = createGateway(
    {
      clock: core.clock,
      log: core.log,
      metrics: core.metrics,
      tracer: core.tracer,
      random: core.random,
      allowedHosts: ['shop.example'],
      ids: core.ids,
      discovery,
      signer: await createSigner(core),
      settings: { current: () => current, onChange: (listener) => void listeners.push(listener) },
      grpc:
        options.grpc ??
        (() => {
          throw new Error('this test calls nobody over gRPC')
        }),
    },
    {
      introspect: async (token) => {
        asked.push(token)
        if (provider.away) {
          const { Failure } = await import('@svyaz/kit')
          throw new Failure('unavailable', 'the access token cannot be checked now')
        }
        return users.get(token)
      },
      ...options.parts,
    },
  )
  const running = await gateway.listen({ host: '127.0.0.1', port: 0 })
  return {
    base: `http://127.0.0.1:${running.port}`,
    port: running.port,
    core,
    gateway,
    running,
    users,
    asked,
    provider,
    async callerAt(service, authorization) {
      const verifier = await createVerifier(testCore({ service, ...files }))
      return verifier.verify(authorization)
    },
    change(settings) {
      current = settingsSchema.parse({ ...current, ...settings })
      for (const listener of listeners) listener(current)
    },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      await keys[Symbol.asyncDispose]()
    },
  }
}

/** Writes bytes as they are and gives all that comes back until the peer closes, or until `enough` is satisfied. */
export const rawExchange = (
  port: number,
  bytes: string | Buffer,
  enough: (received: string) => boolean = () => false,
): Promise<string> =>
  new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setEncoding('latin1')
    socket.on('data', (chunk) => {
      received += chunk
      if (enough(received)) socket.destroy()
    })
    socket.on('close', () => resolve(received))
    // A reset after the answer is an answer too.
    socket.on('error', (error) => (received === '' ? reject(error) : resolve(received)))
  })

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
