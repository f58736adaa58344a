/** A request of HTTP/2 in the form of HTTP/1.1: what RFC 9113, 8.3 asks of whoever passes it on. */
import type { ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { faults, type ListenerFault } from './faults.ts'

type Parts = Pick<Http2ServerRequest, 'rawHeaders' | 'headers'>

/**
 * Takes the pseudo-fields out of `rawHeaders` and puts Host in; joins a cookie that came in pieces (8.2.3). What would
 * make two requests of one further on (a line break in a value, a length that isn't, a space in the path) nghttp2 has
 * refused already.
 *
 * @returns why it is refused: its two names contradict each other
 */
export function formAsHttp1({ rawHeaders, headers }: Parts): ListenerFault | undefined {
  const authority = headers[':authority']
  if (authority !== undefined && headers.host !== undefined && headers.host !== authority) return faults.malformed
  const host = authority ?? headers.host
  const fields: string[] = host === undefined ? [] : ['host', host]
  const cookies: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    if (name === 'cookie') cookies.push(rawHeaders[at + 1]!)
    else if (name !== 'host' && name.charCodeAt(0) !== 0x3a) fields.push(name, rawHeaders[at + 1]!)
  }
  if (cookies.length > 0) fields.push('cookie', cookies.join('; '))
  rawHeaders.splice(0, rawHeaders.length, ...fields)
  if (host !== undefined) headers.host = host
  return undefined
}

/**
 * Whether a request has a body, whatever its version.
 * HTTP/1.1 says so by a length or a coding (RFC 9112, 6.3), HTTP/2 by not ending with the headers.
 */
export function hasBody(request: {
  readonly headers: {
    readonly 'content-length'?: string | undefined
    readonly 'transfer-encoding'?: string | undefined
  }
  readonly httpVersionMajor: number
}): boolean {
  const { headers, httpVersionMajor } = request
  if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0') return true
  return httpVersionMajor >= 2 && !(request as unknown as Http2ServerRequest).stream.endAfterHeaders
}

/**
 * Whether an answer was handed over whole when it closed, whatever its version. On HTTP/2 `writableFinished` is true
 * even when the client took the stream back in the middle; only the stream knows.
 */
export function wasSentWhole(response: ServerResponse): boolean {
  const { stream } = response as unknown as Partial<Http2ServerResponse>
  return stream === undefined ? response.writableFinished : !stream.aborted && !stream.errored
}

/**
 * Whether nobody takes anything more of an answer that hasn't ended, whatever its version. HTTP/2's class has no
 * `destroyed`; its stream knows.
 */
export function isGone(response: ServerResponse): boolean {
  const { stream } = response as unknown as Partial<Http2ServerResponse>
  return stream === undefined ? response.destroyed : stream.closed || stream.destroyed
}
