/** What holds for each property, where it comes from, and what somebody wrote in its field. Pure. */
import type { Environment } from '@svyaz/contracts/http/config.ts'

export type Value = Environment['propertySources'][number]['source'][string]

export interface Setting {
  readonly name: string
  readonly value: Value
  /** `profile`, `default` or `schema`: which source it comes from. */
  readonly from: 'profile' | 'default' | 'schema'
  /** As the application ships it; undefined where it says nothing. */
  readonly shipped: Value | undefined
}

/** Every property with the value that holds: the first source that names it wins. */
export function settingsOf({ propertySources, profiles }: Environment): Setting[] {
  const shipped = propertySources.at(-1)?.source ?? {}
  const found = new Map<string, Setting>()
  for (const [at, { name: origin, source }] of propertySources.entries()) {
    const isLast = at === propertySources.length - 1
    const from = isLast ? 'schema' : origin.endsWith(`/${profiles[0]}`) ? 'profile' : 'default'
    for (const [name, value] of Object.entries(source))
      if (!found.has(name)) found.set(name, { name, value, from, shipped: shipped[name] })
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** A value as it is written in a field: text without its quotes, anything else as JSON. */
export const written = (value: Value | undefined): string =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)

/**
 * What was written, as the kind that the property has.
 * @throws Error for what isn't JSON where JSON is needed
 */
export function readValue(text: string, like: Value): Value {
  if (typeof like === 'string') return text
  return JSON.parse(text) as Value
}
