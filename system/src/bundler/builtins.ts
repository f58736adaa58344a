/**
 * `import … from 'node:http'` makes Node build a module around the built-in one and read each of its names, the lazy
 * ones too: `http.WebSocket` alone brings in the whole of Node's own undici, 75 internal modules and 30 ms of processor
 * time in every process. `process.getBuiltinModule` gives the same object and reads nothing.
 */
import { isBuiltin } from 'node:module'

/** As esbuild writes the imports of built-in modules: a default, a namespace, names, or a default before either. */
const statement =
  /(?<=^|[;}\n])import ?(?:([\w$]+)(?:, ?| ?(?=from)))?(?:\* ?as ([\w$]+)|\{([^{}"']*)\})? ?from ?(["'])((?:node:)?[\w/]+)\4;?/gm

/**
 * Pure. Takes the imports of built-in modules out of a file of esbuild's output and puts what replaces them behind its
 * first line, `banner`, since imports are there before anything runs. No line moves, for the source map.
 */
export function withoutFacades(output: string, banner: string): string {
  const taken: string[] = []
  const rest = output.replace(statement, (whole, byDefault, namespace, names, _quote, specifier: string) => {
    if (!isBuiltin(specifier)) return whole
    const builtin = `process.getBuiltinModule(${JSON.stringify(specifier)})`
    for (const name of [byDefault, namespace]) if (name !== undefined) taken.push(`const ${name}=${builtin};`)
    if (names !== undefined) taken.push(`const{${names.replace(/([\w$]+) as ([\w$]+)/g, '$1:$2')}}=${builtin};`)
    return ''
  })
  return rest.replace(banner, () => banner + taken.join(''))
}
