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
import {
  type Caller,
  type Clock,
  type DiscoveryClient,
  Failure,
  type GrpcClients,
  type Instance,
  type SettingsOrigin,
} from '@svyaz/kit'
import { createSigner, createVerifier } from '../../../platform/kit/src/identity/identity.ts'
import { type TestCore, testCore } from '../../../platform/kit/test/core-fixture.ts'
import { knownInstances } from '../../../platform/kit/test/instance-fixture.ts'
import { createKeys, type Keys } from '../../../platform/kit/test/key-fixture.ts'
import { type Settings, settings as settingsSchema } from '../src/config.ts'
import type { SignedIn } from '../src/introspection.ts'
import type { RouteInput } from '../src/routes.ts'
import type { RunningGateway } from '../src/running.ts'
import { Gateway, type GatewayParts } from '../src/server.ts'

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
  /** Default: keys of its own, of `gateway` and `orders`. The caller's stay when it ends. */
  keys?: Keys
  grpc?: (service: string) => GrpcClients
  parts?: Partial<GatewayParts>
  /** Where the settings came from; default: the code. */
  origin?: () => SettingsOrigin
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
  const keys = options.keys ?? (await createKeys('gateway', 'orders'))
  const files = { keyFile: keys.keyFile('gateway'), jwksFile: keys.jwksFile }
  const core = testCore({ service: 'gateway', instance: 'gateway-1', ...files })
  if (options.clock) core.clock = options.clock
  const live = liveSettings(core, options)
  const provider = identityProvider()
  const context = { ...core, allowedHosts: ['shop.example'], instance: core.environment.instance }
  const gateway = new Gateway(
    {
      ...context,
      discovery: options.discovery ?? knownDiscovery(options.instances ?? {}),
      signer: await createSigner(core),
      settings: live.settings,
      grpc: options.grpc ?? callsNobody,
    },
    { introspect: provider.introspect, ...options.parts },
  )
  const running = await gateway.listen({ host: '127.0.0.1', port: 0 })
  return {
    base: `http://127.0.0.1:${running.port}`,
    port: running.port,
    core,
    gateway,
    running,
    users: provider.users,
    asked: provider.asked,
    provider,
    async callerAt(service, authorization) {
      const verifier = await createVerifier(testCore({ service, ...files }))
      return verifier.verify(authorization)
    },
    change: live.change,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      if (options.keys === undefined) await keys[Symbol.asyncDispose]()
    },
  }
}

const callsNobody = (): never => {
  throw new Error('this test calls nobody over gRPC')
}

const knownDiscovery = (instances: Record<string, Instance[]>): DiscoveryClient => {
  const balancers = new Map(Object.entries(instances).map(([name, list]) => [name, knownInstances(list)]))
  return {
    instances: (service) => balancers.get(service)?.instances() ?? [],
    watch: async () => undefined,
    pick: (service) => balancers.get(service)?.pick(service),
  }
}

/** Settings that a test may change, as the config service would. */
const liveSettings = (core: TestCore, options: GatewayOptions) => {
  let current: Settings = settingsSchema.parse({
    ...(options.routes ? { routes: options.routes } : {}),
    ...options.settings,
  })
  const listeners: ((settings: Readonly<Settings>) => void)[] = []
  const defaults = () =>
    ({ from: 'defaults', version: '', at: core.clock.iso(), sources: {}, refused: undefined }) as const
  return {
    settings: {
      current: () => current,
      origin: () => options.origin?.() ?? defaults(),
      onChange: (listener: (settings: Readonly<Settings>) => void) => void listeners.push(listener),
    },
    change(settings: object) {
      current = settingsSchema.parse({ ...current, ...settings })
      for (const listener of listeners) listener(current)
    },
  }
}

/** Knows two people by their tokens, and what it was asked. */
const identityProvider = () => {
  const users = new Map([
    ['alice-token', alice],
    ['admin-token', admin],
  ])
  const asked: string[] = []
  const provider = {
    users,
    asked,
    away: false,
    async introspect(token: string): Promise<SignedIn | undefined> {
      asked.push(token)
      if (provider.away) throw new Failure('unavailable', 'the access token cannot be checked now')
      return users.get(token)
    },
  }
  return provider
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
