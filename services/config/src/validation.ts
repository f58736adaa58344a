/** Values against the JSON Schema (draft 2020-12) that a service published. */
import { Failure, type Fault } from '@svyaz/kit'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Json } from './domain.ts'

/** Each value against the schema of its own name: what is not set has its default and is not judged. */
export const faultsOf = (schema: Record<string, Json>, values: Record<string, Json>): Fault[] => {
  const properties = (schema.properties ?? {}) as Record<string, Record<string, Json>>
  return Object.entries(values).flatMap(([name, value]) => {
    const own = properties[name]
    if (!own) return []
    const validate = compile({ ...own, ...(schema.$defs ? { $defs: schema.$defs } : {}) })
    if (validate(value)) return []
    return (validate.errors ?? []).map((error) => ({
      in: 'body' as const,
      pointer: `/properties/${name}${error.instancePath}`,
      detail: `${name} ${error.message ?? 'is wrong'}`,
    }))
  })
}

const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: false })

const compile = (schema: object) => {
  try {
    return ajv.compile(schema)
  } catch (error) {
    throw new Failure('internal', 'a published schema can’t be read', { cause: error })
  }
}

/** @throws Failure invalid_request when it is not a schema that can be checked against. */
export const mustCompile = (schema: Record<string, Json>): void => {
  try {
    ajv.compile(schema)
  } catch (error) {
    throw new Failure('invalid_request', `this is not a JSON Schema: ${(error as Error).message}`)
  }
}

/**
 * PostgreSQL takes neither U+0000 nor half of a surrogate pair into JSON (its documentation, 8.14).
 *
 * @throws Failure invalid_properties that names the property
 */
export const mustBeStorable = (values: Record<string, Json>): void => {
  const name = Object.keys(values).find((key) => !isStorable(values[key]))
  if (name === undefined) return
  const detail = `${name} has a name or text with U+0000 or half of a surrogate pair in it, which can't be kept`
  throw new Failure('invalid_properties', detail, { faults: [{ in: 'body', pointer: `/properties/${name}`, detail }] })
}

const isStorable = (value: unknown): boolean => {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0')
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, inner]) => isStorable(key) && isStorable(inner))
}
