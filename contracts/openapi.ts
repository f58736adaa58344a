/** Routes → OpenAPI 3.1. Pure: the documents, Swagger UI and the tests from outside read what the services check. */
import { anyJsonSchema, type Json, propertiesOf, schemaOf } from './json-schema.ts'
import { type Answerer, headerComponents, problemSchema, responsesOf } from './openapi-answers.ts'
import { limits } from './primitives.ts'
import { type Route, readsIfMatch, readsIfNoneMatch } from './vocabulary.ts'

export interface OpenApiInfo {
  title: string
  version: string
  description?: string
}

const header = (name: string, description: string, schema: Json): Json => ({
  name,
  in: 'header',
  required: false,
  description,
  schema,
})

const entityTags: Json = { type: 'string', maxLength: limits.entityTagsCharsMax, examples: ['"1"'] }

const parametersOf = (route: Route): Json[] => [
  ...propertiesOf(route.params).map(({ name, schema }) => ({ name, in: 'path', required: true, schema })),
  ...propertiesOf(route.query).map(({ name, schema, required }) => ({ name, in: 'query', required, schema })),
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
  ...(readsIfMatch(route)
    ? [
        header(
          'If-Match',
          'Only when it is still one of these versions: ETags that were read, or *. A weak one never matches (RFC 9110, 13.1.1)',
          entityTags,
        ),
      ]
    : []),
  ...(readsIfNoneMatch(route)
    ? [header('If-None-Match', '304 when it is still one of these versions, weak or not', entityTags)]
    : []),
]

const isForAdmins = ({ access }: Route): boolean => Array.isArray(access.user) && String(access.user) === 'admin'

/** Below /admin a scheme of its own: there the gateway itself lets nobody else through. */
const securityOf = (route: Route): Json[] => {
  const { access } = route
  const schemes: Json[] = []
  if (access.anonymous) schemes.push({})
  if (access.user && isForAdmins(route) && route.path.startsWith('/admin/')) schemes.push({ adminToken: [] })
  else if (access.user) schemes.push({ userToken: [] })
  if (access.services) schemes.push({ serviceToken: [] })
  return schemes
}

/** Who may call, in a sentence. */
const callersOf = ({ access }: Route): string => {
  const users = Array.isArray(access.user) ? `Role: ${access.user.join(', ')}.` : undefined
  const services = access.services?.includes('*') ? 'any service' : access.services?.join(', ')
  return [
    access.anonymous ? 'For anyone.' : (users ?? (access.user ? 'For anyone who is signed in.' : undefined)),
    services === undefined ? undefined : `Between services: for ${services}.`,
  ]
    .filter((sentence) => sentence !== undefined)
    .join(' ')
}

const operationOf = (route: Route, answerer: Answerer): Json => {
  const parameters = parametersOf(route)
  const bodyType = route.bodyType === 'form' ? 'application/x-www-form-urlencoded' : 'application/json'
  return {
    operationId: route.id,
    summary: route.summary,
    tags: [route.service],
    description: callersOf(route),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: !route.body.safeParse(undefined).success,
            content: { [bodyType]: { schema: schemaOf(route.body, 'input') } },
          },
        }),
    responses: responsesOf(route, answerer),
    security: securityOf(route),
  }
}

const securitySchemes: Record<string, Json> = {
  userToken: {
    type: 'http',
    scheme: 'bearer',
    description: 'An access token of POST /auth/login at the gateway; inside, its exchanged at+jwt',
  },
  adminToken: {
    type: 'http',
    scheme: 'bearer',
    description: 'The same, of a user with the role admin: the gateway asks for the role before it lets the request in',
  },
  serviceToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'at+jwt',
    description: 'A 60 s token that a service signs for another one (RFC 9068)',
  },
}

/** Those of `all` that the document refers to by `reference(name)`. */
const named = (all: Record<string, Json>, text: string, reference: (name: string) => string): Json =>
  Object.fromEntries(Object.entries(all).filter(([name]) => text.includes(reference(name))))

/**
 * The document of these routes: a service's own, or all that are not internal for the public edge.
 *
 * @param answerer whose answers are described; at the gateway they have its limits, its CORS and its refusals too.
 */
export const openApiDocument = (routes: readonly Route[], info: OpenApiInfo, answerer: Answerer = 'service'): Json => {
  const paths: Record<string, Json> = {}
  for (const route of routes)
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route, answerer) }
  const text = JSON.stringify(paths)
  return {
    openapi: '3.1.0',
    info: { license: { name: 'MIT', identifier: 'MIT' }, description: 'What this service answers.', ...info },
    // Spectral's word for "which of our servers are open to others".
    servers: [{ url: '/', 'x-internal': answerer === 'service' }],
    tags: [...new Set(routes.map((route) => route.service))].map((name) => ({ name })),
    paths,
    components: {
      schemas: named(
        { Problem: problemSchema, AnyJson: anyJsonSchema },
        text,
        (name) => `"#/components/schemas/${name}"`,
      ),
      headers: named(headerComponents, text, (name) => `"#/components/headers/${name}"`),
      securitySchemes: named(securitySchemes, text, (name) => `"${name}":[]`),
    },
  }
}
