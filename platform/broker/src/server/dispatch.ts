/** From the bytes of a request to the bytes of its answer, by the API table. Knows no sockets. */
import type { Api } from '../apis/api.ts'
import { offer } from '../apis/api-versions.ts'
import { apiByKey, apis } from '../apis/table.ts'
import type { Broker } from '../broker.ts'
import { MalformedMessage, Reader, Writer } from '../protocol/bytes.ts'
import { decoderOf, encoderOf } from '../protocol/codec.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { readClientId, readRequestHeader, writeResponseHeader } from '../protocol/headers.ts'

const API_VERSIONS = 18

export interface Dispatched {
  readonly api: Api
  /** The answer with its length in front; null when the client wants none. */
  readonly answer: Promise<readonly Buffer[] | null>
}

/**
 * Starts one request. `hurry` tells a parked request to answer with what it has.
 * Throws MalformedMessage when the bytes are not a request that we can answer: the connection has to be closed.
 */
export function dispatch(broker: Broker, host: string, frame: Buffer, hurry: AbortSignal): Dispatched {
  const reader = new Reader(frame)
  const { apiKey, apiVersion, correlationId } = readRequestHeader(reader)
  const api = apiByKey.get(apiKey)
  if (api === undefined) throw new MalformedMessage(`there is no API ${apiKey} here`)
  if (apiVersion < (api.answeredFrom ?? api.min) || apiVersion > api.max) {
    if (apiKey === API_VERSIONS) return { api, answer: Promise.resolve(unknownApiVersions(api, correlationId)) }
    throw new MalformedMessage(`${api.name} is not answered in version ${apiVersion}`)
  }
  const flexible = apiVersion >= api.request.flexibleSince
  const clientId = readClientId(reader, flexible) ?? ''
  const request = decoderOf(api.request, apiVersion)(reader)
  const caller = { clientId, host, apiVersion, hurry }
  return { api, answer: answer(broker, api, caller, correlationId, request) }
}

async function answer(
  broker: Broker,
  api: Api,
  caller: Parameters<Api['handler']>[1],
  correlationId: number,
  request: Parameters<Api['handler']>[2],
): Promise<readonly Buffer[] | null> {
  const response = await api.handler(broker, caller, request)
  return response === null ? null : frameOf(api, caller.apiVersion, correlationId, response)
}

/** An ApiVersions request of a version that we don't know: version 0, which every client can read (KIP-511). */
function unknownApiVersions(api: Api, correlationId: number): readonly Buffer[] {
  return frameOf(api, 0, correlationId, offer(apis, errorCode.UNSUPPORTED_VERSION))
}

function frameOf(api: Api, version: number, correlationId: number, response: object): readonly Buffer[] {
  const writer = new Writer()
  writer.int32(0) // the length, known at the end
  const withTags = api.key !== API_VERSIONS && version >= api.response.flexibleSince
  writeResponseHeader(writer, correlationId, withTags)
  encoderOf(api.response, version)(writer, response as never)
  const parts = writer.parts()
  const [head] = parts
  head?.writeInt32BE(writer.length - 4, 0)
  return parts
}
