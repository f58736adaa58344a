/** Which pages of other origins may read answers (the Fetch standard's CORS protocol), from an allow-list. Pure. */
import { routedMethods } from './routes.ts'

const exposed = [
  'Age',
  'Cache-Status',
  'ETag',
  'Link',
  'Location',
  'Retry-After',
  'RateLimit',
  'RateLimit-Policy',
  'Idempotency-Replayed',
  'X-Trace-Id',
  'X-Request-Id',
  'Grpc-Status',
  'Grpc-Message',
  'Grpc-Status-Details-Bin',
].join(', ')
const requestHeaders =
  'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id, traceparent, Last-Event-ID, X-Grpc-Web, X-User-Agent, Grpc-Timeout'
const preflightSeconds = '600'

/** For any answer, as a flat list. Tokens travel in a header, so no credentials are allowed. */
export const corsHeaders = (origin: string | undefined, allowed: readonly string[]): readonly string[] => {
  if (origin === undefined) return varies
  return allowed.includes(origin)
    ? ['access-control-allow-origin', origin, 'access-control-expose-headers', exposed, 'vary', 'Origin']
    : varies
}
/** Also without an Origin: a cache must not give the answer of one page to another. */
const varies: readonly string[] = ['vary', 'Origin']

/** What a preflight gets besides `corsHeaders`; nothing for an origin that is not on the list. */
export const preflightHeaders = (origin: string, allowed: readonly string[]): readonly string[] =>
  allowed.includes(origin)
    ? [
        'access-control-allow-methods',
        routedMethods.join(', '),
        'access-control-allow-headers',
        requestHeaders,
        'access-control-max-age',
        preflightSeconds,
      ]
    : []
