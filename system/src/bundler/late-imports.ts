/**
 * `await import('a-commonjs-package')` must give what Node gives: the package's names beside `default`. esbuild puts
 * such a package into a chunk that exports `default` alone, since the names of a CommonJS module aren't known before
 * it has run. So each late import of a chunk gets a step after it that takes the names from `default`.
 */

/** Defines the step; goes in front of every file of a bundle. */
export const namesFromDefault =
  'const __names=(m)=>{const d=m.default;return Object.keys(m).length===1&&(typeof d=="object"&&d||typeof d=="function")?Object.assign(Object.create(null),d,{default:d}):m};'

/** Pure. Applies to esbuild's output, where an `import(…)` can no longer be a type. */
export const completeLateImports = (output: string): string =>
  output.replace(/\bimport\(("\.\/[^"\n]+\.mjs")\)/g, 'import($1).then(__names)')
