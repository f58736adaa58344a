import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { assetsOf, placeRules } from './assets.ts'

const root = join(import.meta.dirname, '../..')

test('a module that reads a file beside itself brings it into the image', () => {
  const text =
    'readFileSync(new URL("../dist/native.wasm","file:///work/node_modules/@platformatic/wasm-utils/dist/index.js"))'
  assert.deepEqual(assetsOf('/work', 'services/orders/src/main.ts', text), [
    'node_modules/@platformatic/wasm-utils/dist/native.wasm',
  ])
})

test('the entry itself and modules with a reason bring nothing', () => {
  const text = '"/work/services/orders/src/main.ts";"file:///work/package.json";"/work/node_modules/pino/lib"'
  assert.deepEqual(assetsOf('/work', 'services/orders/src/main.ts', text), [])
})

test('a place that no rule covers stops the build', () => {
  const text = '"/work/node_modules/@scope/newcomer/lib";"/work/services/users/src/pages.ts"'
  assert.throws(
    () => assetsOf('/work', 'services/orders/src/main.ts', text),
    /node_modules\/@scope\/newcomer, services\/users/,
  )
})

test('every file that a rule names is there', () => {
  const files = Object.values(placeRules).flatMap((rule) => ('files' in rule ? rule.files : []))
  assert.deepEqual(
    files.filter((file) => !existsSync(join(root, file))),
    [],
  )
})
