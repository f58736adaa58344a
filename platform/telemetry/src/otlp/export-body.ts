/** The body of an export: JSON or protobuf, plain or gzip. Its size limit holds before and after decompression. */
import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Problem, readBody } from '@svyaz/stage'
import { excessOf } from './json-bounds.ts'
import type { MessageName } from './messages.ts'
import { decodeMessage } from './protobuf.ts'

const gunzipped = promisify(gunzip)

const protobufType = 'application/x-protobuf'

/** An answer has the form of its request. */
export const isProtobuf = (request: IncomingMessage): boolean => mediaTypeOf(request) === protobufType

const mediaTypeOf = (request: IncomingMessage): string =>
  (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''

/** What one export holds of the memory that all share. */
export class BodyBudget {
  readonly #all: { held: number }
  readonly #bytesMax: number
  #own = 0

  constructor(all: { held: number }, bytesMax: number) {
    this.#all = all
    this.#bytesMax = bytesMax
  }

  /** @returns false when there isn't that much */
  take(bytes: number): boolean {
    this.#own += bytes
    this.#all.held += bytes
    return this.#all.held <= this.#bytesMax
  }

  giveBack(): void {
    this.#all.held -= this.#own
    this.#own = 0
  }
}

/**
 * @param message what it is in protobuf
 * @param budget the bytes are taken from it as they come; whoever made it gives them back
 * @returns in the JSON mapping
 * @throws Problem that says what the exporter must do otherwise
 */
export async function readExport(
  request: IncomingMessage,
  message: MessageName,
  bytesMax: number,
  budget: BodyBudget,
): Promise<unknown> {
  const mediaType = mediaTypeOf(request)
  if (mediaType !== 'application/json' && mediaType !== protobufType)
    throw new Problem(415, 'unsupported_media_type', `the body must be application/json or ${protobufType}`)
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase()
  if (encoding !== 'identity' && encoding !== 'gzip')
    throw new Problem(415, 'unsupported_encoding', 'Content-Encoding may be gzip', {
      headers: { 'accept-encoding': 'gzip' },
    })
  const body = await bodyWithin(budget, request, bytesMax)
  const plain = encoding === 'gzip' ? await decompressInTurn(body, bytesMax) : body
  if (mediaType === protobufType) return decodeMessage(message, plain)
  const excess = excessOf(plain)
  if (excess !== undefined) throw new Problem(400, 'malformed_json', `the body ${excess}`)
  try {
    return JSON.parse(plain.toString('utf8'))
  } catch {
    throw new Problem(400, 'malformed_json', 'the body is not JSON')
  }
}

/** @throws Problem 503 when all bodies together are too large, however slowly they come */
async function bodyWithin(budget: BodyBudget, request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const { promise: refused, reject } = Promise.withResolvers<never>()
  request.on('data', (chunk: Buffer) => {
    if (budget.take(chunk.length)) return
    request.pause()
    const headers = { 'retry-after': '1', connection: 'close' }
    reject(new Problem(503, 'overloaded', 'too many bytes of exports are in flight', { headers }))
  })
  return await Promise.race([readBody(request, bytesMax), refused])
}

/** One after the other: what comes out may be a thousand times as large. */
let lastDecompressed: Promise<unknown> = Promise.resolve()

function decompressInTurn(body: Buffer, bytesMax: number): Promise<Buffer> {
  const own = lastDecompressed.then(() => decompress(body, bytesMax))
  lastDecompressed = own.catch(() => undefined)
  return own
}

async function decompress(body: Buffer, bytesMax: number): Promise<Buffer> {
  try {
    return await gunzipped(body, { maxOutputLength: bytesMax })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new Problem(413, 'body_too_large', `the body may have ${bytesMax} bytes after decompression`)
    throw new Problem(400, 'malformed_gzip', 'the body is not gzip')
  }
}
