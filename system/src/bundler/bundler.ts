/**
 * One bundle per entry, built when something it is made from has changed (docs/decisions/0015). A service read from
 * hundreds of files costs half a second of processor time more per start than one read from two or three.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { SupervisorError } from '../supervisor/errors.ts'
import { readJson, writeJson } from '../supervisor/state-files.ts'
import { withoutFacades } from './builtins.ts'
import { completeLateImports, namesFromDefault } from './late-imports.ts'
import { InputFiles, judge, keyOf, type Manifest } from './manifest.ts'
import { knowsItsPlace, ownPlace } from './own-place.ts'

/** Counts up when the way of bundling changes: bundles of an older way are built anew. */
const recipeVersion = 7

/**
 * In front of each file. `require` is for code that calls it with a computed name; the script's name is that of the
 * source, so that a module which asks whether it was started itself gets the right answer.
 */
const banner = (root: string, entry: string) =>
  `const require=process.getBuiltinModule('node:module').createRequire(${JSON.stringify(pathToFileURL(join(root, 'package.json')).href)});process.argv[1]=${JSON.stringify(entry)};${namesFromDefault}`

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
  /** Modules that care where they lie. */
  readonly #placed = new Set<string>()
  readonly #scanned = new Set<string>()
  /** One build after the other: esbuild uses all cores for each, and each learns from the one before. */
  #last: Promise<unknown> = Promise.resolve()
  #stopService: (() => Promise<void>) | undefined

  constructor(options: BundlerOptions) {
    this.#options = options
    const { version } = createRequire(import.meta.url)('esbuild/package.json') as { version: string }
    this.#recipe = `${recipeVersion} esbuild ${version} node ${process.versions.node}`
  }

  /** Forgets what files looked like: the next call looks again. */
  lookAgain(): void {
    this.#files = new InputFiles()
    this.#scanned.clear()
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
    const build = this.#last.then(() => this.#build(entry))
    this.#last = build.catch(() => {})
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
    if (!existsSync(join(root, entry))) throw new SupervisorError(`there is no ${entry}`)
    const esbuild = await import('esbuild')
    this.#stopService = esbuild.stop
    const from = join(root, entry)
    const outdir = join(directory, `unfinished-${process.pid}-${entry.replaceAll('/', '-')}`)
    const run = () =>
      esbuild.build({
        entryPoints: { main: from },
        absWorkingDir: root,
        outdir,
        bundle: true,
        splitting: true,
        platform: 'node',
        format: 'esm',
        target: 'node24',
        // Node 24 has it; lowered, a `using` in a loop throws the error of the round before again.
        supported: { using: true },
        outExtension: { '.js': '.mjs' },
        metafile: true,
        logLevel: 'silent',
        external: ['*.node'],
        inject: [fileURLToPath(new URL('./flush-compile-cache.ts', import.meta.url))],
        // V8 keeps the source in memory: blanks and comments would be paid for in every process.
        minifyWhitespace: true,
        minifySyntax: true,
        sourcemap: 'linked',
        sourcesContent: false,
        banner: { js: banner(root, from) },
        plugins: [ownPlace(from, [...this.#placed])],
      })
    try {
      let manifest: Manifest
      // Which modules care where they lie is known only once it is known which modules there are. Services share most
      // of them, so nearly every build but the first knows enough.
      do manifest = this.#describe(Object.keys((await run()).metafile.inputs))
      while (this.#findPlaced(manifest))
      for (const name of readdirSync(outdir).filter((name) => name.endsWith('.mjs'))) {
        const file = join(outdir, name)
        writeFileSync(file, completeLateImports(withoutFacades(readFileSync(file, 'utf8'), banner(root, from))))
      }
      publish(outdir, join(directory, manifest.key))
      writeJson(this.#manifestPath(entry), manifest)
      return this.#mainFile(manifest.key)
    } finally {
      rmSync(outdir, { recursive: true, force: true })
    }
  }

  /** Adds modules that care where they lie; true when there was one that the build did not know about. */
  #findPlaced(manifest: Manifest): boolean {
    const before = this.#placed.size
    for (const { path } of manifest.inputs) {
      if (this.#scanned.has(path)) continue
      this.#scanned.add(path)
      if (/\.[cm]?[jt]s$/.test(path) && knowsItsPlace(readFileSync(path, 'utf8'))) this.#placed.add(path)
    }
    return this.#placed.size > before
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
