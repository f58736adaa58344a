/**
 * gRPC and gRPC-Web as bytes: content types, messages in their frames, times and statuses. Pure. The rules are those of
 * gRPC over HTTP/2 (PROTOCOL-HTTP2.md) and of gRPC-Web (PROTOCOL-WEB.md).
 */
import { Failure } from '@svyaz/kit'

/** `web`: the trailers come as a last frame of the body, so any version of HTTP will do. */
export type GrpcWire = 'grpc' | 'web'

const mediaTypes: ReadonlyMap<string, GrpcWire> = new Map([
  ['application/grpc', 'grpc'],
  ['application/grpc+proto', 'grpc'],
  ['application/grpc-web', 'web'],
  ['application/grpc-web+proto', 'web'],
])

/** How a request with this content type speaks; undefined: not in a way that is known here. */
export const wireOf = (contentType: string | undefined): GrpcWire | undefined =>
  mediaTypes.get((contentType ?? '').split(';', 1)[0]!.trim().toLowerCase())

/** The content type of an answer. */
export const mediaTypeOf = (wire: GrpcWire): string =>
  wire === 'web' ? 'application/grpc-web+proto' : 'application/grpc+proto'

const headBytes = 5
const compressed = 1
const trailers = 0x80

/** A message, or gRPC-Web's trailers, in a frame. */
export const frame = (payload: Uint8Array, flag = 0): Buffer => {
  const bytes = Buffer.allocUnsafe(headBytes + payload.length)
  bytes[0] = flag
  bytes.writeUInt32BE(payload.length, 1)
  bytes.set(payload, headBytes)
  return bytes
}

/**
 * The one message of a body.
 * @throws Failure `invalid_request` when it is anything but one whole message, uncompressed
 */
export const messageOf = (body: Buffer): Buffer => {
  if (body.length < headBytes) throw new Failure('invalid_request', 'there is no message in the body')
  if (body[0] === compressed)
    throw new Failure('invalid_request', 'messages are taken uncompressed: leave grpc-encoding out')
  if (body[0] !== 0 || body.readUInt32BE(1) !== body.length - headBytes)
    throw new Failure('invalid_request', 'the body isn’t one message in its frame')
  return body.subarray(headBytes)
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 }

/**
 * `grpc-timeout` in ms; undefined when there is none.
 * @throws Failure `invalid_request` for one that can't be read
 */
export const timeoutOf = (value: string | undefined): number | undefined => {
  if (value === undefined) return undefined
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(value) ?? []
  if (digits === undefined)
    throw new Failure('invalid_request', 'grpc-timeout is up to eight digits and one of H M S m u n')
  return Number(digits) * unitMs[unit!]!
}

export interface GrpcStatus {
  readonly code: number
  readonly message: string
  /** google.rpc.Status. */
  readonly details?: Uint8Array
}

/** The fields of a status, as trailers. */
export const statusFields = ({ code, message, details }: GrpcStatus): Record<string, string> => ({
  'grpc-status': String(code),
  ...(message === '' ? {} : { 'grpc-message': percentEncoded(message) }),
  ...(details === undefined
    ? {}
    : { 'grpc-status-details-bin': Buffer.from(details).toString('base64').replace(/=+$/, '') }),
})

/** gRPC-Web's last frame. */
export const trailerFrame = (status: GrpcStatus): Buffer =>
  frame(
    Buffer.from(
      Object.entries(statusFields(status))
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join(''),
    ),
    trailers,
  )

/** Visible ASCII but `%` stays as it is; each other byte of the UTF-8 becomes three. */
const percentEncoded = (text: string): string =>
  [...Buffer.from(text)]
    .map((byte) =>
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('')
