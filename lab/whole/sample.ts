/** Requests made from a route's contract alone, so that a route that is added tomorrow is asked too. */
import type { Route } from '@svyaz/contracts/vocabulary.ts'

interface JsonSchema {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly examples?: readonly unknown[]
  readonly default?: unknown
  readonly format?: string
  readonly pattern?: string
  readonly minLength?: number
  readonly minItems?: number
  readonly minimum?: number
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
}

/** Values that stand for a known thing, by the name of the field. */
export type Known = Readonly<Record<string, string>>

/** Some value that the schema takes, its required members only. Known names go first. */
const sampleOf = (schema: JsonSchema, known: Known, name = ''): unknown => {
  if (known[name] !== undefined && schema.type !== 'object') return known[name]
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  if (schema.examples) return schema.examples[0]
  if (schema.default !== undefined) return schema.default
  const alternative = schema.anyOf?.[0] ?? schema.oneOf?.[0] ?? schema.allOf?.[0]
  if (alternative) return sampleOf(alternative, known, name)
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        (schema.required ?? []).map((field) => [field, sampleOf(schema.properties?.[field] ?? {}, known, field)]),
      )
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => sampleOf(schema.items ?? {}, known, name))
    case 'integer':
    case 'number':
      return schema.minimum ?? 1
    case 'boolean':
      return true
    case 'string':
      if (schema.format === 'email') return 'somebody@example.org'
      return 'a'.repeat(Math.max(schema.minLength ?? 1, 1))
    default:
      return {}
  }
}

type Schema = NonNullable<Route['body']>
const schemaOf = (schema: Schema): JsonSchema => schema.toJSONSchema({ io: 'input' }) as JsonSchema

/** Path with query, and the body, of a request that is well formed. */
export const sampleRequest = (route: Route, known: Known): { path: string; body: unknown } => {
  const params = route.params ? (sampleOf(schemaOf(route.params), known) as Record<string, unknown>) : {}
  const query = route.query ? (sampleOf(schemaOf(route.query), known) as Record<string, string>) : {}
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name])))
  const search = new URLSearchParams(query).toString()
  return {
    path: search === '' ? path : `${path}?${search}`,
    body: route.body ? sampleOf(schemaOf(route.body), known) : undefined,
  }
}
