/** PostgreSQL as an instance under the supervisor: its own starter, loaded only when it is started. */
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type Running, signalTree } from './launch.ts'
import type { Exit } from './lifecycle.ts'
import type { Output } from './output.ts'
import { signalEach } from './process-table.ts'
import { readJson, writeJson } from './state-files.ts'

export interface DatabaseRole {
  readonly name: string
  readonly role: string
  readonly password: string
}

export interface PostgresPlan {
  readonly directory: string
  readonly port: number
  readonly host: string
  readonly log: string
  readonly databases: readonly DatabaseRole[]
  /** Remembers which databases the cluster has, so that a warm start asks nothing. */
  readonly record: string
}

interface DatabaseRecord {
  /** Of this cluster and no other: its version file's inode and birth. */
  cluster: string
  /** Hash of names, roles and passwords. */
  databases: string
}

/**
 * Returns when the server accepts connections and each service's database is there.
 *
 * @param note tells a person what they would not expect: that the data lies elsewhere.
 */
export async function launchPostgres(
  plan: PostgresPlan,
  output: Output,
  note: (text: string) => void,
): Promise<Running> {
  const { startPostgres } = await import('../postgres/index.ts')
  const engine = await startPostgres(plan)
  if (engine.account)
    output.note('info', `PostgreSQL runs as the user ${engine.account}; its data is in ${engine.where}`)
  if (engine.where !== plan.directory) {
    note(`PostgreSQL's data is in ${engine.where}: its account, ${engine.account}, can't enter ${plan.directory}`)
  }
  try {
    const record: DatabaseRecord = { cluster: clusterId(engine.where), databases: hashOf(plan.databases) }
    if (JSON.stringify(readJson(plan.record)) !== JSON.stringify(record)) {
      await engine.ensureDatabases(plan.databases)
      writeJson(plan.record, record)
    }
  } catch (error) {
    await engine.stop()
    throw error
  }
  return {
    pid: engine.pid,
    exited: engine.exited.then(({ status }): Exit => ({ code: status, signal: null })),
    signal: (name) => {
      if (name === 'SIGTERM') void engine.stop()
      // −9 is for the server alone: its children notice by themselves, and recovery is part of what is tested.
      else if (name === 'SIGKILL') signalEach([engine.pid], name)
      else signalTree(engine.pid, name)
    },
  }
}

const hashOf = (databases: readonly DatabaseRole[]): string =>
  createHash('sha256').update(JSON.stringify(databases)).digest('base64url')

function clusterId(where: string): string {
  const { ino, birthtimeMs } = statSync(join(where, 'data', 'PG_VERSION'))
  return `${ino}-${birthtimeMs}`
}
