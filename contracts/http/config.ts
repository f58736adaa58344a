import { z } from 'zod'
import { time } from '../primitives.ts'
import { route } from '../vocabulary.ts'

const target = z.strictObject({
  application: z.string().regex(/^[a-z][a-z0-9-]*$/),
  profile: z.string().regex(/^[a-z][a-z0-9-]*$/),
})
const name = z
  .string()
  .regex(/^[a-zA-Z][a-zA-Z0-9.]*$/)
  .max(100)
const values = z.record(name, z.json())

/** As Spring Cloud Config answers: sources in order of precedence, the first that names a property wins. */
export const environment = z.strictObject({
  name: z.string(),
  profiles: z.array(z.string()),
  version: z.string().meta({ description: 'Changes with every change that touches this answer' }),
  propertySources: z.array(z.strictObject({ name: z.string(), source: values })),
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
  body: z.strictObject({ properties: values, comment: z.string().max(500).optional() }),
  status: 200,
  reply: environment,
  errors: ['invalid_json', 'invalid_request', 'unauthenticated', 'forbidden'],
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
  reply: z.array(z.strictObject({ name, value: z.json(), at: time, by: z.string(), comment: z.string().optional() })),
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
  body: z.strictObject({ schema: z.record(z.string(), z.json()), defaults: values }),
  status: 204,
  errors: ['invalid_json', 'invalid_request', 'unauthenticated', 'forbidden'],
  internal: true,
})

export const configRoutes = [getEnvironment, getProperties, putProperties, getHistory, publishSchema] as const
