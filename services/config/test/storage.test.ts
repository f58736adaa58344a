import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from '../../../platform/kit/src/database/database.ts'
import { testCore } from '../../../platform/kit/test/core-fixture.ts'
import { startTestPostgres } from '../../../platform/kit/test/engines.ts'
import { migrations } from '../src/migrations.ts'
import { type ConfigContext, type ConfigSchema, change, readEnvironment, writeSchema } from '../src/storage.ts'

test('an answer has the properties of its version, whatever is changed meanwhile', async () => {
  await using postgres = await startTestPostgres()
  const core = testCore({ service: 'config' })
  const database = await openDatabase<ConfigSchema>(core, { url: await postgres.database('config'), migrations })
  try {
    const context = { ...core, database, outbox: { add: async () => undefined } } as unknown as ConfigContext
    await writeSchema(context, 'users', { properties: { step: { type: 'number' } } }, { step: 0 })
    const seen = new Map<string, Set<unknown>>()
    let changing = true
    const look = async () => {
      while (changing) {
        const { version, propertySources } = await readEnvironment(context, 'users', 'embedded')
        const step = propertySources.find(({ source }) => source.step !== undefined)?.source.step
        seen.set(version, (seen.get(version) ?? new Set()).add(step))
      }
    }
    const looking = [look(), look(), look()]
    for (let step = 1; step <= 100; step++) {
      const properties = { step }
      await change(context, { application: 'users', profile: 'embedded', properties, by: 'test', comment: undefined })
    }
    changing = false
    await Promise.all(looking)
    const torn = [...seen].filter(([version, steps]) => !(steps.size === 1 && steps.has(Number(version.split('.')[0]))))
    assert.deepEqual(torn, [])
    assert.ok(seen.size > 1)
  } finally {
    await database.close()
  }
})
