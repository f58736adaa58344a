/** One request from its first header to its last byte: what is known of it, its span, its metrics and its log line. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type Clock,
  type Context,
  callerLeft,
  endOfExchange,
  type Failure,
  type Logger,
  type Metrics,
  type Span,
} from '@svyaz/kit'
import { wasSentWhole } from '@svyaz/listener'
import type { ClientLabel } from './client-address.ts'
import type { Settings } from './config.ts'
import type { SignedIn } from './introspection.ts'
import type { Target } from './target.ts'

/** What the gateway is made of; a test gives its own discovery and identity provider. */
export type GatewayContext = Pick<
  Context<Settings>,
  | 'clock'
  | 'log'
  | 'metrics'
  | 'tracer'
  | 'random'
  | 'ids'
  | 'instance'
  | 'discovery'
  | 'signer'
  | 'settings'
  | 'grpc'
  | 'allowedHosts'
>

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly method: string
  readonly target: Target
  /** Monotonic ms. */
  readonly startedAt: number
  readonly span: Span
  readonly requestId: string
  readonly clientAddress: string
  /** Whether the client waits for 100 before it sends its body (RFC 9110, 10.1.1). */
  readonly expectsContinue: boolean
  /** Aborts when the client went away before it had its answer. */
  readonly gone: AbortController
  /** Whether the gateway is stopping: then this answer is the last on its connection. */
  readonly draining: () => boolean
  /** Added to whatever is answered: names and values, flat. */
  readonly answerHeaders: string[]
  /** The route as metrics and log lines call it: never a raw path. */
  readonly routeLabel: string
  user: SignedIn | undefined
  /** The instance that answered, or was asked last. */
  instance: string | undefined
  failure: Failure | undefined
  /** Frees its place among the requests being answered; undefined while it has none. */
  leave: (() => void) | undefined
}

export interface Observer {
  /** Writes the end of an exchange down, once, when its response is closed. */
  ended(exchange: Exchange): void
}

/** Metrics, span and log line of every exchange's end. */
export const createObserver = (parts: {
  clock: Clock
  log: Logger
  metrics: Metrics
  labelOf: ClientLabel
}): Observer => {
  const { clock, log, labelOf } = parts
  const durations = parts.metrics.histogram(
    'http_server_request_duration_seconds',
    'From the first header to the last byte of the answer',
    ['method', 'route', 'status'],
  )
  return {
    ended(exchange) {
      const { response, failure, span, method, routeLabel } = exchange
      const status = wasSentWhole(response) ? response.statusCode : callerLeft
      const seconds = (clock.monotonic() - exchange.startedAt) / 1000
      durations.observe(seconds, { method: knownMethod(method), route: routeLabel, status: String(status) })
      span.set('http.response.status_code', status)
      if (exchange.user !== undefined) span.set('enduser.id', exchange.user.userId)
      const line = {
        method,
        route: routeLabel,
        path: exchange.target.path,
        status,
        durationMs: Math.round(seconds * 1e6) / 1000,
        userId: exchange.user?.userId,
        upstream: exchange.instance,
        requestId: exchange.requestId,
      }
      const { how, level } = endOfExchange(status, failure)
      if (failure === undefined || how === 'answered') return log[level](line, `request ${how}`)
      // Refusals are traced to their client, by a name that is not an address.
      const client = labelOf(exchange.clientAddress)
      const why = { ...line, client, code: failure.code, detail: failure.detail }
      const cause = failure.cause instanceof Error ? failure.cause.message : undefined
      log[level]({ ...why, ...(how === 'broke' ? { err: failure.cause ?? failure } : { cause }) }, `request ${how}`)
    },
  }
}

/** A label must not take whatever a client invents. */
const known = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const knownMethod = (method: string): string => (known.has(method) ? method : 'OTHER')
