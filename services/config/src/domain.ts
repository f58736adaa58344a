/**
 * How the answer for an application in a profile is put together, and what may be set: pure. Sources, strongest first, as
 * Spring Cloud Config orders them: application+profile, application+default, and under all the published defaults.
 */
import type { Environment } from '@svyaz/contracts/http/config.ts'
import type { Fault } from '@svyaz/kit'

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json }
export const defaultProfile = 'default'

export interface Property {
  application: string
  profile: string
  name: string
  value: Json
}

/** An application's properties in a profile, as Spring Cloud Config answers them: sources, the strongest first. */
export const environmentOf = (
  application: string,
  profile: string,
  version: string,
  properties: readonly Property[],
  defaults: Record<string, Json>,
): Environment => {
  const source = (ofProfile: string) => ({
    name: `${application}/${ofProfile}`,
    source: Object.fromEntries(
      properties
        .filter((property) => property.application === application && property.profile === ofProfile)
        .map(({ name, value }) => [name, value]),
    ),
  })
  const named = profile === defaultProfile ? [source(defaultProfile)] : [source(profile), source(defaultProfile)]
  return {
    name: application,
    profiles: [profile],
    version,
    propertySources: [...named, { name: `${application}/schema defaults`, source: defaults }],
  }
}

/** The names of a JSON Schema object that may be set. */
export const knownNames = (schema: Record<string, unknown>): readonly string[] =>
  Object.keys((schema.properties as Record<string, unknown> | undefined) ?? {})

/** Names that the application never published. */
export const unknownNames = (schema: Record<string, unknown>, names: readonly string[]): Fault[] => {
  const known = knownNames(schema)
  return names
    .filter((name) => !known.includes(name))
    .map((name) => ({
      in: 'body',
      pointer: `/properties/${name}`,
      detail: `not a property of this application; known: ${known.join(', ') || 'none'}`,
    }))
}
