/**
 * The operations of the config service: reading is open within the system, changing is for administrators, and a
 * service publishes its own schema.
 */
import {
  getEnvironment,
  getHistory,
  getProperties,
  historyRowsMax,
  publishSchema,
  putProperties,
} from '@svyaz/contracts/http/config.ts'
import { type Caller, Failure, type HttpHandler, handle } from '@svyaz/kit'
import { type ConfigContext, change, readEnvironment, writeSchema } from './storage.ts'
import { mustBeStorable, mustCompile } from './validation.ts'

/** The HTTP operations of this service. */
export const httpEdge = (context: ConfigContext): HttpHandler[] => [
  handle(getEnvironment, async ({ params }) => ({
    body: await readEnvironment(context, params.application, params.profile),
  })),
  handle(getProperties, async ({ params }) => ({
    body: await readEnvironment(context, params.application, params.profile),
  })),
  handle(putProperties, async ({ params, body, caller }) => {
    const { properties, comment } = body
    await change(context, { ...params, properties, by: nameOf(caller), comment })
    return { body: await readEnvironment(context, params.application, params.profile) }
  }),
  handle(getHistory, async ({ params }) => {
    const rows = await context.database.query
      .selectFrom('history')
      .selectAll()
      .where('application', '=', params.application)
      .where('profile', '=', params.profile)
      .orderBy('id', 'desc')
      .limit(historyRowsMax)
      .execute()
    return {
      body: rows.map(({ name, value, at, by, comment }) => ({
        name,
        value,
        at: new Date(at).toISOString(),
        by,
        ...(comment === null ? {} : { comment }),
      })),
    }
  }),
  handle(publishSchema, async ({ params, body, caller }) => {
    if (caller.kind !== 'service' || caller.service !== params.application) {
      throw new Failure('forbidden', 'a service publishes its own schema only')
    }
    mustCompile(body.schema)
    mustBeStorable({ ...body.schema, ...body.defaults })
    await writeSchema(context, params.application, body.schema, body.defaults)
    return {}
  }),
]

const nameOf = (caller: Caller): string =>
  caller.kind === 'user'
    ? `user ${caller.userId}`
    : caller.kind === 'service'
      ? `service ${caller.service}`
      : 'anonymous'
