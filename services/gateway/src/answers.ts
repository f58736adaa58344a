/** Answers that the gateway makes itself. */
import type { ServerResponse } from 'node:http'
import { type Failure, problemHeaders, problemMediaType, problemOf } from '@svyaz/kit'
import { needsRetryAfter, retryAfterDefault } from '@svyaz/listener'
import type { Exchange } from './exchange.ts'
import { nothingMayLoad, securityHeaders } from './headers.ts'

/** What every answer carries, as a fresh flat list to add to. */
export const standardHeaders = (exchange: Exchange): string[] => {
  if (exchange.draining()) exchange.response.shouldKeepAlive = false
  return [
    ...securityHeaders,
    'x-trace-id',
    exchange.span.traceId,
    'x-request-id',
    exchange.requestId,
    ...exchange.answerHeaders,
  ]
}

/** `headers` come on top of the standard ones. HEAD gets the head only. */
export const send = (exchange: Exchange, status: number, headers: readonly string[], body?: string | Buffer): void => {
  const { response } = exchange
  if (response.headersSent || response.destroyed) return
  const all = standardHeaders(exchange)
  if (!headers.includes('content-security-policy')) all.push(...nothingMayLoad)
  all.push(...headers)
  if (needsRetryAfter(status) && !headers.includes('retry-after')) all.push('retry-after', String(retryAfterDefault))
  if (status !== 204 && status !== 304) all.push('content-length', String(body ? Buffer.byteLength(body) : 0))
  response.writeHead(status, all)
  response.end(exchange.method === 'HEAD' ? undefined : body)
}

/**
 * Answers an exchange with JSON.
 * @param headers names and values, flat
 */
export const sendJson = (exchange: Exchange, status: number, value: unknown, headers: readonly string[] = []): void =>
  send(exchange, status, ['content-type', 'application/json', ...headers], JSON.stringify(value))

/** Ends an answer that has begun and won't be whole, so that its client sees it. */
export const breakOff = (response: ServerResponse): void => {
  // Without an error HTTP/2 ends the stream as behind a whole answer (RFC 9113, 8.1); with one, HTTP/1.1 reports a client.
  response.destroy(response.req.httpVersionMajor >= 2 ? new Error('the answer broke off') : undefined)
}

/** problem+json (RFC 9457); when the answer has begun already, the connection breaks: the client must not trust it. */
export const sendProblem = (exchange: Exchange, failure: Failure): void => {
  exchange.failure = failure
  const { response } = exchange
  if (response.headersSent) return breakOff(response)
  const headers = ['content-type', problemMediaType, 'cache-control', 'no-store']
  for (const [name, value] of Object.entries(problemHeaders(failure))) headers.push(name, value)
  // What was not read would be taken for the next request, or be read for nothing.
  if (failure.code === 'body_too_large' && exchange.request.httpVersionMajor < 2) headers.push('connection', 'close')
  send(exchange, failure.status, headers, JSON.stringify(problemOf(failure, exchange.span.traceId)))
}

/** The problem as bytes of HTTP, for connections on which no request could be read. The connection ends with it. */
export const rawProblem = (failure: Failure, traceId: string): string => {
  const body = JSON.stringify(problemOf(failure, traceId))
  const headers = {
    'content-type': problemMediaType,
    'content-length': String(Buffer.byteLength(body)),
    'x-trace-id': traceId,
    'cache-control': 'no-store',
    connection: 'close',
    ...problemHeaders(failure),
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${failure.status} ${failure.code}\r\n${lines.join('')}\r\n${body}`
}
