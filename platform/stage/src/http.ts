import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import {
  BodyFault,
  type ConnectionBounds,
  createHttpListener,
  faults,
  gatherBody,
  hostName,
  isOwnName,
  type Target,
  withRetryAfter,
  writeProblem,
} from '@svyaz/listener'
import type { Log } from './command.ts'
import { parseJson } from './json.ts'

/** A refusal as the caller sees it (RFC 9457 problem details with a closed `code`). */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly headers: Readonly<Record<string, string>>
  readonly faults: readonly Fault[]
  readonly members: Readonly<Record<string, unknown>>

  constructor(status: number, code: string, detail: string, more: ProblemDetails = {}) {
    super(detail)
    this.status = status
    this.code = code
    this.headers = more.headers ?? {}
    this.faults = more.faults ?? []
    this.members = more.members ?? {}
  }
}

type ProblemDetails = {
  readonly headers?: Readonly<Record<string, string>>
  readonly faults?: readonly Fault[]
  /** Extension members (RFC 9457, 3.2). */
  readonly members?: Readonly<Record<string, unknown>>
}

/** One wrong member of a body; `pointer` is a JSON Pointer (RFC 6901). */
export type Fault = { readonly pointer: string; readonly detail: string }

/**
 * Why there is no route: the path knows other methods (405 with `Allow`, RFC 9110, 15.5.6), or nothing is at it (404).
 *
 * @param known every route as `METHOD /path`
 */
export function noRoute(known: readonly string[], path: string): Problem {
  const allowed = known.filter((route) => route.endsWith(` ${path}`)).map((route) => route.split(' ')[0])
  if (allowed.length === 0) return new Problem(404, 'not_found', 'there is nothing at this path')
  return new Problem(405, 'method_not_allowed', 'this path knows other methods', {
    headers: { allow: allowed.join(', ') },
  })
}

/** Answers with JSON. */
export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  send(response, status, 'application/json', JSON.stringify(value), headers)
}

/** Anything that isn't a `Problem` is answered bare as `internal`; the caller of this function logs it. */
export function sendProblem(response: ServerResponse, error: unknown): void {
  const problem = error instanceof Problem ? error : new Problem(500, 'internal', 'unexpected failure')
  const body = {
    ...problem.members,
    type: 'about:blank',
    title: problem.code,
    status: problem.status,
    code: problem.code,
    detail: problem.message,
    ...(problem.faults.length > 0 ? { errors: problem.faults } : {}),
  }
  send(response, problem.status, 'application/problem+json', JSON.stringify(body), problem.headers)
}

/** Answers with a text; does nothing when an answer was begun or the caller has gone. */
export function send(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.destroyed || response.headersSent) return
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...withRetryAfter(status, headers),
  })
  response.end(body)
}

/**
 * Reads a JSON object of at most `bytesMax` bytes. The media type is required, because a page of another site can
 * send a form without asking but not JSON.
 */
export async function readJsonObject(request: IncomingMessage, bytesMax: number): Promise<Record<string, unknown>> {
  if (!/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new Problem(415, 'unsupported_media_type', 'the body must be application/json')
  if (request.headers['content-encoding'] !== undefined)
    throw new Problem(415, 'unsupported_media_type', 'compressed bodies are not accepted here')
  const body = await readBody(request, bytesMax)
  let value: unknown
  try {
    value = parseJson(body.toString('utf8'))
  } catch (error) {
    throw new Problem(400, 'malformed_json', (error as SyntaxError).message)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Problem(400, 'malformed_json', 'the body must be a JSON object')
  return value as Record<string, unknown>
}

/**
 * The whole body.
 * @throws Problem 413 above `bytesMax`
 */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  try {
    return await gatherBody(request, bytesMax)
  } catch (error) {
    if (!(error instanceof BodyFault)) throw error
    if (error.kind === 'ended-early') throw new Problem(400, 'body_incomplete', 'the body ended early')
    throw new Problem(413, 'body_too_large', `the body may have ${bytesMax} bytes`, {
      headers: { connection: 'close' },
    })
  }
}

/**
 * For what shows or changes something: refuses, wherever this process listens, requests that a browser was led to from another site: by DNS rebinding (a foreign Host that now resolves
 * to this machine) or directly (a foreign Origin).
 */
export function refuseForeign(request: IncomingMessage, allowedHosts: readonly string[] = []): void {
  const host = (request.headers.host ?? '').toLowerCase()
  if (!isOwnName(hostName(host), allowedHosts))
    throw new Problem(403, 'foreign_host', 'this address answers only to a loopback or allowed Host')
  const origin = request.headers.origin
  if (origin !== undefined && origin.toLowerCase() !== `http://${host}`)
    throw new Problem(403, 'foreign_origin', 'requests from pages of another origin are refused')
}

export interface ListenerOptions {
  /** Names, beside addresses and localhost, under which it may be called (hosts.ts). */
  readonly allowedHosts?: readonly string[]
  /** How many connections there may be, in all and per client address (connections.ts). */
  readonly connections?: Partial<ConnectionBounds>
}

/**
 * The guarded server of a process (platform/listener); `answer` may throw, which is a 500 and a line in the log.
 */
export function createListener(
  log: Log,
  answer: (request: IncomingMessage, response: ServerResponse, target: Target) => void | Promise<void>,
  { allowedHosts = [], connections }: ListenerOptions = {},
): Server {
  return createHttpListener({
    answer,
    ...(connections && { connections }),
    hosts: { names: allowedHosts },
    // The code that `refuseForeign` has for the same.
    write: (fault) => writeProblem(fault === faults.host ? { ...fault, code: 'foreign_host' } : fault),
    refused: ({ code, detail }, cause) =>
      log(code === 'internal' ? 'error' : 'warn', 'request refused', {
        code,
        detail,
        ...(cause === undefined ? {} : { error: String(cause) }),
      }),
  })
}

/** Opens the port; rejects with the system's error (EADDRINUSE and so on). */
export async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

/** Stops accepting, gives requests under way `drainMs`, then cuts what is left. */
export async function close(server: Server, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), drainMs)
  await closed
  clearTimeout(cut)
}
