/** What traces, logs and metrics of OTLP share, in the JSON mapping: attributes, values, and who sent them. */
import type { Attributes, AttributeValue } from '../spans/span.ts'
import { Malformed } from './malformed.ts'

export type Json = Record<string, unknown>

/** @throws Malformed */
export function object(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Malformed(`${what} must be an object`)
  return value as Json
}

/** @throws Malformed */
export function list(value: unknown, what: string): unknown[] {
  if (value == null) return []
  if (!Array.isArray(value)) throw new Malformed(`${what} must be a list`)
  return value
}

/** Anything else is empty. */
export const text = (value: unknown) => (typeof value === 'string' ? value : '')

/** `KeyValue`s as a flat object. */
export function attributes(value: unknown): Attributes {
  const flat: Record<string, AttributeValue> = {}
  for (const each of list(value, 'attributes')) {
    const { key, value: any } = object(each, 'attributes[]')
    if (typeof key !== 'string') continue
    // An own property even for the name __proto__; for the others assigning is many times cheaper.
    if (key !== '__proto__') flat[key] = anyValue(any, 0)
    else
      Object.defineProperty(flat, key, {
        value: anyValue(any, 0),
        enumerable: true,
        configurable: true,
        writable: true,
      })
  }
  return flat
}

const depthMax = 8

/** AnyValue of common.proto. Whole numbers that a JavaScript number can't hold stay decimal strings. */
export function anyValue(value: unknown, depth: number): AttributeValue {
  if (value == null || depth > depthMax) return null
  const any = object(value, 'an attribute value')
  if (typeof any.stringValue === 'string') return any.stringValue
  if (typeof any.boolValue === 'boolean') return any.boolValue
  if (any.intValue != null) {
    const whole = Number(any.intValue)
    return Number.isSafeInteger(whole) ? whole : String(any.intValue)
  }
  // NaN and the infinities are strings in the JSON mapping, and no JSON numbers.
  if (any.doubleValue != null) return typeof any.doubleValue === 'number' ? any.doubleValue : String(any.doubleValue)
  if (any.arrayValue != null)
    return list(object(any.arrayValue, 'arrayValue').values, 'values').map((each) => anyValue(each, depth + 1))
  if (any.kvlistValue != null) {
    const entries = list(object(any.kvlistValue, 'kvlistValue').values, 'values').map((each) =>
      object(each, 'values[]'),
    )
    return Object.fromEntries(entries.map((each) => [text(each.key), anyValue(each.value, depth + 1)]))
  }
  return typeof any.bytesValue === 'string' ? any.bytesValue : null
}

/** Who sent it, by its resource's attributes. */
export function resourceOf(resource: unknown): { readonly service: string; readonly instance: string } {
  const own = resource == null ? {} : attributes(object(resource, 'resource').attributes)
  return {
    service: String(own['service.name'] ?? 'unknown_service'),
    instance: String(own['service.instance.id'] ?? ''),
  }
}
