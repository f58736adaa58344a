/**
 * Reads JSON bodies by a table of fields, the way the Consul agent does: names in any case and with or without
 * underscores, unknown ones refused, no conversion between types.
 */
import { parseDuration } from './duration.ts'
import { Refusal } from './refusal.ts'

/** What a field may hold; `refused` is known to Consul and not offered here, `ignored` has no meaning on one node. */
export type FieldKind =
  | 'text'
  | 'integer'
  | 'flag'
  | 'texts'
  | 'text map'
  | 'texts map'
  | 'duration'
  | 'object'
  | 'objects'
  | 'ignored'
  | 'refused'

export type FieldTable = Readonly<Record<string, FieldKind>>

type JsonObject = Readonly<Record<string, unknown>>

const isText = (value: unknown) => typeof value === 'string'
const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText)

const holds: Readonly<Record<FieldKind, (value: unknown) => boolean>> = {
  text: isText,
  integer: Number.isSafeInteger,
  flag: (value) => typeof value === 'boolean',
  texts: isTexts,
  'text map': (value) => isObject(value) && Object.values(value).every(isText),
  'texts map': (value) => isObject(value) && Object.values(value).every(isTexts),
  duration: (value) => value === '' || parseDuration(value) !== undefined,
  object: isObject,
  objects: (value) => Array.isArray(value) && value.every(isObject),
  ignored: () => true,
  refused: isEmpty,
}

/** Go's zero values: present, and yet nothing was asked for. */
function isEmpty(value: unknown): boolean {
  return (
    value === '' ||
    value === 0 ||
    value === false ||
    (typeof value === 'object' && Object.keys(value ?? {}).length === 0)
  )
}

/** @throws Refusal 400 when the bytes are not one JSON object */
export function parseJsonObject(bytes: Buffer): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new Refusal(400, `Request decode failed: ${(error as Error).message}`)
  }
  if (!isObject(value)) throw new Refusal(400, 'Request decode failed: the body must be a JSON object')
  return value
}

/** Typed access to an object that was checked against its table; absent and null fields give Go's zero value. */
export class Fields {
  readonly #values = new Map<string, unknown>()

  /** @throws Refusal 400 naming the first field that is unknown, of another type or not offered */
  constructor(source: JsonObject, table: FieldTable) {
    const names = new Map(Object.keys(table).map((name) => [name.toLowerCase(), name]))
    for (const [given, value] of Object.entries(source)) {
      const name = names.get(given.replaceAll('_', '').toLowerCase())
      if (name === undefined)
        throw new Refusal(400, `Request decode failed: json: unknown field ${JSON.stringify(given)}`)
      if (value === null) continue
      const kind = table[name]!
      if (!holds[kind](value)) {
        throw new Refusal(
          400,
          kind === 'refused'
            ? `${name} is not offered by this server`
            : `Request decode failed: ${name} must hold ${kind === 'integer' ? 'an' : 'a'} ${kind}`,
        )
      }
      this.#values.set(name, value)
    }
  }

  text(name: string): string {
    return (this.#values.get(name) as string | undefined) ?? ''
  }
  integer(name: string): number {
    return (this.#values.get(name) as number | undefined) ?? 0
  }
  flag(name: string): boolean {
    return (this.#values.get(name) as boolean | undefined) ?? false
  }
  texts(name: string): readonly string[] {
    return (this.#values.get(name) as string[] | undefined) ?? []
  }
  map<T>(name: string): Readonly<Record<string, T>> {
    return (this.#values.get(name) as Record<string, T> | undefined) ?? {}
  }
  /** Milliseconds; 0 when absent. */
  duration(name: string): number {
    return parseDuration(this.#values.get(name)) ?? 0
  }
  object(name: string): JsonObject | undefined {
    return this.#values.get(name) as JsonObject | undefined
  }
  objects(name: string): readonly JsonObject[] {
    return (this.#values.get(name) as JsonObject[] | undefined) ?? []
  }
}
