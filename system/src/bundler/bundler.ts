/**
 * A bundle for each entry, built when something it is made from has changed (docs/decisions/0015). A service read from
 * hundreds of files costs half a second of processor time more per start than one read from some dozens.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { SupervisorError } from '../supervisor/errors.ts'
import { readJson, writeJson } from '../supervisor/state-files.ts'
import { buildElsewhere } from './build-elsewhere.ts'
import { InputFiles, judge, type Manifest, mainFile, manifestPath } from './manifest.ts'
import type { Outcome } from './order.ts'

/** Counts up when the way of bundling changes: bundles of an older way are rebuilt. */
const recipeVersion = 11

export interface BundlerOptions {
  /** The checkout: entries are relative to it. */
  readonly root: string
  /** For this checkout alone: caches.ts. */
  readonly directory: string
  /** Ends a build that is under way. */
  readonly signal?: AbortSignal
}

export class Bundler {
  readonly #options: BundlerOptions
  readonly #recipe: string
  #files = new InputFiles()
  /** Entries that wait for the next build, and those being built. */
  readonly #wanted = new Map<string, Promise<string>>()
  #waiting: { entry: string; settle: PromiseWithResolvers<string> }[] = []
  #busy = false
  /** Modules that care where they lie, learnt from one build to the next. */
  #placed: readonly string[] = []

  constructor(options: BundlerOptions) {
    this.#options = options
    const { version } = createRequire(import.meta.url)('esbuild/package.json') as { version: string }
    this.#recipe = `${recipeVersion} esbuild ${version} node ${process.versions.node} ${options.root}`
  }

  /** Forgets what files looked like: the next call looks again. */
  lookAgain(): void {
    this.#files = new InputFiles()
  }

  /**
   * The file to run for an entry, building it if need be.
   *
   * @param entry path relative to the root.
   * @throws Error with esbuild's messages when the entry can't be built.
   */
  async bundleOf(entry: string): Promise<string> {
    const path = manifestPath(this.#options.directory, entry)
    const verdict = judge(readJson<Manifest>(path), this.#recipe, this.#files)
    if (verdict.fresh) {
      const file = mainFile(this.#options.directory, verdict.manifest.key, entry)
      if (existsSync(file)) {
        if (verdict.touched) writeJson(path, verdict.manifest)
        return file
      }
    }
    // Two instances of a service ask at the same moment.
    const present = this.#wanted.get(entry)
    if (present) return present
    const settle = Promise.withResolvers<string>()
    this.#wanted.set(entry, settle.promise)
    this.#waiting.push({ entry, settle })
    // What is asked for at the same moment, at a first start everything, is built in one go: services share most of
    // their modules, and eight together cost less than one and a half alone.
    if (!this.#busy) {
      this.#busy = true
      setImmediate(() => void this.#buildWaiting())
    }
    return settle.promise
  }

  async #buildWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      const built = await this.#build(batch.map(({ entry }) => entry).sort())
      for (const { entry, settle } of batch) {
        const one = built[entry] ?? { error: `${entry} was not built` }
        if ('file' in one) settle.resolve(one.file)
        else settle.reject(new SupervisorError(one.error))
        this.#wanted.delete(entry)
      }
    }
    this.#busy = false
  }

  /** Never rejects: that the process died is what became of each entry. */
  async #build(entries: readonly string[]): Promise<Outcome['built']> {
    const { root, directory, signal } = this.#options
    try {
      mkdirSync(directory, { recursive: true })
      const order = { root, directory, recipe: this.#recipe, entries, placed: this.#placed }
      const { built, placed } = await buildElsewhere(order, { signal })
      this.#placed = placed
      return built
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      return Object.fromEntries(entries.map((entry) => [entry, { error: text }]))
    }
  }

  /**
   * Removes bundles that no entry uses any more. A running process still loads chunks of its bundle late, so in a
   * folder that others use too only what is older than `ageMs` goes.
   */
  removeUnused(ageMs = 0): void {
    const { directory } = this.#options
    if (!existsSync(directory)) return
    const names = readdirSync(directory)
    const manifests = names.filter((name) => name.endsWith('.json'))
    const used = new Set(manifests.map((name) => readJson<Manifest>(join(directory, name))?.key))
    for (const name of names) {
      if (name.endsWith('.json') || used.has(name)) continue
      const path = join(directory, name)
      const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)
      if (age >= ageMs) rmSync(path, { recursive: true, force: true })
    }
  }
}
