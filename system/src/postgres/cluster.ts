/** The data directory: made once with initdb, then only checked. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PostgresError } from './errors.ts'
import type { Place } from './place.ts'
import { hostBasedAuthentication, initdbArguments } from './settings.ts'

export interface Cluster {
  dataDirectory: string
  /** Of the role `postgres`; kept in a file of mode 600. */
  password: string
}

/** The on-disk format of the server that we ship; another major can't read it. */
const majorVersion = '18'

/**
 * Opens the cluster of a place, creating it at the first start. initdb works in a directory of another name,
 * which gets its final one in one step: a crash in between leaves nothing that looks like a cluster.
 *
 * @throws PostgresError when the data belongs to another major version or initdb fails.
 */
export async function openCluster(place: Place): Promise<Cluster> {
  const dataDirectory = join(place.where, 'data')
  const passwordFile = join(place.where, 'password')
  if (existsSync(dataDirectory)) {
    const version = readFileSync(join(dataDirectory, 'PG_VERSION'), 'utf8').trim()
    if (version !== majorVersion) {
      throw new PostgresError(
        `${dataDirectory} holds data of PostgreSQL ${version}; this is ${majorVersion}. Move it away or upgrade it with pg_upgrade`,
      )
    }
  } else {
    await createCluster(place, dataDirectory, passwordFile)
  }
  writeFileSync(join(dataDirectory, 'pg_hba.conf'), hostBasedAuthentication)
  return { dataDirectory, password: readFileSync(passwordFile, 'utf8').trim() }
}

async function createCluster(place: Place, dataDirectory: string, passwordFile: string): Promise<void> {
  const unfinished = `${dataDirectory}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  rmSync(passwordFile, { force: true })
  writeFileSync(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 })
  if (place.account) chownSync(passwordFile, place.account.uid, place.account.gid)
  await run(join(place.programs, 'bin', 'initdb'), initdbArguments(unfinished, passwordFile), place)
  renameSync(unfinished, dataDirectory)
}

function run(file: string, args: string[], place: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      ...(place.account ? { uid: place.account.uid, gid: place.account.gid } : {}),
      cwd: place.where,
      env: cleanEnvironment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-4_000)
      })
    }
    child.once('error', (cause) => reject(new PostgresError(`cannot run ${file}: ${cause.message}`, { cause })))
    child.once('close', (status) =>
      status === 0 ? resolve() : reject(new PostgresError(`initdb failed (${status}): ${output.trim()}`)),
    )
  })
}

/** Nothing of ours: PG* variables and LC_* of the person's shell would change what the server does. */
export const cleanEnvironment: Record<string, string> = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
