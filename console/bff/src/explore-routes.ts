/**
 * The API page's requests: to the gateway, as the page describes them and as whom it says. The gateway judges what may
 * be asked; what may change something is kept in the activity log.
 */
import type { IncomingMessage } from 'node:http'
import { Problem, readJsonObject, sendJson } from '@svyaz/stage'
import type { GrpcAnswered } from '../../explore.ts'
import { type Caller, callerOf, callersFor } from './callers.ts'
import { explorerLines } from './explore-watch.ts'
import { changes, fieldsShown, requestIn, shown } from './explored.ts'
import { fieldsOf, framedRequest, framesOf, type GrpcStatus, grpcWebHeaders, statusOf } from './grpc-web.ts'
import { limits } from './limits.ts'
import { LineStreams, sendJsonLines } from './line-streams.ts'
import { open } from './requests.ts'
import { acted, type Call, type Parts, type Route } from './route.ts'

type Body = Readonly<Record<string, unknown>>

/** `GET /api/explore/callers`; `POST /api/explore/http`, `/grpc` and `/watch` (explore.ts beside protocol.ts). */
export const exploreRoutes = (parts: Parts): readonly Route[] => {
  const { exploreStreamsMax: max, exploreStreamsPerAddressMax: perAddressMax } = limits
  const streams = new LineStreams(parts, { max, perAddressMax }, 'streams are being watched')
  return [
    {
      method: 'GET',
      path: /^\/api\/explore\/callers$/,
      access: 'page',
      handle: ({ request, response }) => sendJson(response, 200, { callers: callersFor(parts, request) }),
    },
    {
      method: 'POST',
      path: /^\/api\/explore\/http$/,
      access: 'operator',
      handle: async ({ request, response }) => sendJson(response, 200, await byHttp(parts, request)),
    },
    {
      method: 'POST',
      path: /^\/api\/explore\/grpc$/,
      access: 'operator',
      handle: async ({ request, response }) => {
        const body = await readJsonObject(request, limits.exploreBodyBytesMax)
        const caller = await callerOf(parts, request, body.as)
        sendJson(response, 200, await byGrpc(parts.gateway, caller, body))
      },
    },
    {
      method: 'POST',
      path: /^\/api\/explore\/watch$/,
      access: 'operator',
      handle: (call) => watch(parts, streams, call),
    },
  ]
}

async function byHttp(parts: Parts, request: IncomingMessage) {
  const body = await readJsonObject(request, limits.exploreBodyBytesMax)
  const asked = requestIn(body)
  const caller = await callerOf(parts, request, body.as)
  const work = async () => {
    const began = performance.now()
    const answer = await caller.ask(asked)
    return shown(answer, performance.now() - began)
  }
  if (!changes(asked)) return work()
  const target = `${asked.method} ${asked.path.split('?', 1)[0]}`.slice(0, 120)
  return acted(parts, request, { action: 'request', target, detail: String(body.as) }, work)
}

/**
 * One call and its one answer.
 * @throws Problem 400 for a method that isn't public, or a message that isn't its request; Unreachable
 */
async function byGrpc(gateway: string, caller: Caller, { method: name, message }: Body): Promise<GrpcAnswered> {
  const { grpcMethod } = await import('./grpc-methods.ts')
  const method = grpcMethod(name)
  if (method === undefined || method.streams)
    throw new Problem(400, 'invalid_request', 'this method has no single answer for users')
  const body = framedRequest(method, message)
  const headers = { ...grpcWebHeaders, ...(await caller.authorization()) }
  const began = performance.now()
  const signal = AbortSignal.timeout(limits.callTimeoutMs)
  const response = await open({ url: gateway }, { method: 'POST', path: `/${name}`, headers, body, signal })
  let status: GrpcStatus | undefined = statusOf(fieldsShown(response.headers))
  let answer: unknown
  let bytes = 0
  const counted = async function* () {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length
      yield chunk
    }
  }
  if (response.headers['content-type']?.startsWith('application/grpc-web') !== true) {
    response.resume()
    throw new Problem(502, 'bad_gateway', `the gateway answered ${response.statusCode}, without gRPC`)
  }
  for await (const { trailers, payload } of framesOf(counted())) {
    if (trailers) status = statusOf(fieldsOf(payload))
    else answer = method.decode(payload)
  }
  const fields = fieldsShown(response.headers)
  const traceId = fields['x-trace-id']
  return {
    code: status?.code ?? 2,
    message: status?.message ?? '',
    ...(answer === undefined ? {} : { answer }),
    headers: fields,
    bytes,
    ms: performance.now() - began,
    ...(traceId === undefined ? {} : { traceId }),
  }
}

/** A line of JSON for each thing that comes, for as long as the page reads and no longer than its time. */
async function watch(parts: Parts, streams: LineStreams, call: Call): Promise<void> {
  const body = await readJsonObject(call.request, limits.exploreBodyBytesMax)
  const caller = await callerOf(parts, call.request, body.as)
  await streams.during(call, async (there) => {
    const signal = AbortSignal.any([there, AbortSignal.timeout(limits.exploreStreamMs)])
    const coming = await explorerLines(parts.gateway, caller, body, signal)
    const lines = async function* () {
      for await (const line of coming) yield { atMs: Date.now(), ...line }
    }
    await sendJsonLines(call.response, lines())
  })
}
