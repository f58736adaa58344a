/** The body on its way in: gathered when it is small and its length is known, streamed when not; never over the limit. */
import type { IncomingMessage } from 'node:http'
import { bodyTooLarge, Failure, readBody } from '@svyaz/kit'
import { hasBody } from '@svyaz/listener'
import { gatewayLimits } from './config.ts'

/** Bytes in hand, or a stream that has not been touched until someone iterates it. */
export type RequestBody =
  | { kind: 'none' }
  | { kind: 'bytes'; bytes: Buffer }
  | { kind: 'stream'; chunks: AsyncIterable<Buffer>; started: () => boolean }

const clientLeft = (cause?: unknown) => new Failure('invalid_request', 'the body ended early', { cause })

/** @throws Failure `body_too_large` before a byte was read, where the length is known. */
export const bodyOf = (request: IncomingMessage): RequestBody | Promise<RequestBody> => {
  const length = request.headers['content-length']
  if (length === undefined) return hasBody(request) ? begun(request) : none
  if (length === '0') return none
  const bytes = Number(length)
  if (bytes > gatewayLimits.bodyBytesMax) throw bodyTooLarge(gatewayLimits.bodyBytesMax)
  return bytes > gatewayLimits.bodyBytesGathered
    ? streamed(chunksOf(request))
    : readBody(request, bytes).then((gathered) => ({ kind: 'bytes', bytes: gathered }))
}
const none: RequestBody = { kind: 'none' }

/** Of unknown length: gathered as far as a small one goes, so that a slow sender holds no service. */
const begun = async (request: IncomingMessage): Promise<RequestBody> => {
  const chunks = chunksOf(request)
  const first: Buffer[] = []
  let bytes = 0
  try {
    while (bytes <= gatewayLimits.bodyBytesGathered) {
      const next = await chunks.next()
      if (next.done) return { kind: 'bytes', bytes: Buffer.concat(first) }
      first.push(next.value)
      bytes += next.value.length
    }
  } catch (error) {
    throw error instanceof Failure ? error : clientLeft(error)
  }
  return streamed(chunks, first)
}

/** A service that stops reading must not cut the client's connection: it still gets its answer. */
const chunksOf = (request: IncomingMessage): AsyncIterator<Buffer> =>
  (request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)[Symbol.asyncIterator]()

const streamed = (chunks: AsyncIterator<Buffer>, first: readonly Buffer[] = []): RequestBody => {
  let started = false
  return {
    kind: 'stream',
    started: () => started,
    chunks: {
      async *[Symbol.asyncIterator]() {
        started = true
        let bytes = 0
        const take = (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > gatewayLimits.bodyBytesMax) throw bodyTooLarge(gatewayLimits.bodyBytesMax)
          return chunk
        }
        for (const chunk of first) yield take(chunk)
        for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield take(next.value)
      },
    },
  }
}
