/** The OpenAPI document holds together: whoever reads it can find everything that it names. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { errorTable } from './errors.ts'
import { routes } from './index.ts'
import { openApiDocument } from './openapi.ts'

type Json = Record<string, unknown>
interface Operation {
  operationId: string
  parameters?: { name: string; in: string; required: boolean; schema: Json }[]
  requestBody?: { required: boolean; content: Record<string, { schema: Json }> }
  responses: Record<string, { description: string; content?: Record<string, { schema: Json }> }>
  security: Json[]
}

const document = openApiDocument(routes, { title: 'all', version: '1' })
const paths = document.paths as Record<string, Record<string, Operation>>
const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)
const operationOf = (id: string) => {
  const found = operations.find(({ operation }) => operation.operationId === id)
  assert.ok(found, id)
  return found.operation
}

const referencesIn = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, part]) =>
    name === '$ref' && typeof part === 'string' ? [part] : referencesIn(part),
  )
}

describe('the OpenAPI document', () => {
  it('has every route once, under its own id', () => {
    assert.equal(operations.length, routes.length)
    assert.equal(new Set(operations.map(({ operation }) => operation.operationId)).size, routes.length)
  })

  it('declares every parameter of every path, and no other', () => {
    for (const { path, operation } of operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
      assert.deepEqual(declared.map(({ name }) => name).sort(), named, path)
      assert.ok(declared.every(({ required }) => required))
    }
  })

  it('refers only to what it holds', () => {
    const references = new Set(referencesIn(document))
    assert.ok(references.size > 0)
    for (const reference of references) {
      const target = reference
        .replace(/^#\//, '')
        .split('/')
        .reduce<unknown>((node, part) => (node as Json | undefined)?.[part], document)
      assert.ok(target, reference)
    }
  })

  it('refuses unknown fields wherever the contract does', () => {
    const body = operationOf('createOrder').requestBody?.content['application/json']?.schema
    assert.equal(body?.additionalProperties, false)
  })

  it('says every code of a route, under its status, as a problem', () => {
    for (const route of routes) {
      const { responses } = operationOf(route.id)
      for (const code of route.errors) {
        const content = responses[String(errorTable[code].status)]?.content?.['application/problem+json']
        assert.ok(JSON.stringify(content?.schema).includes(`"${code}"`), `${route.id} ${code}`)
      }
    }
  })

  it('says who may call: nobody is let in by default', () => {
    assert.deepEqual(operationOf('listProducts').security, [{}, { userToken: [] }])
    assert.deepEqual(operationOf('introspectToken').security, [{ serviceToken: [] }])
    assert.ok(operations.every(({ operation }) => operation.security.length > 0))
  })

  it('shows defaults to callers as optional, and forms as forms', () => {
    const body = operationOf('createOrder').requestBody?.content['application/json']?.schema
    assert.deepEqual(body?.required, ['items'])
    assert.ok(operationOf('introspectToken').requestBody?.content['application/x-www-form-urlencoded'])
    assert.equal(operationOf('blockUser').requestBody?.required, false)
  })

  it('names the headers that are read', () => {
    const headers = (id: string) =>
      (operationOf(id).parameters ?? []).filter((parameter) => parameter.in === 'header').map(({ name }) => name)
    assert.deepEqual(headers('createOrder'), ['Idempotency-Key'])
    assert.deepEqual(headers('changeOrder'), ['If-Match'])
    assert.deepEqual(headers('getOrder'), ['If-None-Match'])
  })
})
