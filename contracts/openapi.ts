/** Routes → OpenAPI 3.1. Pure: the documents, Swagger UI and the tests from outside read what the services check. */
import { z } from 'zod'
import { type ErrorCode, errorTable } from './errors.ts'
import { limits } from './primitives.ts'
import type { Route } from './vocabulary.ts'

type Json = { [name: string]: unknown }

export interface OpenApiInfo {
  title: string
  version: string
  description?: string
}

/**
 * `input`: what a caller sends (defaults optional); `output`: what a service answers. Recursive parts come as `$defs`
 * of their own root; the only one in the contracts is "any JSON", which stands among the document's schemas.
 */
const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const json = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  const { $schema: _dialect, $defs: definitions = {}, ...rest } = json
  for (const [name, definition] of Object.entries(definitions))
    if (!isAnyJson(definition as Json)) throw new Error(`${name} is recursive and not "any JSON": give it a place here`)
  return JSON.parse(JSON.stringify(rest).replaceAll(/"#\/\$defs\/\w+"/g, '"#/components/schemas/AnyJson"')) as Json
}

/** What z.json() becomes: a union of the six kinds of values. */
const isAnyJson = ({ anyOf }: Json): boolean =>
  Array.isArray(anyOf) && ['array', 'object', 'null'].every((type) => anyOf.some((part: Json) => part.type === type))

const anyJsonSchema: Json = {
  description: 'Any JSON value',
  type: ['object', 'array', 'string', 'number', 'boolean', 'null'],
}

const objectProperties = (schema: z.ZodType | undefined): { name: string; schema: Json; required: boolean }[] => {
  if (schema === undefined) return []
  const json = schemaOf(schema, 'input') as { properties?: Record<string, Json>; required?: string[] }
  return Object.entries(json.properties ?? {}).map(([name, property]) => ({
    name,
    schema: property,
    required: json.required?.includes(name) ?? false,
  }))
}

/** Codes that any operation may answer, because the server itself does. */
const alwaysPossible = (route: Route): ErrorCode[] => [
  'unavailable',
  'deadline_exceeded',
  'internal',
  ...(route.access.anonymous === true ? [] : (['unauthenticated', 'forbidden'] as const)),
  ...(route.body === undefined ? [] : (['invalid_json', 'body_too_large', 'unsupported_media_type'] as const)),
  'invalid_request',
]

const header = (name: string, description: string, schema: Json): Json => ({
  name,
  in: 'header',
  required: false,
  description,
  schema,
})

const parametersOf = (route: Route): Json[] => [
  ...objectProperties(route.params).map(({ name, schema }) => ({ name, in: 'path', required: true, schema })),
  ...objectProperties(route.query).map(({ name, schema, required }) => ({ name, in: 'query', required, schema })),
  ...(route.idempotencyKey
    ? [
        header('Idempotency-Key', 'The same key and body are done once, and answered the same', {
          type: 'string',
          minLength: 1,
          maxLength: limits.idempotencyKeyCharsMax,
          pattern: '^[\\x21-\\x7e]([\\x20-\\x7e]*[\\x21-\\x7e])?$',
        }),
      ]
    : []),
  ...(route.etag && route.method !== 'GET' && route.status !== 201
    ? [header('If-Match', 'Only when it is still this version: the ETag that was read, or *', { type: 'string' })]
    : []),
  ...(route.etag && route.method === 'GET'
    ? [header('If-None-Match', '304 when it is still this version', { type: 'string' })]
    : []),
]

const successOf = (route: Route): Json => {
  const headers: Json = {
    ...(route.etag ? { ETag: { description: 'The version, quoted', schema: { type: 'string' } } } : {}),
    ...(route.pages
      ? { Link: { description: 'rel="next" while there is more (RFC 8288)', schema: { type: 'string' } } }
      : {}),
    ...(route.idempotencyKey
      ? {
          'Idempotency-Replayed': {
            description: 'true when this is the answer of an earlier request with the key',
            schema: { type: 'string', enum: ['true'] },
          },
        }
      : {}),
  }
  return {
    description: route.summary,
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(route.reply === undefined
      ? {}
      : { content: { 'application/json': { schema: schemaOf(route.reply, 'output') } } }),
  }
}

/** One response per status, since several codes share one; its `code` is an enum of those. */
const problemsOf = (route: Route): Json => {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of new Set([...route.errors, ...alwaysPossible(route)])) {
    const { status } = errorTable[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, codes]) => [
        String(status),
        {
          description: codes.map((code) => `${code}: ${errorTable[code].title}`).join('. '),
          ...(errorTable[codes[0]!].retry
            ? { headers: { 'Retry-After': { description: 'Seconds', schema: { type: 'integer', minimum: 0 } } } }
            : {}),
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
        },
      ]),
  )
}

const securityOf = ({ access }: Route): Json[] => {
  const schemes: Json[] = []
  if (access.anonymous) schemes.push({})
  if (access.user) schemes.push({ userToken: [] })
  if (access.services) schemes.push({ serviceToken: [] })
  return schemes
}

const operationOf = (route: Route): Json => {
  const parameters = parametersOf(route)
  const wantedRoles = Array.isArray(route.access.user) ? route.access.user.join(', ') : undefined
  const bodyType = route.bodyType === 'form' ? 'application/x-www-form-urlencoded' : 'application/json'
  const streams = route.reply === undefined && route.method === 'GET'
  return {
    operationId: route.id,
    summary: route.summary,
    tags: [route.service],
    ...(wantedRoles === undefined ? {} : { description: `Role: ${wantedRoles}.` }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: !route.body.safeParse(undefined).success,
            content: { [bodyType]: { schema: schemaOf(route.body, 'input') } },
          },
        }),
    responses: {
      [String(route.status)]: streams
        ? { description: route.summary, content: { 'text/event-stream': { schema: { type: 'string' } } } }
        : successOf(route),
      ...(route.etag && route.method === 'GET' ? { '304': { description: 'Still the version that was named' } } : {}),
      ...problemsOf(route),
    },
    security: securityOf(route),
  }
}

const problemSchema: Json = {
  type: 'object',
  description: 'RFC 9457 with our code and traceId',
  required: ['type', 'title', 'status', 'detail', 'code', 'traceId'],
  properties: {
    type: { type: 'string', format: 'uri', examples: ['urn:svyaz:problem:not_found'] },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string' },
    code: { type: 'string', enum: Object.keys(errorTable) },
    traceId: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['in', 'pointer', 'detail'],
        properties: {
          in: { type: 'string', enum: ['body', 'query', 'path', 'header'] },
          pointer: { type: 'string', description: 'JSON Pointer (RFC 6901)' },
          detail: { type: 'string' },
        },
      },
    },
  },
}

/** The document of these routes; give the service's own, or all that are not internal for the public edge. */
export const openApiDocument = (routes: readonly Route[], info: OpenApiInfo): Json => {
  const paths: Record<string, Json> = {}
  for (const route of routes)
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) }
  return {
    openapi: '3.1.0',
    info: { license: { name: 'MIT', identifier: 'MIT' }, ...info },
    tags: [...new Set(routes.map((route) => route.service))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { Problem: problemSchema, AnyJson: anyJsonSchema },
      securitySchemes: {
        userToken: {
          type: 'http',
          scheme: 'bearer',
          description: 'An access token of POST /auth/login at the gateway; inside, its exchanged at+jwt',
        },
        serviceToken: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'at+jwt',
          description: 'A 60 s token that a service signs for another one (RFC 9068)',
        },
      },
    },
  }
}
