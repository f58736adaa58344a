/** Where a job finds the volumes that compose.yaml gives it, and how long it waits for an engine. */
import { join } from 'node:path'

/** A folder per reader of secrets, each a volume of its own: a reader sees nobody else's. */
export const secretsFolder = process.env.SVYAZ_SECRETS ?? '/secrets'

/** The folder of what one container may read. */
export const secretsOf = (reader: string): string => join(secretsFolder, reader)

/** PostgreSQL's address without a password. */
export const postgresAddress = process.env.SVYAZ_POSTGRES ?? 'postgres:5432'

/** RabbitMQ's address without user and password. */
export const rabbitmqAddress = process.env.SVYAZ_RABBITMQ ?? 'rabbitmq:5672'

/** Whether RabbitMQ carries the events, in Kafka's place. */
export const onRabbit = process.env.SVYAZ_MESSAGES === 'rabbitmq'

export const kafkaBrokers = (process.env.SVYAZ_KAFKA_BROKERS ?? '').split(',').filter((address) => address !== '')

/** An engine that starts for the first time on a busy machine takes its time. */
export const patienceMs = 180_000

/** Tries until it works or patience ends; says once why it waits. @throws the last error */
export async function insist(what: string, attempt: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + patienceMs
  for (let failures = 0; ; failures += 1) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > deadline) throw error
      if (failures === 0) process.stdout.write(`waiting for ${what}: ${String((error as Error).message ?? error)}\n`)
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }
}
