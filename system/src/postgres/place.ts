/**
 * As whom PostgreSQL runs and where its data lies. It refuses to run as root, and the account that it gets
 * instead can't enter a folder of mode 700, such as root's home: then data and programs go to /var/lib/svyaz.
 */
import { spawnSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Binaries } from './binaries.ts'
import { completeBinaries, copyBinaries } from './binaries.ts'
import { PostgresError } from './errors.ts'

/** Another account to run as; undefined: the account of this process. */
export interface Account {
  name: string
  uid: number
  gid: number
}

export interface Place {
  account: Account | undefined
  /** Directory for everything of this server: cluster, password, owner. Mode 700, owned by the account. */
  where: string
  /** Directory with `bin/` and `lib/` that the account can execute. */
  programs: string
}

const reachableBase = '/var/lib/svyaz'

/** Picks `postgres`, else `nobody`, from the text of /etc/passwd. */
export function accountFrom(passwd: string): Account | undefined {
  const accounts = new Map(
    passwd.split('\n').flatMap((line): [string, Account][] => {
      const [name, , uid, gid] = line.split(':')
      return name && uid && gid ? [[name, { name, uid: Number(uid), gid: Number(gid) }]] : []
    }),
  )
  return [accounts.get('postgres'), accounts.get('nobody')].find((account) => account && account.uid > 0)
}

/**
 * Decides account and directories and creates them.
 *
 * @param directory where the data should be; used unless the account can't reach it.
 * @throws PostgresError when this is root and there is no other account to run as.
 */
export function preparePlace(directory: string, binaries: Binaries): Place {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (process.getuid?.() !== 0) {
    return { account: undefined, where: directory, programs: programsFor(undefined, binaries, directory) }
  }
  const owner = ownerOf(join(directory, 'data'))
  const account = owner ?? accountFrom(readFileSync('/etc/passwd', 'utf8'))
  if (!account) {
    throw new PostgresError(
      'PostgreSQL does not run as root, and there is neither a user "postgres" nor "nobody": start as an ordinary user',
    )
  }
  chownSync(directory, account.uid, account.gid)
  const where = canUse(account, '-w', directory) ? directory : relocated(directory, account)
  return { account, where, programs: programsFor(account, binaries, where) }
}

/** An ordinary user who started here before: the data stays theirs when root starts once in between. */
function ownerOf(data: string): Account | undefined {
  const stat = statSync(data, { throwIfNoEntry: false })
  return stat && stat.uid > 0 ? { name: `user ${stat.uid}`, uid: stat.uid, gid: stat.gid } : undefined
}

function programsFor(account: Account | undefined, binaries: Binaries, where: string): string {
  const usable =
    safeInShell(binaries.directory) &&
    completeBinaries(binaries.directory) &&
    (account === undefined || canUse(account, '-x', join(binaries.directory, 'bin', 'postgres')))
  if (usable) return binaries.directory
  if (account) return copyBinaries(binaries, join(reachableBase, 'programs'))
  const parent = [join(where, 'programs'), join(homedir(), '.cache', 'svyaz', 'postgres')].find(safeInShell)
  if (parent !== undefined) return copyBinaries(binaries, parent)
  throw new PostgresError(
    `PostgreSQL's initdb runs its programs through a shell, which would read the characters ${unsafe} in ${where} in its own way: move the checkout to a path without them, or name another place with SVYAZ_HOME`,
  )
}

/**
 * initdb runs `postgres` as `"<path>"` through a shell (src/common/exec.c, find_other_exec): what a shell reads in double
 * quotes must not be in the path of the programs. The data's own path goes by arguments and PGDATA only.
 */
export const safeInShell = (path: string): boolean => !/[$`"\\\n]/.test(path)
const unsafe = '$ ` " \\'

/** Asks the account itself: permissions of every folder above, access lists and mount options all count. */
function canUse(account: Account, test: '-w' | '-x', path: string): boolean {
  const { uid, gid } = account
  const answer = spawnSync('/bin/sh', ['-c', `cd / && test ${test} "$1"`, 'sh', path], {
    uid,
    gid,
    cwd: '/',
    stdio: 'ignore',
  })
  return answer.status === 0
}

/**
 * The place outside for a directory that can't be reached. The same random mark is in both: when someone
 * deletes `directory` to begin afresh, or a new clone comes to the same path, the data of the old one is set
 * aside (one generation is kept) and not taken for the new one's.
 */
function relocated(directory: string, account: Account): string {
  const where = relocationOf(directory)
  mkdirSync(reachableBase, { recursive: true, mode: 0o755 })
  chmodSync(reachableBase, 0o755)
  const mark = join(directory, 'moved.json')
  const known = existsSync(mark) ? readFileSync(mark, 'utf8') : JSON.stringify({ where, id: randomUUID() })
  const theirs = join(where, 'moved.json')
  if (existsSync(where) && !(existsSync(theirs) && readFileSync(theirs, 'utf8') === known)) {
    rmSync(`${where}.previous`, { recursive: true, force: true })
    renameSync(where, `${where}.previous`)
  }
  mkdirSync(where, { recursive: true, mode: 0o700 })
  chownSync(where, account.uid, account.gid)
  writeFileSync(theirs, known)
  writeFileSync(mark, known)
  return where
}

/**
 * Removes what {@link preparePlace} keeps outside of `directory`, if anything; the directory itself is left. For whoever
 * removes a home for good: its server must have ended. Data with another mark than the directory's isn't touched.
 */
export function removeRelocated(directory: string): void {
  const where = relocationOf(directory)
  const mark = join(directory, 'moved.json')
  const theirs = join(where, 'moved.json')
  if (!existsSync(mark) || !existsSync(theirs)) return
  if (readFileSync(mark, 'utf8') === readFileSync(theirs, 'utf8'))
    rmSync(where, { recursive: true, force: true, maxRetries: 3 })
}

const relocationOf = (directory: string) =>
  join(reachableBase, createHash('sha256').update(directory).digest('hex').slice(0, 16))
