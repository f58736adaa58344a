/** The body on its way in: gathered when it is small and its length is known, streamed when not; never over the limit. */
import type { IncomingMessage } from 'node:http'
import { bodyTooLarge, Failure, readBody } from '@svyaz/kit'
import { hasBody } from '@svyaz/listener'
import { gatewayLimits } from './config.ts'

/** Bytes in hand, or a stream that has not been touched until it is to flow. */
export type RequestBody = { kind: 'none' } | { kind: 'bytes'; bytes: Buffer } | StreamedBody

/** Where a streamed body goes. Either `end` or `fail` is called, once, and nothing afterwards. */
export interface BodySink {
  /** False: the next one waits until the flow is resumed. */
  write(chunk: Buffer): boolean
  end(): void
  fail(failure: Failure): void
}

export interface BodyFlow {
  resume(): void
  /** The sink wants no more: what is still to come is read and dropped, so that the client's next request is found. */
  stop(): void
}

const clientLeft = (cause?: unknown) => new Failure('invalid_request', 'the body ended early', { cause })

/** @throws Failure `body_too_large` before a byte was read, where the length is known. */
export const bodyOf = (request: IncomingMessage): RequestBody | Promise<RequestBody> => {
  const length = request.headers['content-length']
  if (length === undefined) return hasBody(request) ? begun(request) : none
  if (length === '0') return none
  const bytes = Number(length)
  if (bytes > gatewayLimits.bodyBytesMax) throw bodyTooLarge(gatewayLimits.bodyBytesMax)
  return bytes > gatewayLimits.bodyBytesGathered
    ? new StreamedBody(request)
    : readBody(request, bytes).then((gathered) => ({ kind: 'bytes', bytes: gathered }))
}
const none: RequestBody = { kind: 'none' }

/** Of unknown length: gathered as far as a small one goes, so that a slow sender holds no service. */
const begun = (request: IncomingMessage): Promise<RequestBody> =>
  new Promise((resolve, reject) => {
    const first: Buffer[] = []
    let bytes = 0
    const forget = listen(request, {
      data(chunk) {
        first.push(chunk)
        bytes += chunk.length
        if (bytes <= gatewayLimits.bodyBytesGathered) return
        forget()
        request.pause()
        resolve(new StreamedBody(request, first))
      },
      over(failure) {
        forget()
        if (failure === undefined) resolve({ kind: 'bytes', bytes: Buffer.concat(first) })
        else reject(failure)
      },
    })
    request.resume()
  })

interface Listener {
  data(chunk: Buffer): void
  /** With why, when the body isn't whole. */
  over(failure: Failure | undefined): void
}

/** Hears a body until what it gives back is called; events instead of an iterator, whose promises cost more than its bytes. */
const listen = (request: IncomingMessage, { data, over }: Listener): (() => void) => {
  // On HTTP/2 a stream that its client takes back may end like a whole one.
  const end = () => over(request.aborted ? clientLeft() : undefined)
  const broken = (cause?: unknown) => over(clientLeft(cause))
  request.on('data', data).on('end', end).on('error', broken).on('close', broken)
  return () => void request.off('data', data).off('end', end).off('error', broken).off('close', broken)
}

/** A body of which at most the first part has been read. It can flow once. */
export class StreamedBody {
  readonly kind = 'stream'
  readonly #request: IncomingMessage
  readonly #first: readonly Buffer[]
  #started = false

  constructor(request: IncomingMessage, first: readonly Buffer[] = []) {
    this.#request = request
    this.#first = first
  }

  /** Whether some of it may have gone on: then it can't be sent a second time. */
  started(): boolean {
    return this.#started
  }

  /** Lets it flow. The sink gets a Failure `body_too_large` above the limit, `invalid_request` when the client leaves. */
  flow(sink: BodySink): BodyFlow {
    this.#started = true
    const request = this.#request
    let bytes = 0
    let over = false
    const finish = (failure: Failure | undefined) => {
      if (over) return
      over = true
      forget()
      if (failure === undefined) sink.end()
      else sink.fail(failure)
    }
    const data = (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > gatewayLimits.bodyBytesMax) finish(bodyTooLarge(gatewayLimits.bodyBytesMax))
      else if (!sink.write(chunk)) request.pause()
    }
    const forget = listen(request, { data, over: finish })
    for (const chunk of this.#first) data(chunk)
    // It may have left while nobody listened.
    if (request.destroyed && !request.readableEnded) finish(clientLeft())
    else request.resume()
    return {
      resume: () => void (over || request.resume()),
      stop: () => {
        if (over) return
        over = true
        forget()
        request.resume()
      },
    }
  }
}
