/**
 * Lets each module of a bundle believe that it still lies where its source lies: `import.meta.url`, `__dirname` and
 * their relatives become constants. So a package finds the .wasm, .proto or worker file beside it, `createRequire`
 * finds native add-ons, and nothing has to be copied or kept out of the bundle.
 */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Loader, Plugin } from 'esbuild'

const mentions = /\bimport\.meta\b|\b__(?:dirname|filename)\b/
const declares = /\b(?:const|let|var)\s+__(?:dirname|filename)\b/

/** Whether a source cares where it lies. */
export const knowsItsPlace = (source: string): boolean => mentions.test(source)

/**
 * @param paths the modules that care: esbuild asks the plugin about these alone, since each question is a round trip
 *   between processes and a service has hundreds of modules.
 */
export const ownPlace = (entries: ReadonlySet<string>, paths: readonly string[]): Plugin => ({
  name: 'own-place',
  setup(build) {
    if (paths.length === 0) return
    const filter = new RegExp(`^(?:${paths.map((path) => path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})$`)
    build.onLoad({ filter, namespace: 'file' }, ({ path }) => {
      const loader: Loader = /\.[cm]?ts$/.test(path) ? 'ts' : 'js'
      const contents = withOwnPlace(readFileSync(path, 'utf8'), path, entries.has(path))
      return { contents, loader, resolveDir: dirname(path) }
    })
  },
})

/** Pure. Keeps every line where it is, for the source map. A path goes in as it is: `$&` in it is not a pattern. */
export function withOwnPlace(source: string, path: string, isEntry: boolean): string {
  const url = JSON.stringify(pathToFileURL(path).href)
  const file = JSON.stringify(path)
  const directory = JSON.stringify(dirname(path))
  const builtin = (name: string) => `process.getBuiltinModule('node:${name}')`
  const resolve = `((specifier) => ${builtin('url')}.pathToFileURL(${builtin('module')}.createRequire(${url}).resolve(specifier)).href)`
  const replaced = source
    .replace(/\bimport\.meta\.url\b/g, () => url)
    .replace(/\bimport\.meta\.dirname\b/g, () => directory)
    .replace(/\bimport\.meta\.filename\b/g, () => file)
    .replace(/\bimport\.meta\.main\b/g, String(isEntry))
    .replace(/\bimport\.meta\.resolve\b/g, () => resolve)
  const isCommonJs = /\b__(?:dirname|filename)\b/.test(source) && !declares.test(source)
  return isCommonJs ? `var __dirname=${directory},__filename=${file};${replaced}` : replaced
}
