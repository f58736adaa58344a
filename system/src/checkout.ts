/** Which copy of this repository code comes from: its folder, its version and its commit. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

export interface Checkout {
  /** Absolute path. */
  readonly root: string
  /** Of package.json. */
  readonly version: string
  /** Of Git's HEAD; absent where there is no Git, as in an image. */
  readonly commit?: string
}

/** Reads Git's files itself: a program to ask would cost every start a process, and may be missing. */
export function checkoutAt(root: string): Checkout {
  const { version = 'unknown' } = existsSync(join(root, 'package.json'))
    ? (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version?: string })
    : {}
  const commit = headOf(root)
  return { root, version, ...(commit === undefined ? {} : { commit }) }
}

/** Short name of a checkout's folder, e.g. for what is cached for it. */
export const idOf = (root: string): string => createHash('sha256').update(root).digest('hex').slice(0, 12)

/**
 * Pure. Whether code of the one may differ from the other's. In one folder a commit is not a sign: who develops commits
 * while the system runs.
 */
export function mayDiffer(a: Checkout, b: Checkout): boolean {
  if (a.version !== b.version) return true
  return a.root !== b.root && (a.commit === undefined || a.commit !== b.commit)
}

/** For a sentence, e.g. `/home/me/svyaz (0.1.0, commit 9fd8441)`. */
export const describeCheckout = ({ root, version, commit }: Checkout): string =>
  `${root} (${version}${commit === undefined ? '' : `, commit ${commit.slice(0, 7)}`})`

/** gitrepository-layout(5): HEAD is a commit or names a ref, which is in a file of its own or in packed-refs. */
function headOf(root: string): string | undefined {
  try {
    const folder = gitFolder(root)
    const head = readFileSync(join(folder, 'HEAD'), 'utf8').trim()
    if (!head.startsWith('ref: ')) return head
    const ref = head.slice('ref: '.length)
    const pointer = join(folder, 'commondir')
    const common = existsSync(pointer) ? resolve(folder, readFileSync(pointer, 'utf8').trim()) : folder
    const file = join(common, ref)
    if (existsSync(file)) return readFileSync(file, 'utf8').trim()
    const packed = readFileSync(join(common, 'packed-refs'), 'utf8').split('\n')
    return packed.find((line) => line.endsWith(` ${ref}`))?.split(' ')[0]
  } catch {
    return undefined
  }
}

/** A worktree has a file in place of the folder, which says where that is (gitfile, gitrepository-layout(5)). */
function gitFolder(root: string): string {
  const path = join(root, '.git')
  if (statSync(path).isDirectory()) return path
  return resolve(root, readFileSync(path, 'utf8').replace('gitdir:', '').trim())
}
