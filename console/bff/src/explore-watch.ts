/** What goes on coming: server-sent events, a gRPC stream, a WebSocket, each as lines that the API page shows. */
import { on, once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Problem } from '@svyaz/stage'
import WebSocket from 'ws'
import type { WatchLine } from '../../explore.ts'
import type { Caller } from './callers.ts'
import { fieldsShown, pathIn, requestIn } from './explored.ts'
import { fieldsOf, framedRequest, framesOf, grpcWebHeaders, statusOf } from './grpc-web.ts'
import { limits } from './limits.ts'
import { open } from './requests.ts'

type Line = Omit<WatchLine, 'atMs'>
type Body = Readonly<Record<string, unknown>>

/**
 * Begins, and gives what comes until it ends or the signal aborts; how it ended is the last line.
 * @throws Problem 400 for what can't be asked; Unreachable
 */
export async function explorerLines(
  gateway: string,
  caller: Caller,
  asked: Body,
  signal: AbortSignal,
): Promise<AsyncIterable<Line>> {
  if (asked.kind === 'events') return events(gateway, caller, asked, signal)
  if (asked.kind === 'grpc') return grpcStream(gateway, caller, asked, signal)
  if (asked.kind === 'socket') return socketFrames(gateway, caller, pathIn(asked.path), signal)
  throw new Problem(400, 'invalid_request', 'kind is events, grpc or socket')
}

/** @returns the lines, and a last one when the other side ends it or it breaks */
async function* ended(lines: AsyncIterable<Line>, signal: AbortSignal): AsyncGenerator<Line> {
  try {
    yield* lines
  } catch (error) {
    if (!signal.aborted) yield { kind: 'end', data: String(error) }
  }
}

const opened = ({ statusCode = 0, headers }: IncomingMessage): Line => ({
  kind: 'open',
  data: { status: statusCode, headers: fieldsShown(headers) },
})

async function events(gateway: string, caller: Caller, asked: Body, signal: AbortSignal): Promise<AsyncIterable<Line>> {
  const request = requestIn(asked)
  const headers = { ...request.headers, accept: 'text/event-stream', ...(await caller.authorization()) }
  const response = await open({ url: gateway }, { ...request, headers, signal })
  const lines = async function* (): AsyncGenerator<Line> {
    yield opened(response)
    let rest = ''
    const decoder = new TextDecoder()
    for await (const chunk of response as AsyncIterable<Buffer>) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
      rest = parts.pop() ?? ''
      if (rest.length > limits.exploreCharsShown) throw new Error('an event is too long')
      for (const part of parts) yield* eventIn(part)
    }
    // A refusal is a body without an event.
    if (rest.trim() !== '') yield { kind: 'message', data: parsed(rest) }
    yield { kind: 'end' }
  }
  return ended(lines(), signal)
}

function* eventIn(part: string): Generator<Line> {
  const data = part
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).trimStart())
    .join('\n')
  if (data !== '') yield { kind: 'message', data: parsed(data) }
}

async function grpcStream(gateway: string, caller: Caller, asked: Body, signal: AbortSignal) {
  const { grpcMethod } = await import('./grpc-methods.ts')
  const method = grpcMethod(asked.method)
  if (method === undefined || !method.streams)
    throw new Problem(400, 'invalid_request', 'this method has no stream for users')
  const body = framedRequest(method, asked.message)
  const headers = { ...grpcWebHeaders, ...(await caller.authorization()) }
  const response = await open({ url: gateway }, { method: 'POST', path: `/${asked.method}`, headers, body, signal })
  const lines = async function* (): AsyncGenerator<Line> {
    yield opened(response)
    let status = statusOf(fieldsShown(response.headers))
    for await (const { trailers, payload } of framesOf(response as AsyncIterable<Buffer>)) {
      if (trailers) status = statusOf(fieldsOf(payload))
      else yield { kind: 'message', data: method.decode(payload) }
    }
    yield { kind: 'end', data: status }
  }
  return ended(lines(), signal)
}

async function socketFrames(gateway: string, caller: Caller, path: string, signal: AbortSignal) {
  const socket = new WebSocket(`${gateway.replace(/^http/, 'ws')}${path}`, {
    headers: await caller.authorization(),
    handshakeTimeout: limits.callTimeoutMs,
    maxPayload: limits.exploreCharsShown,
    perMessageDeflate: false,
  })
  const frames = on(socket, 'message', { signal, close: ['close'] })
  let closed: Line = { kind: 'end' }
  socket.once('close', (code, reason) => {
    closed = { kind: 'end', data: { code, reason: String(reason) } }
  })
  // Those who wait for frames hear of it too; a refused handshake comes while nobody waits yet.
  socket.on('error', () => undefined)
  const lines = async function* (): AsyncGenerator<Line> {
    try {
      if (socket.readyState !== WebSocket.OPEN) await once(socket, 'open', { signal })
      yield { kind: 'open' }
      for await (const [data] of frames) yield { kind: 'message', data: parsed(String(data)) }
      yield closed
    } finally {
      socket.terminate()
    }
  }
  return ended(lines(), signal)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
