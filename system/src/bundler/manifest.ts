/** What a bundle was made from, so that a later start can tell without reading a file whether it is still right. */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

export interface Input {
  readonly path: string
  readonly size: number
  readonly modifiedMs: number
  /** Of the content. */
  readonly sha256: string
}

export interface Manifest {
  /** Versions and options that went into it, see {@link Bundler}. */
  readonly recipe: string
  /** Name of the folder under `bundles/`. */
  readonly key: string
  readonly inputs: readonly Input[]
}

/** Looks at each file once a run, however many bundles share it. */
export class InputFiles {
  readonly #stats = new Map<string, { size: number; modifiedMs: number } | undefined>()
  readonly #hashes = new Map<string, string>()

  /** True when size and time are those recorded. */
  looksSame(input: Input): boolean {
    const now = this.#stat(input.path)
    return now?.size === input.size && now.modifiedMs === input.modifiedMs
  }

  /** The file as it is now; undefined when there is none. */
  describe(path: string): Input | undefined {
    const now = this.#stat(path)
    if (!now) return undefined
    let sha256 = this.#hashes.get(path)
    if (sha256 === undefined) {
      sha256 = createHash('sha256').update(readFileSync(path)).digest('base64url')
      this.#hashes.set(path, sha256)
    }
    return { path, ...now, sha256 }
  }

  #stat(path: string): { size: number; modifiedMs: number } | undefined {
    if (!this.#stats.has(path)) {
      const stat = statSync(path, { throwIfNoEntry: false })
      this.#stats.set(path, stat && { size: stat.size, modifiedMs: stat.mtimeMs })
    }
    return this.#stats.get(path)
  }
}

/** File of an entry in the folder of its bundle. */
export const mainName = (entry: string): string => `${entry.replaceAll('/', '-').replace(/\.[cm]?ts$/, '')}.mjs`

/** Path of an entry's file. @param key of its manifest */
export const mainFile = (directory: string, key: string, entry: string): string => join(directory, key, mainName(entry))

/** Where the manifest of an entry is. */
export const manifestPath = (directory: string, entry: string): string =>
  join(directory, `${entry.replaceAll('/', '-')}.json`)

/** Name of the folder: the same inputs and recipe give the same one on every machine with the same paths. */
export function keyOf(recipe: string, inputs: readonly Input[]): string {
  const hash = createHash('sha256').update(recipe)
  for (const { path, sha256 } of inputs) hash.update(`\n${path}\0${sha256}`)
  return hash.digest('hex').slice(0, 24)
}

export type Freshness =
  | { readonly fresh: true; readonly manifest: Manifest; readonly touched: boolean }
  | { readonly fresh: false }

/** Whether a bundle is what would be built now. A file with a new time and the old content changes nothing. */
export function judge(manifest: Manifest | undefined, recipe: string, files: InputFiles): Freshness {
  if (!manifest || manifest.recipe !== recipe) return { fresh: false }
  if (manifest.inputs.every((input) => files.looksSame(input))) return { fresh: true, manifest, touched: false }
  const inputs: Input[] = []
  for (const before of manifest.inputs) {
    const now = files.looksSame(before) ? before : files.describe(before.path)
    if (now?.sha256 !== before.sha256) return { fresh: false }
    inputs.push(now)
  }
  return { fresh: true, manifest: { ...manifest, inputs }, touched: true }
}
