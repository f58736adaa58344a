/** What a listener itself refuses, before anybody else has seen the request. Pure. */

/** The same codes as in the contracts' error table, so that a service can answer them as its own. */
export interface ListenerFault {
  readonly status: 400 | 403 | 405 | 408 | 414 | 431 | 500 | 503
  readonly code:
    | 'invalid_request'
    | 'forbidden'
    | 'method_not_allowed'
    | 'request_timeout'
    | 'target_too_long'
    | 'headers_too_large'
    | 'internal'
    | 'unavailable'
  readonly detail: string
}

export const faults = {
  malformed: { status: 400, code: 'invalid_request', detail: 'this is not a well-formed HTTP request' },
  target: { status: 400, code: 'invalid_request', detail: 'the request target is neither a path nor an http URL' },
  host: {
    status: 403,
    code: 'forbidden',
    detail: 'this address answers to an IP address, localhost, or an allowed Host',
  },
  expectation: {
    status: 400,
    code: 'invalid_request',
    detail: 'the only expectation that can be met is 100-continue',
  },
  tunnel: { status: 405, code: 'method_not_allowed', detail: "this isn't a proxy: CONNECT is not served" },
  slow: { status: 408, code: 'request_timeout', detail: 'the request did not arrive in time' },
  // Nobody is told: it is for the log.
  unread: { status: 408, code: 'request_timeout', detail: 'the client does not read its answer' },
  targetLength: { status: 414, code: 'target_too_long', detail: 'the request target is too long' },
  headers: { status: 431, code: 'headers_too_large', detail: 'the header section is too large' },
  crowded: { status: 503, code: 'unavailable', detail: 'too many connections are at work here' },
  broken: { status: 500, code: 'internal', detail: 'the request could not be answered' },
} as const satisfies Record<string, ListenerFault>

/** What node:http hands to `clientError`. */
export interface BrokenRequest {
  readonly code?: string
  /** The bytes that the parser could not take. */
  readonly rawPacket?: Buffer
}

/**
 * What the sender of a broken request is told. RFC 9110, 15.5: 400, 408, 414; RFC 6585: 431.
 *
 * @returns undefined when the connection itself is gone and nobody is left to be told
 */
export function faultOf({ code, rawPacket }: BrokenRequest): ListenerFault | undefined {
  switch (code) {
    case 'ECONNRESET':
    case 'EPIPE':
      return undefined
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return faults.slow
    // The parser counts target and headers together. A first line without an end is the target's doing.
    case 'HPE_HEADER_OVERFLOW':
      return rawPacket !== undefined && isOneLine(rawPacket) ? faults.targetLength : faults.headers
    default:
      return faults.malformed
  }
}

const isOneLine = (packet: Buffer): boolean => /^[A-Z]+ [^\r\n]*$/.test(packet.subarray(0, 8_192).toString('latin1'))
