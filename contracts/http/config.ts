import { z } from 'zod'
import { limits, text, time } from '../primitives.ts'
import { route } from '../vocabulary.ts'

/** An application or a profile, as long as a label of a host name. */
const word = z
  .string()
  .regex(/^[a-z][a-z0-9-]*$/)
  .max(63)
const target = z.strictObject({ application: word, profile: word })
const name = z
  .string()
  .regex(/^[a-zA-Z][a-zA-Z0-9.]*$/)
  .max(100)

/** Names with JSON, a limited number of them; JSON Schema can say it, zod's record can't. */
function properties<K extends z.ZodString>(key: K, min: number, max: number) {
  return z
    .record(key, z.json())
    .refine((record) => isBetween(Object.keys(record).length, min, max), {
      message: `between ${min} and ${max} of them`,
    })
    .meta({ minProperties: min, maxProperties: max })
}

function isBetween(count: number, min: number, max: number): boolean {
  return count >= min && count <= max
}

const values = properties(name, 0, 1_000)
const changes = properties(name, 1, 100)
const schemaWords = properties(text(limits.labelCharsMax), 0, 100)

/** Rows of a history that are shown. */
export const historyRowsMax = 500

/** As Spring Cloud Config answers: sources in order of precedence, the first that names a property wins. */
export const environment = z.strictObject({
  name: z.string().max(63),
  profiles: z.array(z.string().max(63)).max(1),
  version: z
    .string()
    .max(limits.labelCharsMax)
    .meta({ description: 'Changes with every change that touches this answer' }),
  propertySources: z.array(z.strictObject({ name: z.string().max(limits.labelCharsMax), source: values })).max(3),
})
export type Environment = z.output<typeof environment>

export const getEnvironment = route({
  id: 'getEnvironment',
  service: 'config',
  method: 'GET',
  path: '/{application}/{profile}',
  summary: 'The configuration of an application in a profile',
  access: { anonymous: true, user: ['admin'], services: ['*'] },
  params: target,
  status: 200,
  reply: environment,
  errors: ['invalid_request'],
  internal: true,
})

export const getProperties = route({
  id: 'getProperties',
  service: 'config',
  method: 'GET',
  path: '/admin/{application}/{profile}',
  summary: 'The configuration of an application in a profile, for administrators',
  access: { user: ['admin'] },
  params: target,
  status: 200,
  reply: environment,
  errors: ['invalid_request', 'unauthenticated', 'forbidden'],
})

export const putProperties = route({
  id: 'putProperties',
  service: 'config',
  method: 'PUT',
  path: '/admin/{application}/{profile}',
  summary: 'Set properties (null removes one); refused as a whole when one breaks the schema',
  access: { user: ['admin'] },
  params: target,
  body: z
    .strictObject({ properties: changes, comment: text(500).optional() })
    .meta({ examples: [{ properties: { userRequestsPerMinute: 200 }, comment: 'A busy day' }] }),
  status: 200,
  reply: environment,
  errors: ['invalid_json', 'invalid_request', 'unauthenticated', 'forbidden', 'not_found', 'invalid_properties'],
})

export const getHistory = route({
  id: 'getHistory',
  service: 'config',
  method: 'GET',
  path: '/admin/{application}/{profile}/history',
  summary: 'Every value that a property had, newest first',
  access: { user: ['admin'] },
  params: target,
  status: 200,
  reply: z
    .array(
      z.strictObject({
        name,
        value: z.json(),
        at: time,
        by: z.string().max(limits.labelCharsMax),
        comment: z.string().max(500).optional(),
      }),
    )
    .max(historyRowsMax),
  errors: ['invalid_request', 'unauthenticated', 'forbidden'],
})

export const publishSchema = route({
  id: 'publishSchema',
  service: 'config',
  method: 'PUT',
  path: '/schemas/{application}',
  summary: 'A service publishes the JSON Schema and the defaults of its properties',
  access: { services: ['*'] },
  params: z.strictObject({ application: target.shape.application }),
  body: z.strictObject({
    schema: schemaWords,
    defaults: values,
  }),
  status: 204,
  errors: ['invalid_json', 'invalid_request', 'unauthenticated', 'forbidden', 'invalid_properties'],
  internal: true,
})

export const configRoutes = [getEnvironment, getProperties, putProperties, getHistory, publishSchema] as const
