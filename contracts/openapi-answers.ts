/** What an operation may answer: success and problems, with their headers, as OpenAPI 3.1 says them. */
import { type ErrorCode, errorTable } from './errors.ts'
import { type Json, schemaOf } from './json-schema.ts'
import { limits } from './primitives.ts'
import { type Route, readsIfMatch, readsIfNoneMatch } from './vocabulary.ts'

/** Who answers: the gateway, with its limits, its CORS and its own refusals, or a service within. */
export type Answerer = 'gateway' | 'service'

const string = (maxLength: number, more: Json = {}): Json => ({ type: 'string', maxLength, ...more })
const headerCharsMax = 8_192

/** Headers by name, each once among the document's components. */
export const headerComponents: Record<string, Json> = {
  ETag: { description: 'The version, quoted', schema: string(100, { pattern: '^"[^"]*"$' }) },
  Link: { description: 'rel="next" while there is more (RFC 8288)', schema: string(headerCharsMax) },
  Location: {
    description: 'Where what was made can be read',
    schema: string(headerCharsMax, { format: 'uri-reference' }),
  },
  'Idempotency-Replayed': {
    description: 'true when this is the answer of an earlier request with the key',
    schema: { type: 'string', enum: ['true'] },
  },
  'Retry-After': {
    description: 'Seconds',
    schema: { type: 'integer', format: 'int32', minimum: 0, maximum: 86_400 },
  },
  'WWW-Authenticate': { description: 'How to sign in (RFC 6750)', schema: string(200, { pattern: '^Bearer' }) },
  RateLimit: {
    description:
      'What is left of the limit and after how many seconds more of it is back (draft-ietf-httpapi-ratelimit-headers-10); absent where a request was refused before it was counted',
    schema: string(200, { pattern: '^"[^"]+";r=\\d+;t=\\d+$', examples: ['"user";r=99;t=60'] }),
  },
  'RateLimit-Policy': {
    description: 'The limit: how many requests in how many seconds',
    schema: string(200, { pattern: '^"[^"]+";q=\\d+;w=\\d+$', examples: ['"user";q=100;w=60'] }),
  },
  'Access-Control-Allow-Origin': {
    description: 'The origin of the page that asked, where it is on the list of the setting corsOrigins; else absent',
    schema: string(300, { format: 'uri' }),
  },
  'X-Trace-Id': {
    description: 'Finds the request in traces and logs',
    schema: string(32, { pattern: '^[0-9a-f]{32}$' }),
  },
}

const headers = (names: readonly string[]): Json => {
  if (names.length === 0) return {}
  return { headers: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }])) }
}

/** On every answer of the gateway. */
const gatewayHeaders = ['RateLimit', 'RateLimit-Policy', 'Access-Control-Allow-Origin', 'X-Trace-Id']
const standing = (answerer: Answerer): string[] => (answerer === 'gateway' ? gatewayHeaders : [])

/** What the gateway answers whatever service is behind it. A token that is given must be good, also where none is needed. */
const edgeCodes = [
  'unauthenticated',
  'request_timeout',
  'target_too_long',
  'headers_too_large',
  'too_many_requests',
  'bad_gateway',
] as const

/** Codes that any operation may answer, because the server itself does. */
const alwaysPossible = (route: Route, answerer: Answerer): ErrorCode[] => [
  'invalid_request',
  'internal',
  'unavailable',
  'deadline_exceeded',
  ...(route.access.anonymous === true ? [] : (['unauthenticated', 'forbidden'] as const)),
  ...(route.method === 'GET' ? [] : (['invalid_json', 'body_too_large', 'unsupported_media_type'] as const)),
  ...(readsIfMatch(route) ? (['version_mismatch'] as const) : []),
  ...(route.idempotencyKey ? (['idempotency_key_reused'] as const) : []),
  ...(answerer === 'gateway' ? edgeCodes : []),
]

/** One response per status, since several codes share one; its `code` is an enum of those. */
const problemsOf = (route: Route, answerer: Answerer): Json => {
  const codes = [...new Set([...route.errors, ...alwaysPossible(route, answerer)])]
  const byStatus = Map.groupBy(codes, (code) => errorTable[code].status)
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, list]) => [String(status), problemOf(status, list, answerer)]),
  )
}

const problemOf = (status: number, codes: readonly ErrorCode[], answerer: Answerer): Json => ({
  description: codes.map((code) => `${code}: ${errorTable[code].title}`).join('. '),
  ...headers([
    ...(errorTable[codes[0]!].retry ? ['Retry-After'] : []),
    ...(status === 401 ? ['WWW-Authenticate'] : []),
    ...standing(answerer),
  ]),
  content: {
    'application/problem+json': {
      schema: {
        allOf: [
          { $ref: '#/components/schemas/Problem' },
          { type: 'object', properties: { code: { type: 'string', enum: codes } } },
        ],
      },
    },
  },
})

const successOf = (route: Route, answerer: Answerer): Json => ({
  description: route.summary,
  ...headers([
    ...(route.etag ? ['ETag'] : []),
    ...(route.pages ? ['Link'] : []),
    ...(route.status === 201 ? ['Location'] : []),
    ...(route.idempotencyKey ? ['Idempotency-Replayed'] : []),
    ...standing(answerer),
  ]),
  ...contentOf(route),
})

const contentOf = ({ reply, stream }: Route): Json => {
  if (stream !== undefined) return { content: { 'text/event-stream': { schema: eventSchema(stream) } } }
  return reply === undefined ? {} : { content: { 'application/json': { schema: schemaOf(reply, 'output') } } }
}

/** Before 3.2 OpenAPI has no word for one event of a stream: the schema of the stream is read as that of each. */
const eventSchema = ({ event, data }: NonNullable<Route['stream']>): Json => ({
  description: 'One server-sent event; a comment line keeps the connection alive in between',
  type: 'object',
  required: ['event', 'id', 'data'],
  properties: {
    event: { type: 'string', const: event },
    id: string(20, { pattern: '^\\d+$' }),
    data: string(limits.bodyBytesMax, {
      contentMediaType: 'application/json',
      contentSchema: schemaOf(data, 'output'),
    }),
  },
})

/**
 * The `responses` of an operation: its success, and every error that it can be answered with.
 * @param answerer who answers: the service alone, or the gateway before it
 */
export const responsesOf = (route: Route, answerer: Answerer): Json => ({
  [String(route.status)]: successOf(route, answerer),
  ...(readsIfNoneMatch(route)
    ? { '304': { description: 'Still the version that was named', ...headers(['ETag', ...standing(answerer)]) } }
    : {}),
  ...problemsOf(route, answerer),
})

export const problemSchema: Json = {
  type: 'object',
  description: 'RFC 9457 with our code and traceId',
  required: ['type', 'title', 'status', 'detail', 'code', 'traceId'],
  properties: {
    type: string(100, { format: 'uri', examples: ['urn:svyaz:problem:not_found'] }),
    title: string(100),
    status: { type: 'integer', format: 'int32', minimum: 400, maximum: 599 },
    detail: string(limits.problemTextCharsMax),
    code: { type: 'string', enum: Object.keys(errorTable) },
    traceId: string(limits.traceIdCharsMax, { pattern: '^[0-9a-f]{32}$' }),
    errors: {
      type: 'array',
      maxItems: limits.problemFaultsMax,
      items: {
        type: 'object',
        required: ['in', 'pointer', 'detail'],
        properties: {
          in: { type: 'string', enum: ['body', 'query', 'path', 'header'] },
          pointer: string(limits.problemTextCharsMax, {
            description: 'JSON Pointer (RFC 6901), cut where it is longer',
          }),
          detail: string(limits.problemTextCharsMax),
        },
      },
    },
  },
}
