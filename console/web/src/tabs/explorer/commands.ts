/** The same request as a line for a shell, with `$TOKEN` where the token of whoever asks would be. Pure. */
import type { GrpcMethod } from '../../../declared-api.ts'
import type { Request } from './fields.ts'

/** In single quotes, in which a shell reads nothing. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

const signedIn = `-H "authorization: Bearer $TOKEN"`

/**
 * @param gateway http://host:port
 * @param anonymous leaves the token out
 */
export function asCurl(gateway: string, request: Request, anonymous: boolean, streams = false): string {
  const { method, path, headers, body } = request
  return [
    `curl ${streams ? '-sN' : '-s'}${method === 'GET' ? '' : ` -X ${method}`} ${quoted(gateway + path)}`,
    ...(anonymous ? [] : [signedIn]),
    ...Object.entries({ ...headers, ...(streams ? { accept: 'text/event-stream' } : {}) }).map(
      ([name, value]) => `-H ${quoted(`${name.toLowerCase()}: ${value}`)}`,
    ),
    ...(body === undefined ? [] : [`-H 'content-type: application/json'`, `-d ${quoted(JSON.stringify(body))}`]),
  ].join(' \\\n  ')
}

/** @param tls localhost:port, where the gateway speaks HTTP/2; run in the folder of the repository */
export const asGrpcurl = (tls: string, method: GrpcMethod, message: unknown): string =>
  [
    `grpcurl -cacert .svyaz/keys/tls/authority.pem -import-path contracts/proto -proto ${method.file}`,
    signedIn,
    `-d ${quoted(JSON.stringify(message))}`,
    `${tls} ${method.name}`,
  ].join(' \\\n  ')
