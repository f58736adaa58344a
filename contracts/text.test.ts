/**
 * Every text that comes in by a contract — in a request, an event, a frame, a gRPC message — is one that can be stored:
 * a contract that is added tomorrow is judged too. Each string is tried, so it doesn't matter how it was declared.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { routes, topics } from './index.ts'
import * as requests from './proto/requests.ts'
import { graphqlClientMessage } from './socket/graphql.ts'
import { clientMessage } from './socket/notifications.ts'
import { relayEnvelope } from './socket/relay.ts'

/** Every schema of a string in a schema, with the path to it. */
function stringsIn(schema: z.core.$ZodType, at: string): [string, z.core.$ZodType][] {
  const inner = (parts: readonly (readonly [z.core.$ZodType, string])[]) =>
    parts.flatMap(([part, name]) => stringsIn(part, `${at}${name}`))
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'string':
      return [[at, schema]]
    case 'object':
      return inner(Object.entries(def.shape).map(([name, part]) => [part, `/${name}`]))
    case 'array':
      return inner([[def.element, '/0']])
    case 'tuple':
      return inner(def.items.map((part, index) => [part, `/${index}`]))
    case 'record':
      return inner([
        [def.keyType, ' (name)'],
        [def.valueType, '/*'],
      ])
    case 'union':
      return inner(def.options.map((part) => [part, '']))
    case 'pipe':
      return inner([[def.out, '']])
    case 'optional':
    case 'nullable':
    case 'default':
      return inner([[def.innerType, '']])
    // z.json(): any JSON is for whoever keeps it to look at (services/config/src/validation.ts).
    case 'lazy':
    case 'enum':
    case 'literal':
    case 'number':
    case 'boolean':
    case 'null':
      return []
    default:
      return assert.fail(`${at}: a schema of kind ${def.type} that this walk doesn't know`)
  }
}

const isSchema = (value: unknown): value is z.ZodType => value instanceof z.ZodType
const schemasOf = (module: object, name: string): [string, z.ZodType][] =>
  Object.entries(module).flatMap(([key, value]): [string, z.ZodType][] =>
    isSchema(value)
      ? [[`${name} ${key}`, value]]
      : typeof value === 'object' && value !== null && !Array.isArray(value)
        ? schemasOf(value, `${name} ${key}`)
        : [],
  )

const sources: Record<string, [string, z.ZodType][]> = {
  requests: routes.flatMap(({ id, params, query, body }) => schemasOf({ params, query, body }, id)),
  events: topics.flatMap(({ name, events }) => schemasOf(events, name)),
  'frames of WebSockets': schemasOf({ clientMessage, graphqlClientMessage, relayEnvelope }, 'frame'),
  'gRPC messages': schemasOf(requests, 'proto'),
}

for (const [name, schemas] of Object.entries(sources))
  describe(`texts of ${name}`, () => {
    const strings = schemas.flatMap(([at, schema]) => stringsIn(schema, at))
    for (const [what, hostile] of [
      ['U+0000', 'hostile text\u0000'],
      ['the first half of a surrogate pair', 'hostile text\ud800'],
      ['the second half', '\udc00hostile text'],
    ] as const)
      test(`none takes ${what}`, () => {
        assert.ok(strings.length > 0)
        const taken = strings.filter(([, schema]) => z.safeParse(schema, hostile).success).map(([at]) => at)
        assert.deepEqual(taken, [])
      })
  })

test('the walk finds a string that anybody may fill', () => {
  const bare = z.strictObject({ lines: z.array(z.strictObject({ note: z.string().max(99).optional() })).max(3) })
  assert.deepEqual(
    stringsIn(bare, 'x').map(([at, schema]) => [at, z.safeParse(schema, 'hostile text\ud800').success]),
    [['x/lines/0/note', true]],
  )
})
