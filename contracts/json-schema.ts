/** Schemas of the contracts as JSON Schema 2020-12, as OpenAPI 3.1 holds it: what zod writes, and what it can't know. */
import { z } from 'zod'
import { limits } from './primitives.ts'

export type Json = { [name: string]: unknown }

/**
 * `input`: what a caller sends (defaults optional); `output`: what a service answers. Recursive parts come as `$defs`
 * of their own root; the only one in the contracts is "any JSON", which stands among the document's schemas.
 */
export const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const json = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  const { $schema: _dialect, $defs: definitions = {}, ...rest } = json
  for (const [name, definition] of Object.entries(definitions))
    if (!isAnyJson(definition as Json)) throw new Error(`${name} is recursive and not "any JSON": give it a place here`)
  const placed = JSON.stringify(rest).replaceAll(/"#\/\$defs\/\w+"/g, '"#/components/schemas/AnyJson"')
  return completed(JSON.parse(placed)) as Json
}

/** What z.json() becomes: a union of the six kinds of values. */
const isAnyJson = ({ anyOf }: Json): boolean =>
  Array.isArray(anyOf) && ['array', 'object', 'null'].every((type) => anyOf.some((part: Json) => part.type === type))

/** Its bounds are those of a body: nothing that came in one is larger. */
export const anyJsonSchema: Json = {
  description: 'Any JSON value',
  type: ['object', 'array', 'string', 'number', 'boolean', 'null'],
  items: {},
  maxItems: limits.bodyBytesMax,
  maxLength: limits.bodyBytesMax,
  pattern: '^[^\\u0000]*$',
}

const uuidChars = 36
const int32Max = 2 ** 31 - 1

/** Says in each schema what follows from what it says already, for readers that look for the very word. */
const completed = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(completed)
  if (typeof node !== 'object' || node === null) return node
  const schema = Object.fromEntries(Object.entries(node).map(([name, part]) => [name, completed(part)])) as Json
  if (schema.type === 'integer') return { ...schema, format: isInt32(schema) ? 'int32' : 'int64' }
  if (schema.type === 'string' && schema.format === 'uuid') return { ...schema, maxLength: uuidChars }
  if (schema.type === 'array' && Array.isArray(schema.prefixItems)) return uniform(schema, schema.prefixItems)
  if (Array.isArray(schema.anyOf)) return { ...stringsOnly(schema.anyOf), ...schema }
  return schema
}

const isInt32 = ({ minimum, maximum }: Json): boolean => Number(minimum) >= -int32Max - 1 && Number(maximum) <= int32Max

/** A tuple of equals is an array of that length; "no further items" as `false` is not understood everywhere. */
const uniform = (schema: Json, parts: readonly unknown[]): Json => {
  const { prefixItems: _parts, ...rest } = schema
  const kinds = new Set(parts.map((part) => JSON.stringify(part)))
  return { ...rest, items: kinds.size === 1 ? parts[0] : { anyOf: parts } }
}

/** A choice between strings is a string. */
const stringsOnly = (choices: readonly Json[]): Json => {
  if (!choices.every(({ type }) => type === 'string')) return {}
  const lengths = choices.map(({ maxLength, const: only }) => (typeof only === 'string' ? only.length : maxLength))
  return { type: 'string', maxLength: Math.max(...lengths.map(Number)) }
}

/** The members of an object's schema, one by one, as parameters need them. */
export const propertiesOf = (schema: z.ZodType | undefined): { name: string; schema: Json; required: boolean }[] => {
  if (schema === undefined) return []
  const json = schemaOf(schema, 'input') as { properties?: Record<string, Json>; required?: string[] }
  return Object.entries(json.properties ?? {}).map(([name, property]) => ({
    name,
    schema: property,
    required: json.required?.includes(name) ?? false,
  }))
}
