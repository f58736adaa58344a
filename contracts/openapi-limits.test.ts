/**
 * What is said of sizes and refusals, for every operation there is: a contract that is added tomorrow is judged too.
 * The gateway's document and the services' own.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { routes } from './index.ts'
import { openApiDocument } from './openapi.ts'

type Json = Record<string, unknown>
interface Answer {
  headers?: Json
}

const atTheEdge = routes.filter((route) => route.internal !== true)
const gateway = openApiDocument(atTheEdge, { title: 'all', version: '1' }, 'gateway')
const services = openApiDocument(routes, { title: 'all', version: '1' })

/** Every schema in a document, with the path to it. */
const schemasIn = (node: unknown, at = ''): [string, Json][] => {
  if (typeof node !== 'object' || node === null) return []
  const below = Object.entries(node).flatMap(([name, part]) =>
    // Values, not schemas.
    ['examples', 'enum', 'const', 'default', 'required'].includes(name) ? [] : schemasIn(part, `${at}/${name}`),
  )
  const { type } = node as Json
  return typeof type === 'string' || Array.isArray(type) ? [[at, node as Json], ...below] : below
}
const isOf = (kind: string, { type }: Json) => type === kind || (Array.isArray(type) && type.includes(kind))
const has = (schema: Json, ...names: string[]) => names.some((name) => schema[name] !== undefined)

for (const [name, document] of Object.entries({ gateway, services }))
  describe(`sizes in the document of the ${name}`, () => {
    const schemas = schemasIn({ paths: document.paths, components: (document.components as Json).schemas })
    const faulty = (kind: string, isFaulty: (schema: Json) => boolean) => {
      const ofKind = schemas.filter(([, schema]) => isOf(kind, schema))
      assert.ok(ofKind.length > 0)
      return ofKind.filter(([, schema]) => isFaulty(schema)).map(([at]) => at)
    }
    it('every string has a greatest length, or is one of a list', () =>
      assert.deepEqual(
        faulty('string', (schema) => !has(schema, 'maxLength', 'enum', 'const')),
        [],
      ))
    it('every whole number has a range and a width', () =>
      assert.deepEqual(
        faulty(
          'integer',
          (schema) =>
            !has(schema, 'minimum', 'exclusiveMinimum') ||
            !has(schema, 'maximum', 'exclusiveMaximum') ||
            !has(schema, 'format'),
        ),
        [],
      ))
    it('every array has a greatest size', () =>
      assert.deepEqual(
        faulty('array', (schema) => !has(schema, 'maxItems') || !has(schema, 'items')),
        [],
      ))
  })

describe('what the gateway says of every operation', () => {
  const operations = Object.entries(gateway.paths as Record<string, Record<string, Json>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Record<string, Answer>] => [
      `${method} ${path}`,
      operation.responses as Record<string, Answer>,
    ]),
  )
  it('it names the refusals of the gateway itself', () => {
    for (const [operation, responses] of operations)
      for (const status of ['400', '401', '408', '414', '429', '431', '500', '502', '503', '504'])
        assert.ok(responses[status], `${operation} ${status}`)
  })
  it('it names 403 wherever a role or an account is asked for', () => {
    for (const route of atTheEdge)
      if (!route.access.anonymous)
        assert.ok(
          operations.find(([name]) => name === `${route.method.toLowerCase()} ${route.path}`)?.[1]['403'],
          route.id,
        )
  })
  it('each answer has its limits and its origin, each that may pass has Retry-After, each 401 says how to sign in', () => {
    const needed: [RegExp, string[]][] = [
      [/./, ['RateLimit', 'RateLimit-Policy', 'Access-Control-Allow-Origin', 'X-Trace-Id']],
      [/^(408|429|50\d)$/, ['Retry-After']],
      [/^401$/, ['WWW-Authenticate']],
    ]
    const known = Object.keys((gateway.components as Json).headers as Json)
    for (const [operation, responses] of operations)
      for (const [status, { headers = {} }] of Object.entries(responses))
        for (const [statuses, names] of needed)
          if (statuses.test(status))
            for (const name of names) assert.ok(headers[name] && known.includes(name), `${operation} ${status} ${name}`)
  })
})

describe('what is refused in a request that is well formed', () => {
  const statusesOf = (id: string) => {
    const operation = Object.values(services.paths as Record<string, Record<string, Json>>)
      .flatMap((methods) => Object.values(methods))
      .find(({ operationId }) => operationId === id)
    return Object.keys(operation?.responses as Json)
  }
  it('a route with a key says 422, one that reads If-Match says 412', () => {
    for (const route of routes) {
      if (route.idempotencyKey) assert.ok(statusesOf(route.id).includes('422'), route.id)
      if (route.etag && route.method !== 'GET' && route.status !== 201)
        assert.ok(statusesOf(route.id).includes('412'), route.id)
    }
  })
  it('an admin may not block themself: 409', () => assert.ok(statusesOf('blockUser').includes('409')))
})
