/** The paths by which whoever runs a process watches it. They show nothing private, and may be read under any Host. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { send, sendJson } from './http.ts'
import { metricsMediaType } from './metrics-text.ts'

export interface Watched {
  readonly service: string
  /** What `/info` says beside service, process id and runtime. */
  readonly info?: () => object
  /** The page of `/metrics` (metrics-text.ts). */
  readonly metrics: () => string
  /** Not ready from then on, and alive to the end. */
  readonly stopping: () => boolean
}

/** Handlers by `METHOD /path`: `/health/live`, `/health/ready`, `/info`, `/metrics`. */
export const watchRoutes = ({ service, info, metrics, stopping }: Watched) =>
  ({
    'GET /health/live': (_, response) => sendJson(response, 200, { status: 'UP' }),
    'GET /health/ready': (_, response) =>
      sendJson(response, stopping() ? 503 : 200, { status: stopping() ? 'DOWN' : 'UP' }),
    'GET /info': (_, response) =>
      sendJson(response, 200, { service, pid: process.pid, node: process.version, ...info?.() }),
    'GET /metrics': (_, response) => send(response, 200, metricsMediaType, metrics()),
  }) satisfies Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>>
