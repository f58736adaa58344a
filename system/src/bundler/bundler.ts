/**
 * One bundle per entry, built when something it is made from has changed (docs/decisions/0015). A service read from
 * hundreds of files costs half a second of processor time more per start than one read from two or three.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { readJson, writeJson } from '../supervisor/state-files.ts'
import { InputFiles, judge, keyOf, type Manifest } from './manifest.ts'
import { ownPlace } from './own-place.ts'

/** Counts up when the way of bundling changes: bundles of an older way are built anew. */
const recipeVersion = 1

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

  /** Removes bundles that no entry uses any more. Only while none of them runs: chunks are loaded late. */
  removeUnused(): void {
    const { directory } = this.#options
    if (!existsSync(directory)) return
    const names = readdirSync(directory)
    const manifests = names.filter((name) => name.endsWith('.json'))
    const used = new Set(manifests.map((name) => readJson<Manifest>(join(directory, name))?.key))
    for (const name of names) {
      if (!name.endsWith('.json') && !used.has(name)) rmSync(join(directory, name), { recursive: true, force: true })
    }
  }

  async #build(entry: string): Promise<string> {
    const { root, directory } = this.#options
    const { build, stop } = await import('esbuild')
    this.#stopService = stop
    const unfinished = join(directory, `unfinished-${process.pid}-${entry.replaceAll('/', '-')}`)
    const from = join(root, entry)
    try {
      const { metafile } = await build({
        entryPoints: { main: from },
        absWorkingDir: root,
        outdir: unfinished,
        bundle: true,
        splitting: true,
        platform: 'node',
        format: 'esm',
        target: 'node24',
        outExtension: { '.js': '.mjs' },
        // V8 keeps the source in memory: blanks and comments would be paid for in every process.
        minifyWhitespace: true,
        minifySyntax: true,
        keepNames: false,
        sourcemap: 'linked',
        sourcesContent: false,
        metafile: true,
        logLevel: 'silent',
        external: ['*.node'],
        inject: [fileURLToPath(new URL('./flush-compile-cache.ts', import.meta.url))],
        banner: { js: banner(root) },
        plugins: [ownPlace(from)],
      })
      const manifest = this.#describe(Object.keys(metafile.inputs))
      const target = join(directory, manifest.key)
      if (existsSync(target)) rmSync(unfinished, { recursive: true })
      else renameSync(unfinished, target)
      writeJson(this.#manifestPath(entry), manifest)
      return this.#mainFile(manifest.key)
    } finally {
      rmSync(unfinished, { recursive: true, force: true })
    }
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
