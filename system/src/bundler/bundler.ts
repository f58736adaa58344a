/**
 * A bundle for each entry, built when something it is made from has changed (docs/decisions/0015). A service read from
 * hundreds of files costs half a second of processor time more per start than one read from some dozens.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Metafile } from 'esbuild'
import { SupervisorError } from '../supervisor/errors.ts'
import { readJson, writeJson } from '../supervisor/state-files.ts'
import { withoutFacades } from './builtins.ts'
import { completeLateImports, namesFromDefault } from './late-imports.ts'
import { InputFiles, judge, keyOf, type Manifest } from './manifest.ts'
import { knowsItsPlace, ownPlace } from './own-place.ts'

/** Counts up when the way of bundling changes: bundles of an older way are rebuilt. */
const recipeVersion = 9

const flushCompileCache = fileURLToPath(new URL('./flush-compile-cache.ts', import.meta.url))

/**
 * In front of each file. `require` is for code that calls it with a computed name; the script's name becomes that of
 * its source, so that a module which asks whether it was started itself gets the right answer.
 */
const banner = (root: string, entries: readonly string[]) => {
  const sources = JSON.stringify(Object.fromEntries(entries.map((entry) => [mainName(entry), join(root, entry)])))
  return `const require=process.getBuiltinModule('node:module').createRequire(${JSON.stringify(pathToFileURL(join(root, 'package.json')).href)});process.argv[1]=${sources}[process.argv[1].split(/[\\\\/]/).pop()]??process.argv[1];${namesFromDefault}`
}

/** File of an entry in the folder of its bundle. */
const mainName = (entry: string) => `${entry.replaceAll('/', '-').replace(/\.[cm]?ts$/, '')}.mjs`

export interface BundlerOptions {
  /** The checkout: entries are relative to it. */
  readonly root: string
  /** For this checkout alone: caches.ts. */
  readonly directory: string
}

export class Bundler {
  readonly #options: BundlerOptions
  readonly #recipe: string
  #files = new InputFiles()
  /** Entries that wait for the next build, and those being built. */
  readonly #wanted = new Map<string, Promise<string>>()
  #waiting: { entry: string; settle: PromiseWithResolvers<string> }[] = []
  #busy = false
  /** Modules that care where they lie. */
  readonly #placed = new Set<string>()
  readonly #scanned = new Set<string>()
  #stopService: (() => Promise<void>) | undefined

  constructor(options: BundlerOptions) {
    this.#options = options
    const { version } = createRequire(import.meta.url)('esbuild/package.json') as { version: string }
    this.#recipe = `${recipeVersion} esbuild ${version} node ${process.versions.node} ${options.root}`
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
      const file = this.#mainFile(verdict.manifest.key, entry)
      if (existsSync(file)) {
        if (verdict.touched) writeJson(manifestPath, verdict.manifest)
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
      const entries = batch.map(({ entry }) => entry).sort()
      const together = await this.#build(entries).catch((error: unknown) => ({ error }))
      for (const { entry, settle } of batch) {
        // One that can't be built must not keep the others from it.
        const built =
          'error' in together && batch.length > 1
            ? await this.#build([entry]).catch((error: unknown) => ({ error }))
            : together
        if ('error' in built) settle.reject(built.error)
        else settle.resolve(built[entry] ?? '')
        this.#wanted.delete(entry)
      }
    }
    this.#busy = false
    // esbuild's own process would stay with us for as long as we live.
    await this.#stopService?.()
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

  /** Builds entries in one go. Answers the file of each. */
  async #build(entries: readonly string[]): Promise<Record<string, string>> {
    const { root, directory } = this.#options
    for (const entry of entries) {
      if (!existsSync(join(root, entry))) throw new SupervisorError(`there is no ${entry}`)
    }
    const esbuild = await import('esbuild')
    this.#stopService = esbuild.stop
    const outdir = join(directory, `unfinished-${process.pid}-${keyOf(entries.join(), [])}`)
    const inFront = banner(root, entries)
    const run = () =>
      esbuild.build({
        entryPoints: Object.fromEntries(
          entries.map((entry) => [mainName(entry).replace(/\.mjs$/, ''), join(root, entry)]),
        ),
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
        inject: [flushCompileCache],
        // V8 keeps the source in memory: blanks and comments would be paid for in every process.
        minifyWhitespace: true,
        minifySyntax: true,
        sourcemap: 'linked',
        sourcesContent: false,
        banner: { js: inFront },
        plugins: [ownPlace(new Set(entries.map((entry) => join(root, entry))), [...this.#placed])],
      })
    try {
      let { metafile } = await run()
      // Which modules care where they lie is known only once it is known which modules there are.
      while (this.#findPlaced(this.#sourcesOf(Object.keys(metafile.inputs)))) metafile = (await run()).metafile
      for (const name of readdirSync(outdir).filter((name) => name.endsWith('.mjs'))) {
        const file = join(outdir, name)
        writeFileSync(file, completeLateImports(withoutFacades(readFileSync(file, 'utf8'), inFront)))
      }
      const injected = Object.keys(metafile.inputs).filter((name) => resolve(root, name) === flushCompileCache)
      // The folder is named by all that is in it, each manifest by what its own entry reaches.
      const { key } = this.#describe(Object.keys(metafile.inputs), entries)
      publish(outdir, join(directory, key))
      for (const entry of entries) {
        writeJson(this.#manifestPath(entry), { ...this.#describe(inputsOf(metafile, entry, injected), [entry]), key })
      }
      return Object.fromEntries(entries.map((entry) => [entry, this.#mainFile(key, entry)]))
    } finally {
      rmSync(outdir, { recursive: true, force: true })
    }
  }

  /** Adds modules that care where they lie; true when there was one that the build did not know about. */
  #findPlaced(paths: readonly string[]): boolean {
    const before = this.#placed.size
    for (const path of paths) {
      if (this.#scanned.has(path)) continue
      this.#scanned.add(path)
      if (/\.[cm]?[jt]s$/.test(path) && knowsItsPlace(readFileSync(path, 'utf8'))) this.#placed.add(path)
    }
    return this.#placed.size > before
  }

  #sourcesOf(names: readonly string[]): string[] {
    return names.map((name) => resolve(this.#options.root, name)).filter((path) => existsSync(path))
  }

  #describe(names: readonly string[], entries: readonly string[]): Manifest {
    const sources = this.#sourcesOf(names)
    const packages = sources.filter((path) => !path.includes('/node_modules/')).map(nearestPackage)
    const paths = [...new Set([...sources, ...packages, join(this.#options.root, 'package-lock.json')])].sort()
    const inputs = paths.flatMap((path) => this.#files.describe(path) ?? [])
    return { recipe: this.#recipe, key: keyOf(`${this.#recipe} ${entries.join()}`, inputs), inputs }
  }

  #mainFile(key: string, entry: string): string {
    return join(this.#options.directory, key, mainName(entry))
  }

  #manifestPath(entry: string): string {
    mkdirSync(this.#options.directory, { recursive: true })
    return join(this.#options.directory, `${entry.replaceAll('/', '-')}.json`)
  }
}

/** The sources that an entry reaches, at once or late; those too of which nothing was left in the output. */
function inputsOf({ inputs }: Metafile, entry: string, always: readonly string[]): string[] {
  const reached = new Set<string>()
  const left = [entry, ...always]
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    const input = inputs[name]
    if (!input || reached.has(name)) continue
    reached.add(name)
    for (const { path, external } of input.imports) if (!external) left.push(path)
  }
  return [...reached]
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
