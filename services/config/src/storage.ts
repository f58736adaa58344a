/** Properties, their history and the published schemas in PostgreSQL. */
import { configEvents } from '@svyaz/contracts/events/config.ts'
import type { Environment } from '@svyaz/contracts/http/config.ts'
import { type Context, Failure, type Tx } from '@svyaz/kit'
import { sql } from 'kysely'
import type { Settings } from './config.ts'
import { defaultProfile, environmentOf, type Json, type Property, unknownNames } from './domain.ts'
import { faultsOf, mustBeStorable } from './validation.ts'

export interface ConfigSchema {
  properties: { application: string; profile: string; name: string; value: Json }
  history: {
    id: string | number
    application: string
    profile: string
    name: string
    value: Json
    at: Date | string
    by: string
    comment: string | null
  }
  schemas: {
    application: string
    schema: Record<string, Json> | string
    defaults: Record<string, Json> | string
    revision: number
    published_at: Date | string
  }
}
export type ConfigContext = Context<Settings, ConfigSchema>

/**
 * What is stored for an application and profile: one statement, so one snapshot. A version read beside the properties
 * of the moment before would tell the reader that it has the change already, and it would never ask for it again.
 */
export const readEnvironment = async (
  context: ConfigContext,
  application: string,
  profile: string,
): Promise<Environment> => {
  const profiles = [profile, defaultProfile]
  const { rows } = await sql<{
    properties: Property[]
    last: string
    defaults: Record<string, Json> | null
    revision: number | null
  }>`
    select
      (select coalesce(json_agg(properties), '[]') from properties
        where application = ${application} and profile = any(${profiles}::text[])) as properties,
      (select coalesce(max(id), 0) from history
        where application = ${application} and profile = any(${profiles}::text[])) as last,
      defaults, revision
    from (select) as always left join schemas on application = ${application}`.execute(context.database.query)
  const { properties, last, defaults, revision } = rows[0]!
  return environmentOf(application, profile, `${last}.${revision ?? 0}`, properties, defaults ?? {})
}

/** Keeps what a service says of its properties; its revision goes up only when it says something else. */
export const writeSchema = async (
  context: ConfigContext,
  application: string,
  schema: Record<string, Json>,
  defaults: Record<string, Json>,
): Promise<void> => {
  const values = {
    schema: JSON.stringify(schema),
    defaults: JSON.stringify(defaults),
    published_at: context.clock.iso(),
  }
  await context.database.query
    .insertInto('schemas')
    .values({ application, ...values, revision: 1 })
    .onConflict((conflict) =>
      conflict
        .column('application')
        .doUpdateSet({ ...values, revision: sql`schemas.revision + 1` })
        .where((where) =>
          where.or([
            where('schemas.schema', 'is distinct from', sql<string>`${values.schema}::jsonb`),
            where('schemas.defaults', 'is distinct from', sql<string>`${values.defaults}::jsonb`),
          ]),
        ),
    )
    .execute()
}

export interface ConfigChange {
  application: string
  profile: string
  /** null takes a property away. */
  properties: Record<string, Json>
  by: string
  comment: string | undefined
}

/**
 * All of it or nothing.
 *
 * @throws Failure not_found for an application that is none, invalid_properties with a fault for each that breaks the schema.
 */
export const change = async (context: ConfigContext, wanted: ConfigChange): Promise<void> => {
  const { application, profile, properties } = wanted
  mustBeStorable(properties)
  await context.database.transaction(async (tx) => {
    await mustFit(tx, application, properties)
    const at = context.clock.iso()
    await setProperties(tx, wanted)
    const version = await tellHistory(tx, wanted, at)
    await context.outbox.add(tx, {
      topic: configEvents,
      type: 'config.changed',
      key: application,
      data: { application, profile, names: Object.keys(properties), version, at },
    })
  })
}

type ConfigTx = Tx<ConfigSchema>

/** Locks the application's schema, so that changes of one application are ordered, and judges the properties by it. */
async function mustFit(tx: ConfigTx, application: string, properties: Record<string, Json>): Promise<void> {
  const published = await tx
    .selectFrom('schemas')
    .selectAll()
    .where('application', '=', application)
    .forUpdate()
    .executeTakeFirst()
  if (!published) throw new Failure('not_found', `no service called ${application} has published its properties`)
  const schema = published.schema as Record<string, Json>
  const set = Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== null))
  const faults = [...unknownNames(schema, Object.keys(properties)), ...faultsOf(schema, set)]
  if (faults.length > 0) throw new Failure('invalid_properties', faults[0]!.detail, { faults })
}

async function setProperties(tx: ConfigTx, { application, profile, properties }: ConfigChange): Promise<void> {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null) {
      await tx
        .deleteFrom('properties')
        .where('application', '=', application)
        .where('profile', '=', profile)
        .where('name', '=', name)
        .execute()
      continue
    }
    const json = JSON.stringify(value)
    await tx
      .insertInto('properties')
      .values({ application, profile, name, value: json })
      .onConflict((conflict) => conflict.columns(['application', 'profile', 'name']).doUpdateSet({ value: json }))
      .execute()
  }
}

/** Resolves with the number of the last of its rows: the version of what is stored now. */
async function tellHistory(tx: ConfigTx, wanted: ConfigChange, at: string): Promise<number> {
  const { application, profile, properties, by, comment = null } = wanted
  const values = Object.entries(properties).map(([name, value]) => {
    const json = value === null ? null : JSON.stringify(value)
    return { application, profile, name, value: json, at, by, comment } as ConfigSchema['history']
  })
  const rows = await tx.insertInto('history').values(values).returning('id').execute()
  return Math.max(...rows.map(({ id }) => Number(id)))
}
