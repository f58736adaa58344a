/** What every process answers about itself, on a port of its own: health, metrics, info. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHttpListener, type Target, withRetryAfter } from '@svyaz/listener'
import type { Logger } from '../api.ts'
import type { MetricsRegistry } from './metrics.ts'

export interface ManagementState {
  /** Why it does not take work now; empty = ready. Liveness never looks at it. */
  notReady(): readonly string[]
  started(): boolean
  info(): object
}

export interface ManagementServer extends AsyncDisposable {
  port: number
}

/** `/health/live`, `/health/ready`, `/health/startup`, `/metrics`, `/info`. */
export const startManagement = async (
  options: {
    host: string
    port: number
    metrics: MetricsRegistry
    log: Logger
    allowedHosts: readonly string[]
  } & ManagementState,
): Promise<ManagementServer> => {
  const answer = async (request: IncomingMessage, response: ServerResponse, { path }: Target) => {
    const json = (status: number, body: object) => {
      const headers = withRetryAfter(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      response.writeHead(status, headers)
      response.end(`${JSON.stringify(body)}\n`)
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { status: 'method not allowed' })
    switch (path) {
      case '/health/live':
        return json(200, { status: 'UP' })
      case '/health/startup':
        return json(options.started() ? 200 : 503, { status: options.started() ? 'UP' : 'STARTING' })
      case '/health/ready': {
        const reasons = options.notReady()
        return json(reasons.length === 0 ? 200 : 503, { status: reasons.length === 0 ? 'UP' : 'DOWN', reasons })
      }
      case '/info':
        return json(200, options.info())
      case '/metrics': {
        const text = await options.metrics.text()
        response.writeHead(200, { 'content-type': options.metrics.contentType })
        response.end(text)
        return
      }
      default:
        return json(404, {
          status: 'not found',
          paths: ['/health/live', '/health/ready', '/health/startup', '/metrics', '/info'],
        })
    }
  }
  const server = createHttpListener({
    answer,
    hosts: { names: options.allowedHosts },
    connections: { connectionsMax: 256, connectionsPerAddressMax: 128 },
    refused: (fault, cause) => {
      if (fault.code === 'internal') options.log.error({ err: cause }, 'a management request broke')
    },
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
