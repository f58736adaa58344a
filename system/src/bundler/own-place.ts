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

export const ownPlace = (entry: string): Plugin => ({
  name: 'own-place',
  setup(build) {
    build.onLoad({ filter: /\.[cm]?[jt]s$/, namespace: 'file' }, ({ path }) => {
      const source = readFileSync(path, 'utf8')
      if (!mentions.test(source)) return undefined
      const loader: Loader = /\.[cm]?ts$/.test(path) ? 'ts' : 'js'
      return { contents: withOwnPlace(source, path, path === entry), loader, resolveDir: dirname(path) }
    })
  },
})

/** Pure. Keeps every line where it is, for the source map. */
export function withOwnPlace(source: string, path: string, isEntry: boolean): string {
  const url = JSON.stringify(pathToFileURL(path).href)
  const file = JSON.stringify(path)
  const directory = JSON.stringify(dirname(path))
  const builtin = (name: string) => `process.getBuiltinModule('node:${name}')`
  const resolve = `((specifier) => ${builtin('url')}.pathToFileURL(${builtin('module')}.createRequire(${url}).resolve(specifier)).href)`
  const replaced = source
    .replace(/\bimport\.meta\.url\b/g, url)
    .replace(/\bimport\.meta\.dirname\b/g, directory)
    .replace(/\bimport\.meta\.filename\b/g, file)
    .replace(/\bimport\.meta\.main\b/g, String(isEntry))
    .replace(/\bimport\.meta\.resolve\b/g, resolve)
  const isCommonJs = /\b__(?:dirname|filename)\b/.test(source) && !declares.test(source)
  return isCommonJs ? `var __dirname=${directory},__filename=${file};${replaced}` : replaced
}
