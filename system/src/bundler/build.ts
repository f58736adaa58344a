/** Bundles made of entries, by esbuild. Runs in a process of its own (build-process.ts), which ends with what it built. */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Metafile, stop } from 'esbuild'
import { SupervisorError } from '../supervisor/errors.ts'
import { writeJson } from '../supervisor/state-files.ts'
import { withoutFacades } from './builtins.ts'
import { completeLateImports, namesFromDefault } from './late-imports.ts'
import { InputFiles, keyOf, type Manifest, mainFile, mainName, manifestPath } from './manifest.ts'
import type { Order, Outcome } from './order.ts'
import { knowsItsPlace, ownPlace } from './own-place.ts'

/** Part of every bundle. */
const injections = [
  fileURLToPath(new URL('./flush-compile-cache.ts', import.meta.url)),
  fileURLToPath(new URL('../memory/start.ts', import.meta.url)),
]

/**
 * In front of each file. `require` is for code that calls it with a computed name; the script's name becomes that of
 * its source, so that a module which asks whether it was started itself gets the right answer.
 */
const banner = (root: string, entries: readonly string[]) => {
  const sources = JSON.stringify(Object.fromEntries(entries.map((entry) => [mainName(entry), join(root, entry)])))
  return `const require=process.getBuiltinModule('node:module').createRequire(${JSON.stringify(pathToFileURL(join(root, 'package.json')).href)});process.argv[1]=${sources}[process.argv[1].split(/[\\\\/]/).pop()]??process.argv[1];${namesFromDefault}`
}

/**
 * Builds entries in one go; when that fails, each by itself, so that one that can't be built doesn't keep the others
 * from it. Never rejects: what went wrong is said for each entry.
 */
export async function buildAll({ root, directory, recipe, entries, placed }: Order): Promise<Outcome> {
  const builder = new Builder(root, directory, recipe, placed)
  const attempt = (chosen: readonly string[]) =>
    builder.build(chosen).catch((error: unknown) => {
      const text = error instanceof Error ? error.message : String(error)
      return Object.fromEntries(chosen.map((entry) => [entry, { error: text }]))
    })
  let built = await attempt(entries)
  if (entries.length > 1 && Object.values(built).some((one) => 'error' in one)) {
    built = {}
    for (const entry of entries) Object.assign(built, await attempt([entry]))
  }
  await stop()
  return { built, placed: builder.placed }
}

class Builder {
  readonly #root: string
  readonly #directory: string
  readonly #recipe: string
  readonly #files = new InputFiles()
  /** Modules that care where they lie. */
  readonly #placed: Set<string>
  readonly #scanned = new Set<string>()

  constructor(root: string, directory: string, recipe: string, placed: readonly string[]) {
    this.#root = root
    this.#directory = directory
    this.#recipe = recipe
    this.#placed = new Set(placed)
  }

  get placed(): string[] {
    return [...this.#placed]
  }

  /** Answers the file of each entry. */
  async build(entries: readonly string[]): Promise<Outcome['built']> {
    for (const entry of entries) {
      if (!existsSync(join(this.#root, entry))) throw new SupervisorError(`there is no ${entry}`)
    }
    const outdir = join(this.#directory, `unfinished-${process.pid}-${keyOf(entries.join(), [])}`)
    const inFront = banner(this.#root, entries)
    try {
      const metafile = await this.#bundle(entries, outdir, inFront)
      for (const name of readdirSync(outdir).filter((name) => name.endsWith('.mjs'))) {
        const file = join(outdir, name)
        writeFileSync(file, completeLateImports(withoutFacades(readFileSync(file, 'utf8'), inFront)))
      }
      const injected = Object.keys(metafile.inputs).filter((name) => injections.includes(resolve(this.#root, name)))
      // The folder is named by all that is in it, each manifest by what its own entry reaches.
      const { key } = this.#describe(Object.keys(metafile.inputs), entries)
      publish(outdir, join(this.#directory, key))
      for (const entry of entries) {
        const manifest = this.#describe(inputsOf(metafile, entry, injected), [entry])
        writeJson(manifestPath(this.#directory, entry), { ...manifest, key })
      }
      return Object.fromEntries(entries.map((entry) => [entry, { file: mainFile(this.#directory, key, entry) }]))
    } finally {
      rmSync(outdir, { recursive: true, force: true })
    }
  }

  /** As many rounds as it takes: which modules care where they lie is known only once it is known which there are. */
  async #bundle(entries: readonly string[], outdir: string, inFront: string): Promise<Metafile> {
    for (;;) {
      // Chunks are named by their content: those of the round before would stay in the bundle.
      rmSync(outdir, { recursive: true, force: true })
      const { metafile } = await this.#round(entries, outdir, inFront)
      if (!this.#findPlaced(this.#sourcesOf(Object.keys(metafile.inputs)))) return metafile
    }
  }

  #round(entries: readonly string[], outdir: string, inFront: string) {
    const root = this.#root
    return build({
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
      inject: injections,
      // V8 keeps the source in memory: blanks and comments would be paid for in every process.
      minifyWhitespace: true,
      minifySyntax: true,
      sourcemap: 'linked',
      sourcesContent: false,
      banner: { js: inFront },
      plugins: [ownPlace(new Set(entries.map((entry) => join(root, entry))), this.placed)],
    })
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
    return names.map((name) => resolve(this.#root, name)).filter((path) => existsSync(path))
  }

  #describe(names: readonly string[], entries: readonly string[]): Manifest {
    const sources = this.#sourcesOf(names)
    const packages = sources.filter((path) => !path.includes('/node_modules/')).map(nearestPackage)
    const paths = [...new Set([...sources, ...packages, join(this.#root, 'package-lock.json')])].sort()
    const inputs = paths.flatMap((path) => this.#files.describe(path) ?? [])
    return { recipe: this.#recipe, key: keyOf(`${this.#recipe} ${entries.join()}`, inputs), inputs }
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
