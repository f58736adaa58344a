/** Who reads which secrets: one list for the job that writes them and for the volumes in compose.yaml. */
import { ownUid } from '../image/container.ts'
import { containerized } from '../image/entries.ts'

export interface Reader {
  readonly name: string
  /** User of the image that must be able to read the files. */
  readonly uid: number
}

/** Services with a key, a database, or tokens to verify. */
export const serviceReaders: readonly Reader[] = containerized
  .filter((process) => process.contract === 'kit')
  .map(({ name }) => ({ name, uid: ownUid }))

/** The jobs that make databases and topics, and engines by the user of their official image. */
export const otherReaders = [
  { name: 'databases', uid: ownUid },
  { name: 'topics', uid: ownUid },
  { name: 'postgres', uid: 999 },
  { name: 'postgres-exporter', uid: 65_534 },
  { name: 'keycloak', uid: 1000 },
  { name: 'mongo', uid: 999 },
  { name: 'rabbitmq', uid: 999 },
  { name: 'grafana', uid: 472 },
] as const satisfies readonly Reader[]

export const readers: readonly Reader[] = [...serviceReaders, ...otherReaders]

/** Databases beyond the services' own: Keycloak's, and the role that reads what PostgreSQL says of itself. */
export const extraDatabases = [
  { name: 'keycloak' },
  { name: 'monitoring', memberOf: 'pg_monitor' },
] as const satisfies readonly { name: string; memberOf?: string }[]
