/** gRPC-Web as bytes (PROTOCOL-WEB.md): a message in its frame, the frames of an answer, the status at its end. Pure. */
import { Problem } from '@svyaz/stage'

const headBytes = 5
const trailersFlag = 0x80
const frameBytesMax = 4 * 1024 * 1024

/** What a request must say besides its path. */
export const grpcWebHeaders = { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1' } as const

/** A message in its frame. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(headBytes + message.length)
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, headBytes)
  return frame
}

/**
 * A request of a page in its frame.
 * @throws Problem 400 that names the field which doesn't fit
 */
export function framedRequest(method: { encode(message: unknown): Uint8Array }, message: unknown): Buffer {
  try {
    return framed(method.encode(message ?? {}))
  } catch (error) {
    throw new Problem(400, 'invalid_request', (error as Error).message.slice(0, 300))
  }
}

export interface Frame {
  /** The last one: the status, as lines of a header. */
  readonly trailers: boolean
  readonly payload: Buffer
}

/**
 * The frames of a body, as they come.
 * @throws Error for one that is too long, and for a body that ends within one
 */
export async function* framesOf(body: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of body) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= headBytes) {
      const length = rest.readUInt32BE(1)
      if (length > frameBytesMax) throw new Error('a message is too long')
      if (rest.length < headBytes + length) break
      yield {
        trailers: ((rest[0] ?? 0) & trailersFlag) !== 0,
        payload: rest.subarray(headBytes, headBytes + length),
      }
      rest = rest.subarray(headBytes + length)
    }
  }
  if (rest.length > 0) throw new Error('the answer ends within a message')
}

export interface GrpcStatus {
  readonly code: number
  readonly message: string
}

/** @param fields of the head, where the answer has no body, or of the last frame */
export function statusOf(fields: Readonly<Record<string, string>>): GrpcStatus | undefined {
  const code = fields['grpc-status']
  if (code === undefined) return undefined
  return { code: Number(code), message: decoded(fields['grpc-message'] ?? '') }
}

/** The fields of the last frame, by their names in lower case. */
export const fieldsOf = (payload: Buffer): Record<string, string> =>
  Object.fromEntries(
    payload
      .toString('utf8')
      .split('\r\n')
      .filter((line) => line.includes(':'))
      .map((line) => {
        const at = line.indexOf(':')
        return [line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()]
      }),
  )

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
