/** A proxy that people use: `peer.ts NAME bare|featured BEHIND`; sends its port. */
import { Agent, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Features } from './features.ts'

const [name = '', mode, behind = '0'] = process.argv.slice(2)
const target = `http://127.0.0.1:${behind}`
const features: Features | undefined =
  mode === 'featured' ? new (await import('./features.ts')).Features(target) : undefined
const agent = new Agent({ keepAlive: true, maxSockets: 256 })

type Pass = (request: IncomingMessage, response: ServerResponse, headers: Record<string, string>) => void

/** Serves with node:http: features first, then the peer. */
function serve(pass: Pass): void {
  const server = createServer(async (request, response) => {
    const headers = features ? await features.begin(request, response) : {}
    if (headers !== undefined) pass(request, response, headers)
  })
  server.keepAliveTimeout = 120_000
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
}

const peers: Record<string, () => Promise<void>> = {
  async 'http-proxy'() {
    const { default: httpProxy } = await import('http-proxy')
    const proxy = httpProxy.createProxyServer({ target, agent, xfwd: true })
    proxy.on('error', (_error, _request, response) => response.destroy())
    serve((request, response, headers) => proxy.web(request, response, { headers }))
  },
  async 'http-proxy-3'() {
    const { createProxyServer } = await import('http-proxy-3')
    const proxy = createProxyServer({ target, agent, xfwd: true })
    proxy.on('error', (_error: Error, _request: unknown, response: { destroy(): void }) => response.destroy())
    serve((request, response, headers) => void proxy.web(request, response, { headers }))
  },
  async httpxy() {
    const { createProxyServer } = await import('httpxy')
    const proxy = createProxyServer({ target, agent, xfwd: true })
    serve(
      (request, response, headers) => void proxy.web(request, response, { headers }).catch(() => response.destroy()),
    )
  },
  async '@fastify/http-proxy'() {
    const [{ default: fastify }, { default: plugin }] = await Promise.all([
      import('fastify'),
      import('@fastify/http-proxy'),
    ])
    const server = fastify()
    const added = new WeakMap<object, Record<string, string>>()
    await server.register(plugin, {
      upstream: target,
      undici: { connections: 64, pipelining: 1 },
      ...(features && {
        preHandler: async (request, reply) => {
          const headers = await features.begin(request.raw, reply.raw)
          if (headers === undefined) return reply.hijack()
          added.set(request.raw, headers)
        },
        replyOptions: {
          rewriteRequestHeaders: (request, headers) => ({ ...headers, ...added.get(request.raw) }),
        },
      }),
    })
    await server.listen({ host: '127.0.0.1', port: 0 })
    process.send?.({ port: (server.server.address() as AddressInfo).port })
  },
  /** What passing on costs with nothing around it: node:http in, undici out. */
  async 'node:http + undici'() {
    const { Pool } = await import('undici')
    const pool = new Pool(target, { connections: 64, pipelining: 1 })
    serve((request, response, added) => {
      const { connection: _, host: __, ...headers } = request.headers
      pool
        .stream(
          {
            method: request.method as 'GET',
            path: request.url ?? '/',
            headers: { ...headers, ...added },
            body: request.method === 'GET' ? null : request,
            opaque: response,
          },
          ({ statusCode, headers: answered }) => {
            response.writeHead(statusCode, answered as Record<string, string>)
            return response
          },
        )
        .catch(() => response.destroy())
    })
  },
}
await peers[name]!()
