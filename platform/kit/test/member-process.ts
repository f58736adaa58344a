/**
 * An instance of a service with a database, an outbox and a consumer, to be killed by messaging.test.ts. Takes its
 * options as JSON, reads what to add line by line, says what happens as JSON lines.
 */
import { createInterface } from 'node:readline'
import type { CrashPointName } from '../src/api.ts'
import { openDatabase } from '../src/database/database.ts'
import { type Messaging, openMessaging } from '../src/messaging/messaging.ts'
import { testCore } from './core-fixture.ts'
import { counted, countedTopic, type EffectsSchema, effectsMigrations, recordEffect } from './counted-topic.ts'

interface Options {
  instance: string
  databaseUrl: string
  broker: string
  topic: string
  group?: string
  /** Ends itself by SIGKILL when it passes this point for the `times`th time. */
  crash?: { point: CrashPointName; times: number }
  /** Each handler adds an event of its own. */
  echo?: boolean
}

const options: Options = JSON.parse(process.argv[2] ?? '{}')
const say = (said: object) => process.stdout.write(`${JSON.stringify(said)}\n`)

const core = testCore({ instance: options.instance, kafkaBrokers: [options.broker] })
let passed = 0
core.onCrashPoint = (name) => {
  if (name === options.crash?.point && ++passed === options.crash.times) process.kill(process.pid, 'SIGKILL')
}
const database = await openDatabase<EffectsSchema>(core, { url: options.databaseUrl, migrations: effectsMigrations })
const topic = countedTopic(options.topic)
const messaging: Messaging = await openMessaging(core, {
  database: database as never,
  writes: [topic],
  consumers: options.group
    ? [
        counted(topic, options.group, async (message, tx) => {
          await recordEffect(core, tx, message)
          if (options.echo) await messaging.outbox.add(tx, { topic, type: 'other', key: message.key, data: {} })
        }),
      ]
    : [],
})
await messaging.start()
say({ ready: true })

for await (const line of createInterface(process.stdin)) {
  const { key, first, last } = JSON.parse(line) as { key: string; first: number; last: number }
  for (let n = first; n <= last; n++) {
    await database.transaction((tx) => messaging.outbox.add(tx, { topic, type: 'counted', key, data: { n } }))
  }
  say({ [`added ${key}`]: last })
}
await messaging.stopConsumers(5_000)
await messaging.close()
await database.close()
process.exit(0)
