/**
 * Makes each service's database and role: a role owns its own database and can't connect to another (reliability:
 * least rights).
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureDatabases } from '@svyaz/system/databases'
import { databaseOf } from '@svyaz/system/topology'
import { containerized } from '../image/entries.ts'
import { insist, postgresAddress, secretsOf } from './config.ts'
import { extraDatabases } from './readers.ts'

interface Passwords {
  readonly administrator: string
  readonly roles: Readonly<Record<string, string>>
}

/** Databases and roles of all services in PostgreSQL. What is there stays; passwords are set to those issued. */
export async function makeDatabases(): Promise<void> {
  const { administrator, roles } = JSON.parse(
    readFileSync(join(secretsOf('databases'), 'passwords.json'), 'utf8'),
  ) as Passwords
  const url = `postgres://postgres:${encodeURIComponent(administrator)}@${postgresAddress}/postgres`
  const wanted = [...containerized.flatMap((row) => databaseOf(row) ?? []).map((name) => ({ name })), ...extraDatabases]
  const list = wanted.map((row) => {
    const password = roles[row.name]
    if (password === undefined) throw new Error(`no password for the role ${row.name}: run the job secrets again`)
    return { ...row, role: row.name, password }
  })
  await insist('PostgreSQL', () => ensureDatabases(url, list))
  process.stdout.write(`${list.length} databases are in place\n`)
}
