/**
 * One bundle per entry, built when something it is made from has changed (docs/decisions/0015). A service read from
 * hundreds of files costs half a second of processor time more per start than one read from two or three.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { BuildOptions } from 'esbuild'
import { readJson, writeJson } from '../supervisor/state-files.ts'
import { type Input, InputFiles, judge, keyOf, type Manifest } from './manifest.ts'
import { knowsItsPlace, ownPlace } from './own-place.ts'

/** Counts up when the way of bundling changes: bundles of an older way are built anew. */
const recipeVersion = 2

/** For code in the bundle that calls `require` with a computed name. */
const banner = (root: string) =>
  `import{createRequire as __createRequire}from'node:module';const require=__createRequire(${JSON.stringify(pathToFileURL(join(root, 'package.json')).href)});`

export interface BundlerOptions {
  /** The checkout: entries are relative to it. */
  readonly root: string
  /** SVYAZ_HOME/bundles. */
  readonly directory: string
}

export class Bundler {
  readonly #options: BundlerOptions
  readonly #recipe: string
  #files = new InputFiles()
  readonly #underWay = new Map<string, Promise<string>>()
  readonly #placed = new Map<string, boolean>()
  #stopService: (() => Promise<void>) | undefined

  constructor(options: BundlerOptions) {
    this.#options = options
    const { version } = createRequire(import.meta.url)('esbuild/package.json') as { version: string }
    this.#recipe = `${recipeVersion} esbuild ${version} node ${process.versions.node}`
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
    const manifestPath = this.#manifestPath(entry)
    const verdict = judge(readJson<Manifest>(manifestPath), this.#recipe, this.#files)
    if (verdict.fresh) {
      const file = this.#mainFile(verdict.manifest.key)
      if (existsSync(file)) {
        if (verdict.touched) writeJson(manifestPath, verdict.manifest)
        return file
      }
    }
    // Two instances of a service ask at the same moment.
    const present = this.#underWay.get(entry)
    if (present) return present
    const build = this.#build(entry)
    this.#underWay.set(entry, build)
    try {
      return await build
    } finally {
      this.#underWay.delete(entry)
      // esbuild's own process would stay with us for as long as we live.
      if (this.#underWay.size === 0) await this.#stopService?.()
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

  async #build(entry: string): Promise<string> {
    const { root, directory } = this.#options
    const esbuild = await import('esbuild')
    this.#stopService = esbuild.stop
    const from = join(root, entry)
    const outdir = join(directory, `unfinished-${process.pid}-${entry.replaceAll('/', '-')}`)
    const options = {
      entryPoints: { main: from },
      absWorkingDir: root,
      outdir,
      bundle: true,
      splitting: true,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      outExtension: { '.js': '.mjs' },
      metafile: true,
      logLevel: 'silent',
      external: ['*.node'],
      inject: [fileURLToPath(new URL('./flush-compile-cache.ts', import.meta.url))],
    } satisfies BuildOptions
    try {
      // The first pass only finds out what belongs to it.
      const survey = await esbuild.build({ ...options, write: false })
      const manifest = this.#describe(Object.keys(survey.metafile.inputs))
      const placed = manifest.inputs.filter((input) => this.#knowsItsPlace(input)).map((input) => input.path)
      await esbuild.build({
        ...options,
        // V8 keeps the source in memory: blanks and comments would be paid for in every process.
        minifyWhitespace: true,
        minifySyntax: true,
        sourcemap: 'linked',
        sourcesContent: false,
        banner: { js: banner(root) },
        plugins: [ownPlace(from, placed)],
      })
      publish(outdir, join(directory, manifest.key))
      writeJson(this.#manifestPath(entry), manifest)
      return this.#mainFile(manifest.key)
    } finally {
      rmSync(outdir, { recursive: true, force: true })
    }
  }

  /** Asked once per content: services share most of their modules. */
  #knowsItsPlace({ path, sha256 }: Input): boolean {
    let known = this.#placed.get(sha256)
    if (known === undefined) {
      known = /\.[cm]?[jt]s$/.test(path) && knowsItsPlace(readFileSync(path, 'utf8'))
      this.#placed.set(sha256, known)
    }
    return known
  }

  #describe(names: readonly string[]): Manifest {
    const { root } = this.#options
    const sources = names.map((name) => resolve(root, name)).filter((path) => existsSync(path))
    const packages = sources.filter((path) => !path.includes('/node_modules/')).map(nearestPackage)
    const paths = [...new Set([...sources, ...packages, join(root, 'package-lock.json')])].sort()
    const inputs = paths.flatMap((path) => this.#files.describe(path) ?? [])
    return { recipe: this.#recipe, key: keyOf(this.#recipe, inputs), inputs }
  }

  #mainFile(key: string): string {
    return join(this.#options.directory, key, 'main.mjs')
  }

  #manifestPath(entry: string): string {
    mkdirSync(this.#options.directory, { recursive: true })
    return join(this.#options.directory, `${entry.replaceAll('/', '-')}.json`)
  }
}

/** `exports` and `type` of a package decide what an import means. */
function nearestPackage(path: string): string {
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    const candidate = join(directory, 'package.json')
    if (existsSync(candidate) || directory === dirname(directory)) return candidate
  }
}

/** Gives a folder its final name; another process may have been first, with the same content. */
function publish(from: string, to: string): void {
  try {
    if (!existsSync(to)) renameSync(from, to)
  } catch (error) {
    if (!existsSync(to)) throw error
  }
}
