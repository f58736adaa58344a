/**
 * A place in a JSON value and what is to be found there, as people write it to search records: `order.status=paid`,
 * `items[0].quantity=2`, `items[*].productId=P-1001`, `reason` (is there at all). Pure. A part of JSONPath (RFC 9535):
 * names, indices and `[*]`; a leading `$.` may be written.
 */

/** A member's name, an element's number, or `every` for all elements. */
type Step = string | number | typeof every
const every = Symbol('every')

export interface PathFilter {
  readonly steps: readonly Step[]
  /** The text of what must be there; undefined: anything. */
  readonly wanted: string | undefined
}

/** A record's path is short; what is longer was meant for something else. */
const charactersMax = 500
const stepsMax = 20

/** @returns undefined for anything else */
export function readPath(text: string): PathFilter | undefined {
  if (text.length > charactersMax) return undefined
  const [, path = '', wanted] = /^\s*([^=]*?)\s*(?:=(.*))?$/s.exec(text) ?? []
  const steps: Step[] = []
  let rest = path.startsWith('$') ? path.slice(1) : /^[[.]/.test(path) ? path : `.${path}`
  while (rest !== '') {
    const [whole, name, index] = /^(?:\.([^.[\]\s"']+)|\[(\d{1,9}|\*)\])/.exec(rest) ?? []
    if (whole === undefined || steps.length === stepsMax) return undefined
    steps.push(name ?? (index === '*' ? every : Number(index)))
    rest = rest.slice(whole.length)
  }
  return steps.length === 0 ? undefined : { steps, wanted: wanted?.trim() }
}

/** Whether it is there in this value, the bytes of a record. What isn't JSON has nothing anywhere. */
export function isThere({ steps, wanted }: PathFilter, value: Buffer): boolean {
  let json: unknown
  try {
    json = JSON.parse(value.toString('utf8'))
  } catch {
    return false
  }
  return found(json, steps).some((one) => wanted === undefined || textOf(one) === wanted)
}

function found(value: unknown, [step, ...rest]: readonly Step[]): unknown[] {
  if (step === undefined) return [value]
  if (typeof value !== 'object' || value === null) return []
  if (step === every) return Array.isArray(value) ? value.flatMap((one) => found(one, rest)) : []
  if (Array.isArray(value) !== (typeof step === 'number')) return []
  return Object.hasOwn(value, step) ? found((value as Record<string | number, unknown>)[step], rest) : []
}

/** A text without its quotes, anything else as JSON writes it. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
