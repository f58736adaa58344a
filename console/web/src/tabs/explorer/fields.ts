/** What a form holds, and the request that it makes. Pure. */
import type { Operation, Parameter, Schema } from '../../../declared-api.ts'

/** Ids of this system that a form can begin with. */
export interface Known {
  readonly productId?: string | undefined
  readonly orderId?: string | undefined
  readonly userId?: string | undefined
}

/** What was written, by the name of the field: `path.id`, `query.limit`, `header.If-Match`, `body.items`, or `body`. */
export type Values = Readonly<Record<string, string>>

export interface Field {
  readonly key: string
  readonly name: string
  readonly required: boolean
  readonly schema: Schema
  readonly description?: string | undefined
}

/** The fields of parameters, by their place. */
export const parameterFields = (parameters: readonly Parameter[]): Field[] =>
  parameters.map(({ in: where, name, required, schema, description }) => ({
    key: `${where}.${name}`,
    name,
    required,
    schema,
    description: description ?? schema.description,
  }))

/** A field for each property; one for the whole where there are none. */
export function bodyFields(schema: Schema): Field[] {
  const properties = Object.entries(schema.properties ?? {})
  if (properties.length === 0) return [{ key: 'body', name: 'body', required: true, schema }]
  return properties.map(([name, one]) => ({
    key: `body.${name}`,
    name,
    required: schema.required?.includes(name) === true,
    schema: one,
    description: one.description,
  }))
}

/** All fields of an operation. */
export const fieldsOf = ({ parameters, body }: Operation): Field[] => [
  ...parameterFields(parameters),
  ...(body === undefined ? [] : bodyFields(body.schema)),
]

/** Whether it is written as JSON. */
export const isNested = ({ type, properties, items }: Schema): boolean =>
  type === 'array' || type === 'object' || properties !== undefined || items !== undefined || type === undefined

/**
 * What a field begins with: an id that is known here, else an example of the schema; optional ones are empty.
 * @param path of the operation, which says what an `id` is of
 */
export function beginning(field: Field, path: string, known: Known): string {
  const { schema, name, required, key } = field
  if (!required) return ''
  const value =
    idFor(key.startsWith('path.') || name !== 'id' ? name : 'orderId', path, known) ?? exampleOf(schema, known)
  if (typeof value === 'string') return value
  return isNested(schema) ? JSON.stringify(value, null, 2) : String(value)
}

function idFor(name: string, path: string, { productId, orderId, userId }: Known): string | undefined {
  if (name === 'productId' || (name === 'id' && path.startsWith('/products'))) return productId
  if (name === 'orderId' || (name === 'id' && path.startsWith('/orders'))) return orderId
  if (name === 'userId' || (name === 'id' && path.startsWith('/users'))) return userId
  return undefined
}

/** A value that fits a schema, as small as it may be. */
export function exampleOf(schema: Schema, known: Known = {}): unknown {
  const first = schema.default ?? schema.enum?.[0]
  if (first !== undefined) return first
  if (schema.items !== undefined || schema.type === 'array')
    return schema.items === undefined ? [] : [exampleOf(schema.items, known)]
  if (schema.type === 'object' || schema.properties !== undefined) {
    const { properties = {}, required = Object.keys(properties) } = schema
    return Object.fromEntries(
      required.flatMap((name) => {
        const one = properties[name]
        return one === undefined ? [] : [[name, idFor(name, '', known) ?? exampleOf(one, known)]]
      }),
    )
  }
  if (schema.type === 'boolean') return false
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 1
  if (schema.type === 'string') return schema.examples?.[0] ?? ''
  return schema.examples?.[0] ?? {}
}

/** Fields that are needed and empty, or hold what isn't of their type. */
export const unfit = (fields: readonly Field[], values: Values): Field[] =>
  fields.filter((field) => {
    const text = values[field.key] ?? ''
    if (text === '') return field.required && field.schema.type !== 'string'
    try {
      typedValue(field.schema, text)
      return false
    } catch {
      return true
    }
  })

/** @throws SyntaxError when the text isn't of the schema's type */
function typedValue(schema: Schema, text: string): unknown {
  if (isNested(schema)) return JSON.parse(text)
  if (schema.type === 'boolean') return text === 'true'
  if (schema.type !== 'integer' && schema.type !== 'number') return text
  const number = Number(text)
  if (text.trim() === '' || Number.isNaN(number)) throw new SyntaxError('not a number')
  return number
}

/** @throws SyntaxError as {@link unfit} finds it */
export function messageOf(fields: readonly Field[], values: Values): unknown {
  const whole = fields.find(({ key }) => key === 'body')
  if (whole !== undefined) return typedValue(whole.schema, values.body ?? '')
  return Object.fromEntries(
    fields
      .filter(({ key, required, schema }) => (values[key] ?? '') !== '' || (required && schema.type === 'string'))
      .map(({ key, name, schema }) => [name, typedValue(schema, values[key] ?? '')]),
  )
}

export interface Request {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** The request that the form describes. @throws SyntaxError as {@link unfit} finds it */
export function requestOf(operation: Operation, values: Values): Request {
  const { method, path, parameters, body } = operation
  const of = (where: Parameter['in']) =>
    parameters
      .filter((one) => one.in === where)
      .map(({ name }): [string, string] => [name, values[`${where}.${name}`] ?? ''])
      .filter(([, value]) => value !== '')
  const filled = of('path').reduce((text, [name, value]) => text.replace(`{${name}}`, encodeURIComponent(value)), path)
  const query = new URLSearchParams(of('query')).toString()
  const fields = body === undefined ? [] : bodyFields(body.schema)
  const isSent = body !== undefined && (body.required || fields.some(({ key }) => (values[key] ?? '') !== ''))
  return {
    method,
    path: query === '' ? filled : `${filled}?${query}`,
    headers: Object.fromEntries(of('header')),
    ...(isSent ? { body: messageOf(fields, values) } : {}),
  }
}

export interface SchemaRow {
  readonly name: string
  readonly type: string
  readonly required: boolean
  readonly description?: string | undefined
}

/** A schema as rows, nested names with dots: `items[].quantity`. */
export function rowsOf(schema: Schema, prefix = ''): SchemaRow[] {
  const inner = schema.items ?? schema
  const here = schema.items === undefined ? prefix : `${prefix}[]`
  return Object.entries(inner.properties ?? {}).flatMap(([name, one]) => {
    const path = here === '' ? name : `${here}.${name}`
    const required = inner.required?.includes(name) === true
    return [{ name: path, type: typeOf(one), required, description: one.description }, ...rowsOf(one, path)]
  })
}

function typeOf({ type, enum: values, items, format }: Schema): string {
  if (values !== undefined) return values.map(String).join(' | ')
  if (items !== undefined) return `${typeOf(items)}[]`
  return format === undefined || format === 'int32' ? (type ?? 'JSON') : `${type} (${format})`
}
