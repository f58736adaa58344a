/**
 * Makes the keys and passwords of this installation, once, and hands each reader its own: a volume a reader, files of
 * mode 0400 that belong to its user. The originals are in the volume `issued`, which nothing else sees.
 * Runs as root and without network, because volumes come as root's.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureCredentials } from '@svyaz/system/credentials'
import { databaseOf } from '@svyaz/system/topology'
import { containerized } from '../image/entries.ts'
import { onRabbit, postgresAddress, rabbitmqAddress, secretsFolder, secretsOf } from './config.ts'
import { extraDatabases, otherReaders, serviceReaders } from './readers.ts'

type Files = Readonly<Record<string, string>>

/** Keys and passwords for every container, each in a folder of its own. What was issued before stays. */
export async function makeSecrets(): Promise<void> {
  const issued = join(secretsFolder, 'issued')
  const credentials = ensureCredentials(issued, { processes: containerized })
  const password = (name: string) => once(join(issued, `${name}.password`))
  const databases = containerized.flatMap((row) => databaseOf(row) ?? [])

  // Read by Node itself (--env-file-if-exists). Orders has one a store, and SVYAZ_ORDER_STORE says which.
  // Where Kafka carries the events, nobody has a password of RabbitMQ.
  const rabbitmq = onRabbit ? `SVYAZ_RABBITMQ_URL=${rabbitmqUrl(password('rabbitmq'))}\n` : ''
  const environment = (name: string, postgres: string): Files =>
    name === 'orders'
      ? {
          'environment.postgres': `${postgres}${rabbitmq}`,
          'environment.mongodb': `${mongoEnvironment(password('mongo-orders'))}${rabbitmq}`,
        }
      : { environment: `${postgres}${rabbitmq}` }

  const filesOfService = (name: string): Files => {
    const row = containerized.find((row) => row.name === name)
    const database = row && databaseOf(row)
    return {
      ...(row?.keys ? { 'key.json': readFileSync(credentials.keyFile(name), 'utf8') } : {}),
      'jwks.json': readFileSync(credentials.jwksFile, 'utf8'),
      ...environment(name, database ? databaseEnvironment(database, credentials.password(database)) : ''),
    }
  }
  const roles = [
    ...databases.map((name) => [name, credentials.password(name)]),
    ...extraDatabases.map(({ name }) => [name, password(name)]),
  ]
  const administrator = password('postgres')
  const filesOfOthers: Record<(typeof otherReaders)[number]['name'], Files> = {
    databases: { 'passwords.json': JSON.stringify({ administrator, roles: Object.fromEntries(roles) }) },
    topics: onRabbit ? { rabbitmq: rabbitmqUrl(password('rabbitmq')) } : {},
    postgres: { password: administrator, pgpass: `*:*:*:postgres:${administrator}\n` },
    'postgres-exporter': { password: password('monitoring') },
    keycloak: { 'database-password': password('keycloak'), 'admin-password': password('keycloak-admin') },
    mongo: { password: password('mongo'), orders: password('mongo-orders'), key: `${password('mongo-key')}\n` },
    rabbitmq: { 'user.conf': `default_user = svyaz\ndefault_pass = ${password('rabbitmq')}\n` },
    grafana: { password: password('grafana') },
  }
  for (const { name, uid } of serviceReaders) give(name, uid, filesOfService(name))
  for (const { name, uid } of otherReaders) give(name, uid, filesOfOthers[name])
  process.stdout.write(`secrets of ${serviceReaders.length + otherReaders.length} readers are in place\n`)
}

const databaseEnvironment = (name: string, password: string): string =>
  `SVYAZ_DATABASE_URL=postgres://${name}:${encodeURIComponent(password)}@${postgresAddress}/${name}\n`

const mongoEnvironment = (password: string): string =>
  `SVYAZ_MONGO_URL=mongodb://orders:${password}@mongo:27017/orders?replicaSet=svyaz&w=majority&journal=true\n`

const rabbitmqUrl = (password: string): string => `amqp://svyaz:${password}@${rabbitmqAddress}`

/** The password that was made before, or a new one: 192 bits, of characters that no shell and no URL minds. */
function once(path: string): string {
  if (!existsSync(path)) whole(path, randomBytes(24).toString('base64url'), 0)
  return readFileSync(path, 'utf8')
}

function give(reader: string, uid: number, files: Files): void {
  const folder = secretsOf(reader)
  chownSync(folder, uid, uid)
  chmodSync(folder, 0o500)
  for (const [name, text] of Object.entries(files)) whole(join(folder, name), text, uid)
}

/** Appears whole or not at all: a reader may be looking. */
function whole(path: string, text: string, uid: number): void {
  const draft = `${path}.draft`
  writeFileSync(draft, text, { mode: 0o400 })
  chownSync(draft, uid, uid)
  renameSync(draft, path)
}
