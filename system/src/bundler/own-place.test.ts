import assert from 'node:assert/strict'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { withOwnPlace } from './own-place.ts'

const at = '/srv/a b/code.ts'

test('import.meta becomes the constants of the source, on the same lines', () => {
  const source = `const a = import.meta.url\nconst b = import.meta.dirname + import.meta.filename\nconst c = import.meta.main`
  assert.equal(
    withOwnPlace(source, at, false),
    `const a = "file:///srv/a%20b/code.ts"\nconst b = "/srv/a b" + "/srv/a b/code.ts"\nconst c = false`,
  )
})

test('only the entry is main', () => {
  assert.equal(withOwnPlace('import.meta.main', at, true), 'true')
})

test('import.meta.resolve resolves from the place of the source', () => {
  const resolve = new Function(`return ${withOwnPlace('import.meta.resolve', import.meta.filename, false)}`)()
  assert.match(resolve('esbuild'), /^file:.*\/node_modules\/esbuild\/lib\/main\.js$/)
})

test('a CommonJS module gets __dirname and __filename, unless it makes its own', () => {
  assert.match(withOwnPlace('join(__dirname, "x")', at, false), /^var __dirname="\/srv\/a b",__filename=/)
  const own = 'const __dirname = dirname(f)'
  assert.equal(withOwnPlace(own, at, false), own)
})

test('whatever characters a path has, it arrives as it is', () => {
  const odd = '/srv/$& $\' $` $$ $1 #?%20 \\ "q"/code.ts'
  const made = new Function(
    `return [${withOwnPlace('import.meta.url, import.meta.dirname, import.meta.filename', odd, false)}]`,
  )
  assert.deepEqual(made(), [pathToFileURL(odd).href, dirname(odd), odd])
})
