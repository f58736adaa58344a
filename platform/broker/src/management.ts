/**
 * The management page, over HTTP, for operators and supervisors: GET only, nothing can be changed through it.
 *
 * - `/health/live`: 200 while the process answers.
 * - `/health/ready`: 200 while clients are served and writes are taken, else 503 with the reason.
 * - `/metrics`: Prometheus text.  `/info`: JSON.
 */
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHttpListener, withRetryAfter } from '@svyaz/listener'
import { apis } from './apis/table.ts'
import type { Broker } from './index.ts'
import { type Logger, silentLogger } from './logger.ts'
import { metricsText } from './metrics.ts'

/** Shown beside the state by `svyaz ps`. */
const storageReasons = {
  low: 'the disk is full: writes go on in the space left in the log',
  full: 'the disk is full: writes are refused',
} as const

export interface Management extends AsyncDisposable {
  readonly port: number
  /** From now on the broker is not ready. */
  stopping(): void
}

/** Rejects with the system's error when the port can't be had. */
export async function startManagement(
  broker: Broker,
  version: string,
  host: string,
  port: number,
  logger: Logger = silentLogger,
): Promise<Management> {
  const startedAt = new Date().toISOString()
  let isStopping = false
  const pages: Readonly<Record<string, (response: ServerResponse) => void>> = {
    '/health/live': (response) => sendJson(response, 200, { status: 'live' }),
    '/health/ready': (response) => {
      const { storage } = broker.parts.log.stats()
      const reason = isStopping ? 'stopping' : storage === 'full' ? storageReasons.full : null
      if (reason === null)
        sendJson(response, 200, { status: 'ready', ...(storage === 'low' && { reason: storageReasons.low }) })
      else sendJson(response, 503, { status: 'not ready', reason })
    },
    '/metrics': (response) => {
      response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8')
      response.end(metricsText(broker))
    },
    '/info': (response) => sendJson(response, 200, info(broker, version, startedAt)),
  }
  const server = createHttpListener({
    limits: { requestMs: 10_000, headersMs: 5_000 },
    connections: { connectionsMax: 64, connectionsPerAddressMax: 32 },
    refused: (fault, cause) => {
      if (fault.code === 'internal') logger.error('a management request failed', { error: String(cause) })
    },
    answer: (request, response, { path }) => {
      const page = Object.hasOwn(pages, path) ? pages[path] : undefined
      if (page === undefined) sendJson(response, 404, { error: 'not found', pages: Object.keys(pages) })
      else if (request.method !== 'GET') sendJson(response, 405, { error: 'only GET' })
      else page(response)
    },
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return {
    port: (server.address() as AddressInfo).port,
    stopping: () => {
      isStopping = true
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

function info(broker: Broker, version: string, startedAt: string) {
  return {
    name: 'svyaz-broker',
    version,
    startedAt,
    clusterId: broker.clusterId,
    nodeId: broker.parts.nodeId,
    port: broker.port,
    advertised: broker.parts.advertised,
    topics: broker.parts.topics.size,
    apis: apis.map(({ key, name, min, max }) => ({ key, name, min, max })),
  }
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, withRetryAfter(status, { 'content-type': 'application/json' }))
  response.end(JSON.stringify(body))
}
